import csv
import io
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import SAMPLES
from PIL import Image

from grcnn_ocr.cli.console import errors

FIRST = str(SAMPLES / "000000002.jpg")
SECOND = str(SAMPLES / "000000007.jpg")


@pytest.fixture
def read(run):
    """Run `grcnn-ocr read` with arguments; return exit code, stdout and stderr."""
    return partial(run, "read")


def test_csv_has_one_line_per_image(read):
    code, out, _ = read(FIRST, SECOND, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0 and [row["path"] for row in rows] == [FIRST, SECOND]
    assert [row["text"] for row in rows] == ["CLOWN", "child"]
    assert all(0 <= float(row["confidence"]) <= 1 for row in rows)


def test_paths_come_from_standard_input(read, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{FIRST}\n\n{SECOND}\r\n{FIRST}".encode())))
    code, out, _ = read("-", SECOND)
    assert code == 0 and [line.split("\t")[0] for line in out.splitlines()] == [FIRST, SECOND, FIRST, SECOND]


def test_files_named_on_standard_input_are_read_as_they_arrive(read, monkeypatch, capsys, tmp_path):
    printed = []

    class Stdin:
        parts = iter([f"{FIRST}\n{SECOND[:9]}", f"{SECOND[9:]}\n{FIRST}\n", ""])

        def read1(self, size):
            printed.append([line.split("\t")[1] for line in capsys.readouterr().out.splitlines()])
            return next(self.parts).encode()

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=Stdin()))
    assert read("-")[0] == 0 and printed == [[], ["CLOWN"], ["child", "CLOWN"]]
    Stdin.parts = iter([f"{FIRST}\n", f"{SECOND}\n", ""])
    (tmp_path / "lists.txt").write_text("crown,clown\nchild,mild\n")  # one an image
    code, out, _ = read("-", "--lexicon", tmp_path / "lists.txt", "--csv")
    assert code == 0 and [line.split(",")[1] for line in out.splitlines()] == ["text", "clown", "child"]


