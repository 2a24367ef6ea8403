"""Releases of cropped words: ICDAR 2003, 2013 and 2015, IIIT 5K-Words, Synth90k, the GRCNN lists."""

import logging
from pathlib import Path

import numpy as np
import pytest
from conftest import shared
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from grcnn_ocr.datasets.importers.records import LabelledPath, Problem
from grcnn_ocr.datasets.importers.release import FORMATS, read_release, recognise
from grcnn_ocr.datasets.words import open_words


def write(folder: Path, name: str, content: str | bytes) -> Path:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


def words(path: Path, format: str = "auto") -> list[tuple[str, str]]:
    """Return names and labels, all of which must be sound."""
    records = list(read_release(path, format))
    assert all(isinstance(record, LabelledPath) for record in records), records
    return [(record.path.relative_to(path.parent).as_posix(), record.label) for record in records]


def test_icdar2003_word_xml(tmp_path):
    content = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<imagelist>\n<image file="word/1/1.jpg" tag="self" />\n'
    content += '<image file="word/1/2.jpg" tag="&quot;R&amp;B&quot;\xa0\xa3" />\n'
    path = write(tmp_path, "word.xml", f"{content}</imagelist>".encode("iso-8859-1"))
    assert words(path) == [("word/1/1.jpg", "self"), ("word/1/2.jpg", '"R&B"\xa0£')]
    path = write(tmp_path, "word.xml", f'{content}<image tag="a"/><image file="b" tag=""/></imagelist>')
    problems = [record for record in read_release(path) if isinstance(record, Problem)]
    assert [problem.kind for problem in problems] == ["malformed element", "empty label"]
    assert problems[0].place.endswith("word.xml:5")
    with pytest.raises(ValueError, match="neither <image file= tag=> nor <taggedRectangle>"):
        read_release(write(tmp_path, "other.xml", "<t/>"), "icdar2003")


@pytest.fixture
def lists(crops) -> Path:
    """The GRCNN release's layout: paths of another machine, labels and lexicons in their order."""
    write(crops, "test.txt", f"/home/someone/IC03/0.png\n1.png\n{crops / '2.png'}\n\n")
    write(crops, "test_label.txt", "hello\nbook\n42\n")
    write(crops, "lexicon_50.txt", "hello,a\nbook,b\n42,c\n")
    return crops


def test_grcnn_lists_find_moved_images_and_carry_their_lexicons(lists, caplog):
    caplog.set_level(logging.INFO)
    source = open_words(lists / "test.txt")
    assert [source.label(i) for i in range(3)] == ["hello", "book", "42"]
    assert [source.image(i) for i in range(3)] == [(lists / f"{i}.png").read_bytes() for i in range(3)]
    assert source.lexicons["50"].lists == (("hello", "a"), ("book", "b"), ("42", "c"))
    assert "1 images are not at the paths listed" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("test_label.txt", "hello\nbook\n", r"lists 3 images, .*test_label\.txt 2 labels"),
        ("test_label.txt", "hello\n\n42\n", r"test\.txt:2: empty label"),
        ("lexicon_50.txt", "hello,a\nbook,b\n", r"has 2 lists for 3 images"),
        ("lexicon_50.txt", "hello\nbook\n", r"expected one comma list per image"),
        ("test.txt", "0.png\n\n2.png\n", r"test\.txt:2: malformed line"),
    ],
)
def test_grcnn_lists_that_do_not_fit(name, content, message, lists):
    write(lists, name, content)
    with pytest.raises(ValueError, match=message):
        open_words(lists / "test.txt")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_icdar2013_lines(encoding, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    lines = [
        r'word_1.png, "Tiredness"',
        r'word_2.png, "\"50%, off\\on\""',
        r'word_3.png, "£1,000"',
        "",
        r'word_4.png,"say "hi" \n"',
    ]
    path = write(tmp_path, "Challenge2_Test_Task3_GT.txt", "\r\n".join(lines).encode(encoding))
    assert words(path, "icdar2013") == words(path, "icdar2015")
    assert words(path, "icdar2013") == [
        ("word_1.png", "Tiredness"), ("word_2.png", r'"50%, off\on"'), ("word_3.png", "£1,000"),
        ("word_4.png", r'say "hi" \n'),
    ]  # fmt: skip
    assert ("not UTF-8" in caplog.text) == (encoding in ("utf-16", "cp1252"))


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1))
def test_escaped_labels_come_back(tmp_path_factory, label):
    escaped = label.replace("\\", "\\\\").replace('"', '\\"')
    path = write(tmp_path_factory.getbasetemp(), "escaped_gt.txt", f'word_1.png, "{escaped}"\n')
    assert words(path, "icdar2013") == [("word_1.png", label)]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('word_1.png "a"', "malformed line"),
        ("word_1.png, a", "malformed line"),
        ("word_1.png,377,117,463,117,465,130,378,130", "malformed line"),  # of a coords.txt
        ('word_1.png, " "', "empty label"),
    ],
)
def test_a_bad_icdar2013_line_is_a_problem(line, kind, tmp_path):
    good, bad = read_release(write(tmp_path, "gt.txt", f'word_0.png, "a"\n{line}\n'))
    assert isinstance(good, LabelledPath) and isinstance(bad, Problem)
    assert bad.kind == kind and bad.place == f"{tmp_path / 'gt.txt'}:2"


