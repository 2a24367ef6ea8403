import csv
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import WORDS

from grcnn_ocr.cli.evaluate import evaluate
from grcnn_ocr.cli.readers import Opened
from grcnn_ocr.config.suite import SetConfig, load_suite
from grcnn_ocr.datasets.lmdb_tools import create
from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.decoding.decoder import Prediction
from grcnn_ocr.decoding.frames import Frames
from grcnn_ocr.evaluation.protocol import ALPHANUMERIC
from grcnn_ocr.evaluation.suite import WordSet, evaluate_sets, find_lexicon, open_suite
from grcnn_ocr.text.charset import Charset
from grcnn_ocr.text.lexicon import Lexicon

CHARSET = Charset.named("alnum36")
ONE = "{name: a, data: labels.tsv}"


@pytest.fixture
def suite(crops):
    """Write a suite beside the crops."""

    def write(text: str):
        (crops / "suite.yaml").write_text(text)
        return crops / "suite.yaml"

    return write


class Counting:
    """Answers with an empty text, or with the first word of a list; counts the images given to it."""

    window = 5

    def __init__(self) -> None:
        self.num_seen = 0

    def check_lexicon(self, lexicon, num_images, match_case=False):
        lexicon.check_length(num_images)

    def look_again(self, decoder, images, predictions, lists):
        return predictions

    def recognise(self, images):
        self.num_seen += len(images)
        return Frames(np.zeros((len(images), 1, 37)), [1] * len(images))

    def decoder(self, options):
        return lambda log_probs, lengths, words=None, images=None: [
            Prediction("" if words is None else words[i][0], 0.5, -1.0) for i in range(len(log_probs))
        ]


def test_a_suite_describes_its_sets(suite):
    path = suite("sets:\n- {name: a, data: x.lmdb}\n- {name: 2003, data: y, protocol: svt-647, lexicons: [none, 50]}\n")
    first, second = load_suite(path).sets
    assert first == SetConfig(name="a", data="x.lmdb", format="auto", protocol="alphanumeric", lexicons=("none",))
    assert second.name == "2003" and second.lexicons == ("none", "50") and second.protocol == "svt-647"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sets: [{name: a, data: b, lexcons: [none]}]", "unknown key 'sets.0.lexcons'; did you mean 'sets.lexicons'?"),
        ("set: []", "unknown key 'set'; did you mean 'sets'?"),
        ("sets: [{name: a}]", "sets.0.data: Field required"),
        ("sets: [{name: a, data: b, lexicons: [1.5]}]", "sets.0.lexicons.0: Input should be a valid string"),
        ("sets: [{name: a, data: b, lexicons: []}]", "sets.0.lexicons: "),
        ("sets: []", "sets: "),
        ("", "sets: Field required"),
        (f"sets: [{ONE}, {ONE}]", "found 'a' 2 times"),
        ("[1, 2]", "expected keys and values, found list"),
        ("sets: [", "not valid YAML"),
    ],
)
def test_errors_of_a_suite_name_file_and_key(suite, text, message):
    path = suite(text)
    with pytest.raises(ValueError, match=r"suite\.yaml: ") as caught:
        load_suite(path)
    assert message in str(caught.value)


def test_a_missing_suite_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no suite .*x\.yaml: expected a YAML file with the key sets"):
        load_suite(tmp_path / "x.yaml")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("protocol: svt-467", r"sets\.1 \(b\): no protocol 'svt-467'; did you mean 'svt-647'"),
        ("format: sv", r"sets\.1 \(b\): no format 'sv'"),
        ("lexicons: [nowhere.txt]", r"sets\.1 \(b\): no lexicon .*nowhere\.txt"),
    ],
)
def test_unknown_protocols_formats_and_lexicons_are_named_with_their_set(suite, key, message):
    path = suite(f"sets: [{ONE}, {{name: b, data: labels.tsv, {key}}}]")
    with pytest.raises(ValueError, match=rf"suite\.yaml: {message}"):
        open_suite(path, CHARSET)


