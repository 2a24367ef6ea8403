"""`grcnn-ocr lm`, as a user gives it."""

import gzip

import numpy as np
import pytest
from typer.testing import CliRunner

from grcnn_ocr.cli.lm import app
from grcnn_ocr.text.charset import Charset
from grcnn_ocr.text.ngram import NGram

ALNUM = Charset.named("alnum36")


@pytest.fixture
def run():
    """Run a command; return its exit code, standard output and standard error; a user's error is raised."""

    def command(*arguments: object) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if isinstance(result.exception, Exception):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return command


@pytest.fixture
def model(tmp_path, run):
    (tmp_path / "words.txt").write_text("open\t30\nclosed\t4\n\nshop\n", encoding="utf-8")
    assert run("build", "--words", tmp_path / "words.txt", "--output", tmp_path / "lm.npz")[0] == 0
    return tmp_path / "lm.npz"


def test_build_learns_words_and_counts(model):
    found = NGram.load(model)
    expected, _ = NGram.build({"open": 30, "closed": 4, "shop": 1}, ALNUM)
    assert (found.charset, found.order, found.num_words) == (ALNUM, 6, 3)
    np.testing.assert_array_equal(found.log_following([]), expected.log_following([]))


def test_build_reads_gzip_and_a_byte_order_mark(tmp_path, run, model):
    (tmp_path / "words.gz").write_bytes(gzip.compress("\ufeffopen\t30\r\nclosed\t4\r\nshop\r\n".encode()))
    code, out, _ = run("build", "--words", tmp_path / "words.gz", "--output", tmp_path / "other.npz")
    assert (code, out) == (0, f"language model of 3 words written to {tmp_path / 'other.npz'}\n")
    assert (tmp_path / "other.npz").read_bytes() == model.read_bytes()


def test_build_reads_hunspell_dictionaries(tmp_path, run):
    (tmp_path / "x.dic").write_text("2\nlock/S\ncat\n")
    (tmp_path / "x.aff").write_text("SET UTF-8\nSFX S Y 1\nSFX S 0 s .\n")
    for name, words in (("x.dic", ("lock", "cat")), ("x.dic:expanded", ("lock", "locks", "cat"))):
        build = ("build", "--words", tmp_path / name, "--output", tmp_path / "lm.npz", "--overwrite")
        assert run(*build)[1].startswith(f"language model of {len(words)} words")
        expected, _ = NGram.build(dict.fromkeys(words, 1), ALNUM)
        np.testing.assert_array_equal(NGram.load(tmp_path / "lm.npz").log_following([]), expected.log_following([]))


def test_build_names_and_counts_what_it_leaves_out(tmp_path, run):
    lines = ["open", "日本", *(f"č{i}世" for i in range(25))]
    (tmp_path / "words.txt").write_text("\n".join(lines), encoding="utf-8")
    code, out, err = run("build", "--words", tmp_path / "words.txt", "--output", tmp_path / "lm.npz", "--order", 3)
    assert code == 1
    assert "26 words left out" in out and "language model of 1 word written" in out
    assert "'日本' cannot be written in charset 'alnum36'" in err and "... and 6 more" in err
    assert NGram.load(tmp_path / "lm.npz").order == 3


def test_build_takes_the_charset_of_a_name_or_of_weights(tmp_path, run):
    (tmp_path / "words.txt").write_text("Open\n", encoding="utf-8")
    build = ("build", "--words", tmp_path / "words.txt", "--output", tmp_path / "lm.npz")
    run(*build, "--charset", "alnum62")
    assert NGram.load(tmp_path / "lm.npz").charset.name == "alnum62"
    build = (*build, "--overwrite")
    run(*build, "--weights", "grcl_lstm_tiny")
    assert NGram.load(tmp_path / "lm.npz").charset.name == "alnum36"
    with pytest.raises(ValueError, match="--charset and --weights"):
        run(*build, "--weights", "grcl_lstm_tiny", "--charset", "alnum36")
    with pytest.raises(ValueError, match="did you mean 'alnum"):
        run(*build, "--charset", "alnum63")


def test_info_shows_charset_order_and_size(run, model):
    code, out, _ = run("info", model)
    assert code == 0
    assert "charset    alnum36 (0123" in out and "order      6\n" in out and "words      3\n" in out


def test_score_prints_folded_words_and_names_the_unwritable(run, model):
    code, out, err = run("score", model, "Open", "日", "zq")
    rows = [line.split("\t") for line in out.splitlines()]
    assert code == 1 and "'日': '日' not in charset 'alnum36'" in err
    assert [row[0] for row in rows] == ["open", "zq"]
    expected = NGram.load(model).log_probability(ALNUM.encode("open"))
    assert float(rows[0][1]) == pytest.approx(expected, abs=1e-3)
    assert float(rows[0][2]) == pytest.approx(np.exp(-expected / 5), abs=1e-2)
    assert run("score", model, "open")[0] == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"open\tmany\n", r"words.txt, line 1: 'open\\tmany'; expected a word"),
        (b"shop\nopen\t0\n", "line 2"),
        (b"open\t-3\n", "line 1"),
        (b"open\t3\t4\n", "line 1"),
        ("café".encode("latin-1"), "words.txt is not UTF-8 text"),
        (gzip.compress(b"open\n", mtime=0)[:-9], "words.txt is a damaged gzip file"),
        (b"\x1f\x8b\x00\x00", "words.txt is a damaged gzip file"),
        (b"", "word list .*words.txt holds no words"),
    ],
)
def test_word_lists_at_fault_are_refused_and_nothing_is_written(tmp_path, run, content, message):
    (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        run("build", "--words", tmp_path / "words.txt", "--output", tmp_path / "lm.npz")
    assert not (tmp_path / "lm.npz").exists()


def test_files_that_are_missing_are_named(tmp_path, run):
    with pytest.raises(OSError, match="absent"):
        run("build", "--words", tmp_path / "absent.txt", "--output", tmp_path / "lm.npz")
    with pytest.raises(ValueError, match="no language model absent.npz"):
        run("info", "absent.npz")


def test_build_overwrites_only_if_asked(tmp_path, run, model):
    words = tmp_path / "words.txt"
    before = words.read_bytes(), model.read_bytes()
    for output in (words, model):
        with pytest.raises(ValueError, match=f"{output.name} exists; give --overwrite to replace it"):
            run("build", "--words", words, "--output", output, "--order", 2)
    assert before == (words.read_bytes(), model.read_bytes())
    assert run("build", "--words", words, "--output", model, "--order", 2, "--overwrite")[0] == 0
    assert NGram.load(model).order == 2
    with pytest.raises(ValueError, match="this is a folder"):
        run("build", "--words", words, "--output", tmp_path, "--overwrite")