def cell(*strings: str) -> np.ndarray:
    cells = np.empty((1, len(strings)), object)
    cells[0] = strings
    return cells


def save_structs(path: Path, **fields: list) -> Path:
    """Write a 1 x N structure array, as MATLAB's."""
    array = np.empty((1, len(next(iter(fields.values())))), [(name, object) for name in fields])
    for name, values in fields.items():
        for index, value in enumerate(values):
            array[0, index][name] = value
    savemat(path, {path.stem: array})
    return path


def test_iiit5k_words_with_two_lexicons_an_image(crops):
    path = save_structs(
        crops / "testdata.mat",
        ImgName=["0.png", "1.png"],
        GroundTruth=["HELLO", "BOOK"],
        smallLexi=[cell("HELLO", "A"), cell("BOOK", "B")],
        mediumLexi=[cell("HELLO", "A", "C"), cell("D", "BOOK", "B")],
    )
    source = open_words(path)
    assert [source.label(0), source.label(1)] == ["HELLO", "BOOK"]
    assert source.image(1) == (crops / "1.png").read_bytes()
    assert source.lexicons["50"].lists == (("HELLO", "A"), ("BOOK", "B"))
    assert source.lexicons["1k"].lists == (("HELLO", "A", "C"), ("D", "BOOK", "B"))
    assert source.lexicons["1k"].per_image and source.characters is None
    assert source.place(1).endswith("testdata.mat: testdata(2))")


def test_iiit5k_characters_are_counted_from_0(crops):
    path = save_structs(
        crops / "trainCharBound.mat",
        ImgName=["0.png"],
        chars=["AB"],
        charBB=[np.array([[1, 1, 10, 20], [12, 3, 8, 18]], np.float32)],
    )
    assert open_words(path).characters == [((0, 0, 10, 20), (11, 2, 19, 20))]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"charBB": [np.ones((1, 4))]}, "x y w h for each character of 'AB'"),
        ({"charBB": [np.full((2, 4), np.nan)]}, "not finite"),
        ({"chars": [3.0]}, "expected a line of text"),
        ({"chars": [""]}, "empty label"),
        ({"smallLexi": [cell()]}, "cell array of words"),
        ({"smallLexi": [cell("a,b")]}, "cell array of words"),
        ({"smallLexi": ["word"], "mediumLexi": [7.0]}, "expected a line of text"),
    ],
)
def test_a_bad_iiit5k_entry_is_a_problem(fields, message, crops):
    path = save_structs(crops / "x.mat", **{"ImgName": ["0.png"], "chars": ["AB"], **fields})
    with pytest.raises(ValueError, match=rf"x\(1\): .*{message}"):
        open_words(path)


def test_a_file_that_is_no_iiit5k_is_an_error(tmp_path):
    savemat(tmp_path / "other.mat", {"a": 1.0})
    with pytest.raises(ValueError, match=r"other\.mat: no structure array with ImgName.*it holds a"):
        open_words(tmp_path / "other.mat")
    broken = write(tmp_path, "broken.mat", (tmp_path / "other.mat").read_bytes()[:140])
    with pytest.raises(ValueError, match=r"broken\.mat cannot be read as a MATLAB file"):
        open_words(broken)
    with pytest.raises(ValueError, match=r"broken\.mat cannot be read as a MATLAB file"):
        open_words(write(tmp_path, "broken.mat", b"no MATLAB here"))
    with pytest.raises(ValueError, match="no such file"):
        list(read_release(tmp_path / "nowhere.mat"))