def test_every_image_is_read_once_a_set_however_many_lexicons(crops, suite):
    (crops / "words.txt").write_text("hello\nzoo\n")
    (crops / "own.txt").write_text("\n".join(f"{word},x" for word in WORDS))
    path = suite(f"sets: [{ONE}, {{name: b, data: labels.tsv, lexicons: [none, words.txt, own.txt]}}]")
    recognizer, done = Counting(), []
    rows, problems = evaluate_sets(recognizer, open_suite(path, CHARSET), done.append)
    assert not problems
    assert recognizer.num_seen == 32 == sum(done)
    assert [(row.words.name, row.result.lexicon) for row in rows] == [
        ("a", None), ("b", None), ("b", "words.txt"), ("b", "own.txt"),
    ]  # fmt: skip
    assert [row.result.counts.correct for row in rows] == [0, 0, 1, 16]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("data: labels.tsv, lexicons: [short.txt]", r"lexicon short\.txt has 15 lists for 16 images"),
        ("data: signs.tsv", r".*signs\.tsv: protocol .* leaves nothing of any of its 1 labels"),
    ],
)
def test_faults_visible_without_images_stop_before_any_reading(crops, suite, bad, message):
    (crops / "short.txt").write_text("a,b\n" * 15)
    (crops / "signs.tsv").write_text("0.png\t!\n")
    path = suite(f"sets: [{ONE}, {{name: b, {bad}}}]")
    recognizer = Counting()
    with pytest.raises(ValueError, match=f"^b: {message}"):
        evaluate_sets(recognizer, open_suite(path, CHARSET))
    assert recognizer.num_seen == 0


def test_options_that_do_not_fit_are_no_fault_of_the_sets(crops):
    class Unfit(Counting):
        def decoder(self, options):
            raise ValueError("the language model does not know 'x'")

    reader = Unfit()
    words = WordSet("crops", open_words(crops / "labels.tsv"), ALPHANUMERIC, (None,))
    with pytest.raises(ValueError, match=r"^the language model does not know 'x'$"):
        evaluate_sets(reader, [words, words])
    assert reader.num_seen == 0


def test_lexicons_are_found_in_the_release_then_in_the_folders(crops, tmp_path):
    source = open_words(crops / "labels.tsv")
    held = Lexicon.shared(["a"], "50")
    source.lexicons = {"50": held}
    (crops / "50").write_text("b")
    (crops / "words.txt").write_text("c")
    assert find_lexicon("none", source, tmp_path) is None
    assert find_lexicon("50", source, crops) is held
    assert find_lexicon("words.txt", source, tmp_path).words(0) == ("c",)
    with pytest.raises(ValueError, match=r"no lexicon .*60 .*or a list that .*labels\.tsv holds: 50"):
        find_lexicon("60", source, tmp_path)


def test_lists_in_an_lmdbs_folder_are_found_by_file_and_by_name(crops, tmp_path):
    create(crops / "labels.tsv", tmp_path / "x.lmdb")
    (tmp_path / "x.lmdb" / "lexicon_50.txt").write_text("a,b\n" * 16)
    for path in (tmp_path / "x.lmdb", tmp_path / "x.lmdb" / "data.mdb"):
        for name in ("lexicon_50.txt", "50", "50:union"):
            lexicon = find_lexicon(name, open_words(path), Path())
            assert lexicon is not None and lexicon.words(7) == ("a", "b")
    with pytest.raises(ValueError, match="no lexicon 60 "):
        find_lexicon("60", open_words(tmp_path / "x.lmdb"), Path())


