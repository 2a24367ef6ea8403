import csv
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from grcnn_ocr.evaluation.metrics import Counts
from grcnn_ocr.evaluation.protocol import ALPHANUMERIC, PUBLISHED
from grcnn_ocr.evaluation.report import Means, as_csv, as_json, as_markdown, as_table
from grcnn_ocr.evaluation.suite import Measurement, WordSet
from grcnn_ocr.evaluation.words import BEAM_SEARCH, Result

MEANS = Means("w.safetensors", "alnum36", "bf16", True, "english")


class Nowhere:
    path = Path("data/x.tsv")


def measured(name="a", lexicon=None, protocol=ALPHANUMERIC, images=10, left_out=0) -> Measurement:
    counts = Counts(images, 8, 9.0, 3, 40, left_out)
    return Measurement(WordSet(name, Nowhere(), protocol, (None,)), Result("data/x.tsv", lexicon, counts, 2.0, []))


def printed(*rows: Measurement) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(as_table(rows))
    return console.file.getvalue()


def test_the_table_names_protocols_only_where_they_differ():
    assert "protocol" not in printed(measured(), measured("b"))
    both = printed(measured(), measured("b", protocol=PUBLISHED["svt-647"]))
    assert "protocol" in both and "svt-647" in both
    assert "10 (-2)" in printed(measured(left_out=2))


def test_markdown_holds_every_figure_with_its_count_and_interval():
    text = as_markdown([measured("a|b", "words_50.txt", PUBLISHED["svt-647"], left_out=2)], MEANS)
    head, line, row = text.splitlines()[2:5]
    assert head.count("|") == line.count("|") == row.replace(r"\|", "").count("|")
    assert row == r"| a\|b | words\_50.txt | svt-647 | 10 (-2) | 80.0 | 49.0 to 94.3 | 90.0 | 7.5 | 5 |"
    assert text.startswith("Read by w.safetensors, bf16, read in alnum36, with a second look, language model english")
    assert "647 images, 10 are counted" in text


def test_json_and_csv_hold_the_same_records():
    rows = [measured(), measured("b, c", "50")]
    results = json.loads(json.dumps(as_json(rows, MEANS)))["results"]
    assert results[0] == {
        "name": "a",
        "data": "data/x.tsv",
        "lexicon": None,
        "protocol": ALPHANUMERIC.name,
        "images": 10,
        "left_out": 0,
        "correct": 8,
        "word_accuracy": 0.8,
        "interval_low": pytest.approx(0.490, abs=1e-3),
        "interval_high": pytest.approx(0.943, abs=1e-3),
        "one_minus_ned": 0.9,
        "cer": 0.075,
        "weights": "w.safetensors",
        "charset": "alnum36",
        "precision": "bf16",
        "second_look": True,
        "language_model": None,
        "words_per_second": 5.0,
        "warning": None,
        "character_overlap": None,
        "character_overlap_equal_parts": None,
        "character_overlap_words": None,
    }
    records = list(csv.DictReader(io.StringIO(as_csv(rows, MEANS))))
    assert [{key: "" if value is None else str(value) for key, value in row.items()} for row in results] == records


def test_a_warning_stands_once_for_a_set_of_many_lexicons():
    rows = [measured(protocol=PUBLISHED["svt-647"]), measured(lexicon="50", protocol=PUBLISHED["svt-647"])]
    assert as_markdown(rows, MEANS).count("not the same data") == 1


def test_a_record_names_the_means_that_its_own_result_hangs_on():
    rows = [measured(), measured(lexicon="50"), measured(lexicon=BEAM_SEARCH)]
    report = as_json(rows, MEANS)
    assert report["weights"] == "w.safetensors"
    found = [(record["second_look"], record["language_model"]) for record in report["results"]]
    assert found == [(True, None), (True, None), (True, "english")]
