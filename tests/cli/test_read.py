import csv
import io
import json
from functools import partial

import cv2
import pytest
from conftest import SAMPLES

FIRST = str(SAMPLES / "000000002.jpg")
SECOND = str(SAMPLES / "000000007.jpg")


@pytest.fixture
def read(run):
    """Run `grcnn-ocr read` with arguments; return exit code, stdout and stderr."""
    return partial(run, "read")


def test_csv_has_a_line_an_image(read):
    code, out, _ = read(FIRST, SECOND, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0 and [row["path"] for row in rows] == [FIRST, SECOND]
    assert [row["text"] for row in rows] == ["clown", "child"]
    assert all(0 <= float(row["confidence"]) <= 1 for row in rows)


def test_paths_come_from_standard_input(read, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{FIRST}\n\n{SECOND}\r\n"))
    code, out, _ = read("-")
    assert code == 0 and [line.split("\t")[0] for line in out.splitlines()] == [FIRST, SECOND]


def test_alternatives_are_lines_below(read):
    code, out, _ = read(FIRST, "--num-best", 3)
    first, *others = (line.split("\t") for line in out.splitlines())
    assert code == 0 and first[1] == "clown" and len(others) == 2
    assert all(not other[0] and other[1] != "clown" for other in others)


def test_constraints_and_lists(read, tmp_path):
    assert read(FIRST, "--allow", "0123456789")[1].split("\t")[1].strip("0123456789") == ""
    assert read(FIRST, "--pattern", "[a-z]{4}")[1].split("\t")[1].isalpha()
    (tmp_path / "words.txt").write_text("Clown\ncrown\n")
    assert read(FIRST, "--lexicon", tmp_path / "words.txt")[1].split("\t")[1] == "Clown"
    (tmp_path / "words.txt").write_text("zzz\n")
    assert read(FIRST, "--lexicon", tmp_path / "words.txt")[1].split("\t")[1] == "zzz"
    assert read(FIRST, "--lexicon", tmp_path / "words.txt", "--open-gap", 4)[1].split("\t")[1] == "clown"


def test_json_tells_all(read):
    code, out, _ = read(FIRST, "--json", "--num-best", 2)
    record = json.loads(out)
    assert code == 0 and record["text"] == "clown" and len(record["alternatives"]) == 2
    assert [character["text"] for character in record["characters"]] == list("clown")


def test_crops_are_written_with_their_characters(read, tmp_path):
    code, _, _ = read(FIRST, SECOND, "--annotate", tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert code == 0 and names == ["000001_000000002.png", "000002_000000007.png"]
    assert cv2.imread(str(tmp_path / "out" / names[0])).shape[0] >= 96


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--json", "--csv"), "give one of them"),
        (("--open",), "give one"),
        (("--pattern", "["), "not a regular expression"),
        (("--allow", "é!"), "not in charset"),
        (("--lm", "nothing.npz"), "no language model"),
        (("--pattern", "[a-z]+", "--lexicon", FIRST), "lexicon"),
    ],
)
def test_options_that_do_not_go_together_are_errors(read, arguments, message):
    code, _, err = read(FIRST, *arguments)
    assert code == 2 and message in err