def test_an_image_count_other_than_the_protocols_gives_a_warning(crops, suite):
    path = suite("sets: [{name: a, data: labels.tsv, protocol: svt-647}]")
    [row], _ = evaluate_sets(Counting(), open_suite(path, CHARSET))
    assert "svt-647 has 647 images, 16 are counted" in row.warning


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    recognizer = Counting()
    recognizer.charset, recognizer.second_look = CHARSET, True
    monkeypatch.setattr(
        "grcnn_ocr.cli.evaluate.open_reader", lambda *_: Opened(recognizer, "counting", "cpu", "float32")
    )
    monkeypatch.chdir(tmp_path)


def test_the_command_writes_every_kind_of_report(no_network, crops, suite, tmp_path, capsys):
    path = suite("sets: [{name: a, data: labels.tsv, protocol: svt-647}]")
    files = {kind: tmp_path / f"r.{kind}" for kind in ("md", "csv", "json", "html")}
    evaluate(suite=path, markdown=files["md"], csv=files["csv"], json_path=files["json"], html=files["html"])
    printed = capsys.readouterr()
    assert (
        "| a " in printed.out and "protocol: svt-647" in printed.out and "warning: a: protocol svt-647" in printed.err
    )
    assert all("647" in file.read_text() for file in files.values())


def test_a_set_with_a_bad_image_is_named_and_nothing_else_is_lost(no_network, crops, suite, tmp_path, capsys):
    (crops / "junk.png").write_bytes(b"junk")
    (crops / "bad.tsv").write_text("0.png\ta\njunk.png\tb\n")
    path = suite(f"sets: [{ONE}, {{name: b, data: bad.tsv}}, {{name: c, data: labels.tsv}}]")
    files = {kind: tmp_path / f"r.{kind}" for kind in ("md", "csv", "json", "html")}
    with pytest.raises(ValueError, match=r"^not evaluated: b: .*junk\.png .*not a picture"):
        evaluate(suite=path, markdown=files["md"], csv=files["csv"], json_path=files["json"], html=files["html"])
    printed = capsys.readouterr().out
    assert "| a " in printed and "| c " in printed and all(file.exists() for file in files.values())
    assert [line.split(",")[0] for line in files["csv"].read_text().splitlines()] == ["name", "a", "c"]
    with pytest.raises(ValueError, match=r"^not evaluated: .*bad\.tsv: .*junk\.png"):
        evaluate(data=[crops / "bad.tsv"], csv=tmp_path / "none.csv")
    assert not (tmp_path / "none.csv").exists()


def test_the_command_writes_without_a_suite(no_network, crops, tmp_path, capsys):
    (crops / "words.txt").write_text("hello\n")
    evaluate(data=[crops / "labels.tsv"], lexicon=["words.txt"], csv=tmp_path / "-", markdown=tmp_path / "r.md")
    assert "| crops/labels.tsv | words.txt | alphanumeric, case-folded | 16 | 6.2 |" in (tmp_path / "r.md").read_text()