def test_no_paths_on_standard_input_are_an_error(read, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\n")))
    code, out, err = read("-", "--csv")
    assert code == 2 and not out and "no names of images on standard input" in err


def test_alternatives_are_lines_below(read):
    code, out, _ = read(FIRST, "--num-best", 3)
    first, *others = (line.split("\t") for line in out.splitlines())
    assert code == 0 and first[1] == "CLOWN" and len(others) == 2
    assert all(not other[0] and other[1] != "CLOWN" for other in others)


def test_constraints_and_lists(read, tmp_path):
    assert read(FIRST, "--allow", "0123456789")[1].split("\t")[1].strip("0123456789") == ""
    found = read(FIRST, "--pattern", "[a-z]{4}")[1].split("\t")[1]
    assert len(found) == 4 and found.isalpha()
    (tmp_path / "words.txt").write_text("Clown\ncrown\n")
    assert read(FIRST, "--lexicon", tmp_path / "words.txt")[1].split("\t")[1] == "Clown"
    (tmp_path / "words.txt").write_text("zzz\n")
    assert read(FIRST, "--lexicon", tmp_path / "words.txt")[1].split("\t")[1] == "zzz"
    assert read(FIRST, "--lexicon", tmp_path / "words.txt", "--open-gap", 4)[1].split("\t")[1] == "CLOWN"


def test_a_network_without_case_ignores_that_of_a_pattern(read):
    assert read(FIRST, "--weights", "grcl_lstm_tiny", "--pattern", "[A-Z]+")[1].split("\t")[1] == "clown"


def test_a_folder_is_read_links_followed_and_no_circle(read, tmp_path):
    (tmp_path / "crops" / "more").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for path in (tmp_path / "crops" / "a.jpg", tmp_path / "elsewhere" / "b.JPG"):
        path.write_bytes(Path(FIRST).read_bytes())
    cv2.imwrite(str(tmp_path / "crops" / "more" / "c.ppm"), cv2.imread(FIRST))
    (tmp_path / "crops" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "crops" / "more" / "up").symlink_to(tmp_path / "crops")
    code, out, _ = read(tmp_path / "crops")
    assert code == 0 and [Path(line.split("\t")[0]).name for line in out.splitlines()] == ["a.jpg", "b.JPG", "c.ppm"]


def test_folders_that_a_glob_matches_are_read_through_and_nothing_twice(read, tmp_path):
    for path in (tmp_path / "crops" / "a.jpg", tmp_path / "crops" / "more" / "b.jpg"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(Path(FIRST).read_bytes())
    (tmp_path / "crops" / "none").mkdir()
    for pattern in ("*", "**"):
        code, out, err = read(tmp_path / "crops" / pattern)
        assert code == 0 and not err
        assert [Path(line.split("\t")[0]).name for line in out.splitlines()] == ["a.jpg", "b.jpg"]


def test_names_that_no_file_can_have_are_named_and_the_others_read(read):
    code, out, err = read(FIRST, f"{'x' * 300}.jpg")
    assert code == 1 and "CLOWN" in out and "xxx.jpg: File name too long" in err
    for arguments in (("",), (FIRST, "--lexicon", "")):
        assert read(*arguments)[0] == 2


def test_odd_names_reach_every_kind_of_output(tmp_path):
    name = os.fsencode(tmp_path) + b"/two\nlines \xff.jpg"
    Path(os.fsdecode(name)).write_bytes(Path(FIRST).read_bytes())
    for option, encoding in (("--csv", "utf-8:strict"), ("--json", "utf-8:strict"), ("--json", "ascii:strict")):
        found = subprocess.run(
            [sys.executable, "-c", "from grcnn_ocr.cli import main; main()", "read", tmp_path, option],
            env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, check=True,
        )  # fmt: skip
        out = found.stdout.decode("utf-8", "surrogateescape")
        if option == "--csv":
            [row] = csv.DictReader(io.StringIO(out))
        else:
            row = json.loads(out)
        assert os.fsencode(row["path"]) == name and row["text"] == "CLOWN"


def test_json_holds_text_characters_and_alternatives(read):
    code, out, _ = read(FIRST, "--json", "--num-best", 2)
    record = json.loads(out)
    assert code == 0 and record["text"] == "CLOWN" and len(record["alternatives"]) == 2
    assert [character["text"] for character in record["characters"]] == list("CLOWN")


def test_crops_are_written_with_their_characters(read, tmp_path):
    code, _, _ = read(FIRST, SECOND, "--annotate", tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert code == 0 and names == ["000001_000000002.png", "000002_000000007.png"]
    assert cv2.imread(str(tmp_path / "out" / names[0])).shape[0] >= 96


def test_a_drawing_whose_name_is_too_long_is_reported_and_the_others_are_written(read, tmp_path):
    long = tmp_path / f"{'x' * 250}.jpg"
    long.write_bytes(Path(FIRST).read_bytes())
    code, out, err = read(long, SECOND, "--annotate", tmp_path / "out")
    assert code == 1 and [line.split("\t")[1] for line in out.splitlines()] == ["CLOWN", "child"]
    assert f"error: {long}: " in err and "File name too long" in err
    assert "1 of 2 files could not be drawn for --annotate" in err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["000002_000000007.png"]


def test_a_squeezed_crop_gives_a_warning(read, tmp_path):
    long = np.full((20, 900), 255, np.uint8)
    cv2.imwrite(str(tmp_path / "long.png"), long)
    cv2.imwrite(str(tmp_path / "up.png"), long[:2].T)
    code, _, err = read(FIRST, tmp_path / "long.png")
    expected = f"warning: {tmp_path}/long.png: so long that it was squeezed to 56.9% of its width; cut it into words"
    assert code == 0 and err == f"{expected}\n"
    assert not read(tmp_path / "up.png")[2]


def test_two_lines_in_a_crop_give_a_warning(read, tmp_path):
    lines = [cv2.resize(cv2.imread(path), (200, 48)) for path in (FIRST, SECOND)]
    cv2.imwrite(str(tmp_path / "two.png"), np.vstack([lines[0], np.repeat(lines[0][-1:], 8, axis=0), lines[1]]))
    code, _, err = read(FIRST, tmp_path / "two.png", SECOND)
    expected = f"warning: {tmp_path}/two.png: it seems to show 2 lines of text, and was read as one; cut it into lines"
    assert code == 0 and err == f"{expected}\n"


@pytest.mark.parametrize("ending", ["tif", "gif", "webp"])
def test_further_pictures_of_a_file_give_a_warning(read, tmp_path, ending):
    picture = Image.open(FIRST)
    picture.save(tmp_path / f"one.{ending}")
    picture.save(tmp_path / f"two.{ending}", save_all=True, append_images=[picture.rotate(180)])
    code, _, err = read(tmp_path)
    expected = f"warning: {tmp_path / f'two.{ending}'}: only the first of its pictures was read; "
    assert code == 0 and err == expected + "save each in a file of its own\n"


def test_turned_crops_are_read_and_drawn_upright(read, tmp_path):
    crop = cv2.imread(FIRST)
    cv2.imwrite(str(tmp_path / "up.png"), cv2.rotate(crop, cv2.ROTATE_90_COUNTERCLOCKWISE))
    cv2.imwrite(str(tmp_path / "down.png"), cv2.rotate(crop, cv2.ROTATE_90_CLOCKWISE))
    code, out, _ = read(
        FIRST, tmp_path / "up.png", tmp_path / "down.png", "--upright", "--json", "--annotate", tmp_path / "out"
    )
    records = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and [(r["text"], r["rotation"]) for r in records] == [("CLOWN", 0), ("CLOWN", 90), ("CLOWN", 270)]
    spans = [[(c["left"], c["right"]) for c in record["characters"]] for record in records]
    np.testing.assert_allclose(spans, [spans[0]] * 3, atol=1.01)  # a JPEG's gray is not quite a PNG's
    drawn = [cv2.imread(str(path)) for path in sorted((tmp_path / "out").iterdir())]
    assert {picture.shape for picture in drawn} == {drawn[0].shape} and drawn[0].shape[1] > drawn[0].shape[0]
    assert {json.loads(line)["rotation"] for line in read(tmp_path / "up.png", "--json")[1].splitlines()} == {0}


def test_lines_of_a_lexicon_stay_with_their_images(read, tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    images = [FIRST, tmp_path / "empty.png", SECOND, tmp_path / "nowhere.png", FIRST]
    (tmp_path / "lists.txt").write_text("".join(f"word{n},wort{n}\n" for n in range(5)))
    code, out, err = read(*images, "--lexicon", tmp_path / "lists.txt", "--batch-size", 1)
    assert code == 1 and [line.split("\t")[1][-1] for line in out.splitlines()] == list("024")
    assert "empty.png: the file is empty" in err and "nowhere.png: No such file" in err
    assert "2 of 5 files could not be read" in err


def test_nothing_is_printed_where_a_list_does_not_fit(read, tmp_path):
    (tmp_path / "lists.txt").write_text("a,b\nc,d\n")
    code, out, err = read(FIRST, "--lexicon", tmp_path / "lists.txt", "--csv")
    assert code == 2 and not out and "2 lists for 1 images" in err


def test_a_terminal_shows_how_far_many_images_are_and_the_results_stay_whole(read, monkeypatch):
    monkeypatch.setattr(errors, "is_interactive", True)  # found out when it was imported
    monkeypatch.setenv("TERM", "xterm")
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as terminal:

        def shown_until(end: str) -> str:
            terminal.write(end)
            terminal.flush()
            shown = ""
            while not shown.endswith(end):
                shown += os.read(master, 1 << 16).decode(errors="replace")
            return shown

        monkeypatch.setattr("sys.stderr", terminal)
        images = [FIRST, SECOND] * 20
        code, out, _ = read(*images, "--batch-size", 2)
        assert code == 0 and [line.split("\t")[0] for line in out.splitlines()] == images
        shown = shown_until("end")
        assert "reading" in shown and "/40" in shown and FIRST not in shown
        assert read(FIRST, "--batch-size", 2)[0] == 0
        assert shown_until("nothing") == "nothing"  # one image is no reason for a bar
    os.close(master)


def test_a_precision_may_be_chosen(read):
    rounded, exact = (json.loads(read(FIRST, "--json", *options)[1]) for options in (("--precision", "bf16"), ()))
    assert rounded["text"] == exact["text"] == "CLOWN"
    assert rounded["log_likelihood"] != exact["log_likelihood"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--json", "--csv"), "give one of them"),
        (("--open",), "give one"),
        (("--match-case",), "give one"),
        (("--open-gap", "nan", "--lexicon", FIRST), "open_gap nan"),
        (("--precision", "int4"), "precision 'int4': expected one of float32, bf16, auto"),
        (("--pattern", "["), "not a regular expression"),
        (("--allow", "日"), "not in charset"),
        (
            ("--lm", "nothing.npz"),
            "no language model nothing.npz; make one with `grcnn-ocr lm build` (released: english)",
        ),
        (("--pattern", "[a-z]+", "--lexicon", FIRST), "lexicon"),
    ],
)
def test_options_that_do_not_go_together_are_errors(read, arguments, message):
    code, _, err = read(FIRST, *arguments)
    assert code == 2 and message in err


def test_a_smaller_charset_may_be_chosen(read):
    options = (FIRST, "--charset")
    assert read(*options, "alnum36")[1].split("\t")[1] == "clown"
    assert read(*options, "ascii94")[1].split("\t")[1] == "CLOWN"
    code, out, err = read(*options, "digits")
    assert code == 2 and not out and "has no character for" in err