def test_synth90k_labels_are_in_the_names_or_the_lexicon(tmp_path):
    write(tmp_path, "lexicon.txt", "zero\none\n")
    lines = "./2425/1/115_Lube_45484.jpg 45484\n./1/2/7_A_b_1.jpg 1\n./1/2/plain.jpg 1\n"
    path = write(tmp_path, "annotation_test.txt", lines)
    assert words(path) == [("2425/1/115_Lube_45484.jpg", "Lube"), ("1/2/7_A_b_1.jpg", "A_b"), ("1/2/plain.jpg", "one")]
    assert words(write(tmp_path, "imlist.txt", "./2425/1/115_Lube_45484.jpg\n"), "synth90k")[0][1] == "Lube"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"./1/2/7_word_3.jpg 4", "contradiction"),
        (b"./1/2/plain.jpg 2", "no label"),
        (b"./1/2/plain.jpg", "no label"),
        (b"./1/2/7_word_3.jpg word", "malformed line"),
        (b"./1/2/7_word_3.jpg 3 3", "malformed line"),
        (b"./1/2/7_\xff_3.jpg 3", "malformed line"),
    ],
)
def test_a_bad_synth90k_line_is_a_problem(line, kind, tmp_path):
    write(tmp_path, "lexicon.txt", "zero\none\n")
    _, bad = read_release(write(tmp_path, "annotation.txt", b"./1/2/7_word_3.jpg 3\n" + line))
    assert isinstance(bad, Problem) and (bad.kind, bad.place[-2:]) == (kind, ":2")


def test_space_separated_lines_only_by_name(tmp_path):
    path = write(tmp_path, "gt.txt", "a/1.png two words\n2.png x\n")
    assert words(path, "space_separated") == [("a/1.png", "two words"), ("2.png", "x")]
    assert {record.kind for record in read_release(path) if isinstance(record, Problem)} == {"malformed line"}
    [bad] = read_release(write(tmp_path, "gt.txt", "1.png\ttwo words\n"), "space_separated")
    assert isinstance(bad, Problem) and "without tabs" in bad.detail


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("gt.txt", "word_1.png\tone\n", "label_file"),
        ("gt.txt", "\ufeffword_1.png, \"one\"\n", "icdar2013"),
        ("GT.txt", "word_1.png, \"one\"\n", "icdar2013"),
        ("labels.txt", "word_1.png, \"one\"\n", "label_file"),
        ("annotation_val.txt", "./a/1_b_2.jpg 2\n", "synth90k"),
        ("labels.csv", "a.png,b\n", "label_file"),
        ("empty.txt", "", "label_file"),
        ("word.xml", '<imagelist><image file="a.jpg" tag="b"/></imagelist>', "icdar2003"),
        ("odd.xml", "<nothing/>", "label_file"),
        ("test.xml", "<tagset><image><imageName>a</imageName><lex>A</lex></image></tagset>", "svt"),
        ("TestData.MAT", b"", "iiit5k"),
    ],
)  # fmt: skip
def test_formats_are_recognised_by_name_and_content(name, content, format, tmp_path):
    assert recognise(write(tmp_path, name, content)) == format


def test_an_unknown_format_and_a_missing_file_are_errors(tmp_path):
    with pytest.raises(ValueError, match="no format 'svtt'; known: auto, label_file, .*svt"):
        read_release(tmp_path / "x", "svtt")
    for format in FORMATS:
        with pytest.raises(ValueError, match=r"cannot read .*nowhere"):
            list(read_release(tmp_path / "nowhere", format))


def test_images_may_lie_elsewhere(crops, tmp_path):
    path = write(tmp_path, "gt.txt", '0.png, "hello"\n')
    [record] = read_release(path, images=crops)
    assert record.path == crops / "0.png"


@pytest.mark.parametrize("part", ["test", "train"])
def test_the_real_character_file_names_the_words_of_the_label_file(part):
    labels = open_words(shared(f"data/iiit5k/{part}.txt"))
    source = open_words(shared(f"data/iiit5k/{part}CharBound.mat"))
    assert len(source) == len(labels) == {"test": 3000, "train": 2000}[part]
    assert all(source.label(i) == labels.label(i) and source.image(i) == labels.image(i) for i in range(len(source)))
    assert source.characters is not None
    assert all(len(boxes) == len(source.label(index)) for index, boxes in enumerate(source.characters))
    assert all(left >= 0 and top >= 0 for boxes in source.characters for left, top, _, _ in boxes)