def test_standard_output_takes_one_kind(no_network, crops, capsys):
    evaluate(data=[crops / "labels.tsv"], csv=Path("-"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("name,data,lexicon,protocol,images") and len(lines) == 2
    with pytest.raises(ValueError, match="only one of --csv, --json can be -"):
        evaluate(data=[crops / "labels.tsv"], csv=Path("-"), json_path=Path("-"))


def test_options_that_contradict_a_suite_or_cannot_be_written_are_refused_first(
    no_network, crops, suite, tmp_path, monkeypatch
):
    path = suite(f"sets: [{ONE}]")
    with pytest.raises(ValueError, match="give it without --data, --lexicon"):
        evaluate(suite=path, lexicon=["none"])
    with pytest.raises(ValueError, match="--html .*: no folder"):
        evaluate(suite=path, html=tmp_path / "nowhere" / "x.html")
    with pytest.raises(ValueError, match="--csv .*: this is a folder"):
        evaluate(suite=path, csv=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("os.access", lambda place, mode: place != tmp_path)
        with pytest.raises(ValueError, match=f"--json .*x.json: {tmp_path} cannot be written to"):
            evaluate(suite=path, json_path=tmp_path / "x.json")


def test_results_replace_no_input_and_not_one_another(no_network, crops, suite, tmp_path):
    labels, report = crops / "labels.tsv", tmp_path / "r.csv"
    before = labels.read_bytes()
    (crops / "link.tsv").symlink_to(labels)
    for name in ("labels.tsv", "link.tsv"):
        with pytest.raises(ValueError, match=rf"^--csv .*{name}: this is an input, and would be replaced; give anoth"):
            evaluate(data=[labels], csv=crops / name)
    with pytest.raises(ValueError, match=r"^--csv .*labels\.tsv: this is an input"):
        evaluate(suite=suite(f"sets: [{ONE}]"), csv=labels)
    for option in ("lexicon", "language_model", "suite", "weights"):
        value = [str(report)] if option == "lexicon" else str(report) if option == "weights" else report
        with pytest.raises(ValueError, match=r"^--html .*r\.csv: this is an input"):
            evaluate(**{option: value}, html=report)
    with pytest.raises(ValueError, match=r"^--csv and --json would both be written to .*r\.csv; give each a file"):
        evaluate(data=[labels], csv=report, json_path=tmp_path / "crops" / ".." / "r.csv")
    assert labels.read_bytes() == before and not report.exists()


def test_results_replace_earlier_ones_whole_or_not_at_all(no_network, crops, tmp_path, monkeypatch):
    report, link = tmp_path / "r.csv", tmp_path / "latest.csv"
    report.write_text("earlier")
    link.symlink_to(report)
    with monkeypatch.context() as patch:
        patch.setattr("grcnn_ocr.files.flush_to_disk", lambda path: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            evaluate(data=[crops / "labels.tsv"], csv=report)
    assert report.read_text() == "earlier"
    os.mkfifo(tmp_path / "pipe")
    end = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    evaluate(data=[crops / "labels.tsv"], csv=link, json_path=tmp_path / "pipe")
    assert report.read_text().startswith("name,data") and link.is_symlink() and os.read(end, 1) == b"{"
    os.close(end)


@pytest.mark.parametrize("option", ["open_lexicon", "nearest", "match_case"])
def test_options_of_lexicons_without_one_are_refused(option, no_network, crops):
    for lexicon in (None, ["none"]):
        with pytest.raises(ValueError, match="--open, --nearest and --match-case need a --lexicon; give one"):
            evaluate(data=[crops / "labels.tsv"], lexicon=lexicon, **{option: True})


def test_a_language_model_with_lists_alone_is_refused(no_network, crops, capsys):
    (crops / "words.txt").write_text("hello\n")
    options = {"data": [crops / "labels.tsv"], "language_model": Path("english"), "csv": Path("-")}
    with pytest.raises(ValueError, match="--lm is for lexicon-free reading: give it without --lexicon"):
        evaluate(lexicon=["words.txt"], **options)
    evaluate(lexicon=["words.txt", "none"], **options)
    header, *rows = csv.reader(capsys.readouterr().out.splitlines())
    column = header.index("language_model")
    assert [row[column] for row in rows] == ["", "english"]


def test_wrong_readings_are_printed_the_most_confident_first(no_network, crops, capsys):
    evaluate(data=[crops / "labels.tsv"], show_errors=2)
    lines = [line for line in capsys.readouterr().err.splitlines() if "\t" in line]
    assert [line.split("\t")[1] for line in lines] == ["street", "hello"]  # of equal confidence, so sorted by edits
    assert all(line.endswith("\t\t0.500") for line in lines)


def test_the_union_of_lists_is_one_list_for_all_images(crops):
    (crops / "lists.txt").write_text("b,a\nc,a\n")
    union = find_lexicon("lists.txt:union", open_words(crops / "labels.tsv"), crops)
    assert union is not None and union.lists == (("a", "b", "c"),) and not union.per_image
    assert union.name == "lists.txt, 3 together"
