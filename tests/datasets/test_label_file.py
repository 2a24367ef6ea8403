import re
from pathlib import Path

import pytest

from grcnn_ocr.datasets.importers.label_file import LabelledPath, Problem, read_label_file
from grcnn_ocr.datasets.importers.release import read_release
from grcnn_ocr.datasets.words import open_words

HERE = Path("here")


def read(tmp_path: Path, name: str, content: bytes) -> list[LabelledPath | Problem]:
    (tmp_path / name).write_bytes(content)
    return list(read_label_file(tmp_path / name, HERE))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("l.tsv", b"a.png\topen\nb/c.png\tclosed, now\n"),
        ("l.txt", b"a.png\topen\r\nb/c.png\tclosed, now\r\n"),  # Windows line ends
        (
            "l.tsv",
            "\ufeffa.png\topen\n\n\nb/c.png\tclosed, now".encode(),
        ),  # BOM, blank lines, no last line end
        ("l.tsv", "a.png\topen\r\nb/c.png\tclosed, now\r\n".encode("utf-16")),  # of PowerShell
        ("l.csv", b'path,label\na.png,open\n"b/c.png","closed, now"\n'),
        ("l.csv", b'a.png,open\nb/c.png,"closed, now"\n'),
        ("l.csv", b'id,File Name,Text,score\n1,a.png,open,0.9\n2,b/c.png,"closed, now",\n'),
        ("l.csv", b'words,filename\nopen,a.png\n"closed, now",b/c.png\n'),
        ("l.csv", b'path,text,confidence\na.png,open,0.998\nb/c.png,"closed, now",0.500\n'),  # of `read --csv`
        ("l.jsonl", b'{"path": "a.png", "label": "open"}\n{"file_name": "b/c.png", "text": "closed, now"}\n'),
    ],
)
def test_every_format_gives_the_same_records(name, content, tmp_path):
    records = read(tmp_path, name, content)
    assert [(r.path, r.label) for r in records] == [
        (HERE / "a.png", "open"),
        (HERE / "b/c.png", "closed, now"),
    ]


@pytest.mark.parametrize(
    ("name", "line", "kind", "detail"),
    [
        ("l.tsv", b"a.png", "malformed line", "expected path<TAB>label"),
        ("l.tsv", b"a.png open", "malformed line", "found 'a.png open'; `--format space_separated`"),
        ("l.tsv", b"\topen", "malformed line", "expected path<TAB>label"),
        ("l.tsv", b"a.png\topen\tmore", "malformed line", "expected path<TAB>label"),
        ("l.tsv", b"a.png\t  ", "empty label", "a.png"),
        ("l.tsv", b"a.png\t\xff\xfe", "malformed line", "not UTF-8: .* if the whole file is not, save it as UTF-8"),
        ("l.csv", b"a.png", "malformed line", "two columns"),
        ("l.csv", b"a.png,b,c", "malformed line", "found 3"),
        ("l.csv", b"a.png;b", "malformed line", "separate them by commas"),
        ("l.tsv", b"a.png,open", "malformed line", "if its name ends with .csv"),
        ("l.csv", b'a.png,"open', "malformed line", ""),
        ("l.jsonl", b'{"path": "a.png"}', "malformed line", "a label, found keys path$"),
        ("l.jsonl", b'{"path": "a.png", "label": 5}', "malformed line", "label as a string in quotes, found 5$"),
        ("l.jsonl", b'{"file": null, "text": "a"}', "malformed line", "file as a string in quotes, found null$"),
        ("l.jsonl", b'{"path": "a.png", "label": "\\ud800"}', "malformed line", "surrogates"),
        ("l.jsonl", b"[1]", "malformed line", "an object"),
        ("l.jsonl", b"{", "malformed line", ""),
        pytest.param("l.jsonl", b"[" * 100_000, "malformed line", "recursion", id="nested deeply"),
    ],
)
def test_a_bad_line_is_a_problem_with_its_number(name, line, kind, detail, tmp_path):
    good = {"l.tsv": b"x.png\tx\n", "l.csv": b"x.png,x\n", "l.jsonl": b'{"path": "x.png", "label": "x"}\n'}[name]
    first, problem, last = read(tmp_path, name, good + line + b"\n" + good)
    assert isinstance(first, LabelledPath) and isinstance(last, LabelledPath) and last.place.endswith(":3")
    assert isinstance(problem, Problem) and problem.kind == kind
    assert problem.place == f"{tmp_path / name}:2" and re.search(detail, problem.detail)


def test_damaged_utf_16_is_an_error_that_names_the_file(tmp_path):
    with pytest.raises(ValueError, match=r"label file .*l\.tsv is damaged: .*; save it as UTF-8"):
        read(tmp_path, "l.tsv", "a.png\topen".encode("utf-16")[:-1])


def test_lines_of_csv_have_the_columns_of_its_header(tmp_path):
    content = b"path,split,label\na.png,train,x\nb.png,x\n,train,x\nc.png,train,\n"
    first, *problems = read(tmp_path, "l.csv", content)
    assert isinstance(first, LabelledPath) and first.label == "x"
    found = [(problem.kind, problem.detail) for problem in problems if isinstance(problem, Problem)]
    assert found == [
        ("malformed line", "expected 3 columns as in the first line, path,split,label, found 2 in 'b.png,x'"),
        ("malformed line", "no path in ',train,x'"),
        ("empty label", "no text for c.png"),
    ]


def test_paths_start_from_the_label_file_by_default(tmp_path):
    (tmp_path / "l.tsv").write_text("a.png\tx\n/abs/b.png\ty\n")
    assert [r.path for r in read_release(tmp_path / "l.tsv")] == [tmp_path / "a.png", Path("/abs/b.png")]


def test_a_missing_label_file_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read label file .*nowhere\.tsv"):
        list(read_label_file(tmp_path / "nowhere.tsv", HERE))


@pytest.mark.parametrize("content", ["", "\n\n", "path\tlabel\n"])
def test_words_of_an_empty_label_file_are_refused_as_such(tmp_path, content):
    (tmp_path / "labels.tsv").write_text(content)
    with pytest.raises(ValueError, match=r"labels\.tsv is empty"):
        open_words(tmp_path / "labels.tsv")
