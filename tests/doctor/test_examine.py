import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from conftest import WORDS, draw, shared

from grcnn_ocr.config import Config
from grcnn_ocr.datasets.lmdb_store import LmdbReader, building
from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.doctor import Findings, Level, examine, timing
from grcnn_ocr.doctor.timing import time_training
from grcnn_ocr.training.trainer import Trainer


def png(word: str) -> bytes:
    return cv2.imencode(".png", draw(word))[1].tobytes()


def build(path: Path, *extra: tuple[bytes, str]) -> LmdbReader:
    """Store the drawn words, and more samples after these 16."""
    with building(path, overwrite=True) as writer:
        for image, label in [*((png(word), word) for word in WORDS), *extra]:
            writer.add(image, label)
    return LmdbReader(path)


@pytest.fixture
def look(small_config, tmp_path):
    """Examine the drawn words and more; they are validated on drawn words of their own."""

    def findings(*extra: tuple[bytes, str], config: Config = small_config) -> Findings:
        validation = tmp_path / "validation.lmdb"
        with building(validation, overwrite=True) as writer:
            writer.add(png("validation"), "validation")
        return examine(config, build(tmp_path / "x.lmdb", *extra), LmdbReader(validation), with_timing=False)

    return findings


def levels(findings: Findings) -> list[str]:
    return [remark.level.name for remark in findings.remarks]


def test_sound_data_give_no_remark(look):
    found = look()
    assert (found.exit_code, found.num_samples, found.num_usable, found.num_validation) == (0, 16, 16, 1)
    assert not found.remarks and not found.problems and not found.left_out and found.proposal is None
    length, height, *_ = found.histograms
    assert sum(length.counts) == 16 and (length.least, length.median, length.most) == (1, 4, 6)
    assert dict(zip(height.edges, height.counts, strict=True))[32] == 16


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"", "empty image"), (png("cut")[:60], "corrupt image"), (b"no picture at all", "corrupt image")],
    ids=["empty", "cut", "text"],
)
def test_an_unreadable_image_stops_training_if_its_label_is_usable(data, kind, look):
    found = look((data, "word"))
    [problem] = found.problems
    assert problem.kind == kind and problem.place.endswith("x.lmdb [16]")
    assert found.exit_code == 2 and "1 of the 17 samples to train on have no readable image" in found.remarks[0].text
    found = look((data, "日本"))
    assert found.exit_code == 1 and len(found.problems) == 1


def test_a_missing_file_is_named_with_its_line(small_config, crops):
    (crops / "3.png").unlink()
    found = examine(small_config, open_words(crops / "labels.tsv"), with_timing=False)
    [problem] = found.problems
    assert problem.kind == "unreadable image" and "labels.tsv:4" in problem.place
    assert problem.detail == "No such file or directory" and found.exit_code == 2


def test_labels_that_cannot_be_trained_on_are_left_out_with_a_warning(look):
    found = look((png("none"), ""), (png("japan"), "日本"), (png("long"), "a" * 14))
    assert [problem.kind for problem in found.problems] == ["empty label"]
    assert found.num_usable == 16 and sum(found.left_out.values()) == 3
    assert "label too long for 26 frames" in found.left_out
    assert found.unknown == {"日": 1, "本": 1} and found.proposal in found.remarks[1].text
    assert found.exit_code == 1 and set(levels(found)) == {"WARNING"}


def test_a_label_that_cannot_be_read_stops_training(small_config, tmp_path):
    source = build(tmp_path / "y.lmdb")
    labels = source.label
    source.label = lambda index: labels(index + 99 * (index == 5))
    found = examine(small_config, source, with_timing=False)
    assert found.exit_code == 2 and found.num_usable == 15 and "1 label cannot be read" in found.remarks[0].text
    assert [problem.kind for problem in found.problems] == ["unreadable label"]


def test_no_usable_sample_stops_training(small_config, crops):
    (crops / "labels.tsv").write_text("0.png\t日本\n", encoding="utf-8")
    found = examine(small_config, open_words(crops / "labels.tsv"))
    assert found.exit_code == 2 and "0 of 1 samples usable" in found.remarks[0].text and found.timing is None
    (crops / "labels.tsv").write_text("0.png\thello\n", encoding="utf-8")
    found = examine(small_config, open_words(crops / "labels.tsv"))
    assert found.exit_code == 2 and "1 usable sample cannot be split" in found.remarks[0].text


def test_a_crop_of_proportional_width_is_judged_by_its_own_frames(look, small_config):
    tall = cv2.imencode(".png", cv2.resize(draw("community"), (60, 120)))[1].tobytes()
    proportional = small_config.model_copy(
        update={"preprocess": small_config.preprocess.model_copy(update={"width": "proportional", "min_width": 32})}
    )
    [problem] = look((tall, "community"), config=proportional).too_narrow
    assert str(problem).endswith("[16]: crop too narrow: 'community' needs 10 frames, its 32 pixels give 9")
    assert look((tall, "community")).too_narrow == ()


def test_a_picture_that_is_there_twice_is_found_and_conflicting_labels_are_told_apart(look):
    compressed = cv2.imencode(".jpg", draw("hello"), [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
    found = look((png("book"), "look"), (png("42"), "42"), (compressed, "HELLO"), (compressed + b"\n", "cello"))
    conflicts = {(pair.first_label, pair.second_label): pair.distance for pair in found.conflicts}
    duplicates = {(pair.first_label, pair.second_label): pair.distance for pair in found.duplicates}
    assert conflicts.pop(("book", "look")) is None and duplicates.pop(("42", "42")) is None
    assert duplicates.keys() == {("hello", "HELLO")} and ("hello", "cello") in conflicts
    assert found.exit_code == 1 and levels(found) == ["WARNING", "NOTE"]


def test_copies_under_one_label_are_a_warning_when_some_are_held_out(look, small_config, tmp_path):
    copy = (png("42"), "42")
    assert look(copy).exit_code == 0
    found = examine(small_config, build(tmp_path / "y.lmdb", copy), with_timing=False)
    assert found.exit_code == 1 and "give validation data of their own" in found.remarks[0].text


def test_overlap_with_the_validation_data_is_named_mislabelled_pairs_first(small_config, tmp_path):
    with building(tmp_path / "v.lmdb") as writer:
        for word, label in (("hello", "hello"), ("book", "look"), ("apart", "apart"), ("apart", "apart")):
            writer.add(png(word), label)
    found = examine(small_config, build(tmp_path / "x.lmdb"), LmdbReader(tmp_path / "v.lmdb"), with_timing=False)
    assert [(pair.first_label, pair.second_label) for pair in found.overlaps] == [("book", "look"), ("hello", "hello")]
    assert found.overlaps[0].second.endswith("v.lmdb [1]") and not found.conflicts and not found.duplicates
    assert found.exit_code == 1


def test_validation_labels_that_cannot_be_written_are_a_warning(small_config, tmp_path):
    with building(tmp_path / "v.lmdb") as writer:
        writer.add(png("other"), "日本")
        writer.add(png("else"), "else")
    found = examine(small_config, build(tmp_path / "x.lmdb"), LmdbReader(tmp_path / "v.lmdb"), with_timing=False)
    assert found.validation_unknown == {"日": 1, "本": 1} and not found.unknown
    assert found.exit_code == 1 and "count as wrong" in found.remarks[0].text


def test_blank_images_are_named_and_are_no_copies_of_each_other(look):
    blank = [cv2.imencode(".png", np.full((32, width), 200, np.uint8))[1].tobytes() for width in (50, 80)]
    found = look((blank[0], "one"), (blank[1], "two"))
    assert len(found.blank) == 2 and not found.conflicts and found.exit_code == 1


@pytest.mark.parametrize(
    ("image", "label", "message"),
    [(b"", "word", "1 of the 1 validation words have no readable image"), (png("x"), "!", "0 of 1 samples usable")],
    ids=["image", "label"],
)
def test_validation_data_that_would_end_the_run_stop_it(image, label, message, small_config, tmp_path):
    with building(tmp_path / "v.lmdb") as writer:
        writer.add(image, label)
    found = examine(small_config, build(tmp_path / "x.lmdb"), LmdbReader(tmp_path / "v.lmdb"))
    assert found.exit_code == 2 and message in found.remarks[0].text and found.timing is None


def test_training_is_timed_and_what_it_refuses_is_a_stop(small_config, crops, monkeypatch):
    monkeypatch.setattr(timing, "BLOCK", 4)
    source, steps = open_words(crops / "labels.tsv"), []
    found = examine(small_config, source, source, progress=steps.append)
    assert found.timing is not None and found.timing.num_steps == 4 and sum(steps) == 32
    assert found.timing.epoch_seconds == pytest.approx(16 / found.timing.words_per_second)
    odd = small_config.model_copy(update={"train": small_config.train.model_copy(update={"accumulate": 3})})
    found = examine(odd, source, source)
    assert found.exit_code == 2 and "not a multiple of 3" in found.remarks[0].text
    assert found.remarks[0].level is Level.STOP and found.timing is None


def test_a_step_that_does_not_fit_the_memory_is_a_stop(small_config, crops, monkeypatch):
    def run_out(*arguments: object, **options: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Trainer, "take_step", run_out)
    found = examine(small_config, open_words(crops / "labels.tsv"))
    assert found.exit_code == 2 and "train.batch_size 8 does not fit the memory of cpu" in found.remarks[0].text


def test_an_epoch_of_reused_images_takes_longer(small_config, crops):
    reusing = small_config.model_copy(update={"data": small_config.data.model_copy(update={"reuse": 2})})
    found = time_training(reusing, crops / "labels.tsv", None, 100)
    assert found.epoch_seconds == pytest.approx(200 / found.words_per_second)


def test_findings_are_plain_values_for_json(look):
    found = look((b"", "word"), (png("book"), "look"))
    values = json.loads(json.dumps(found.as_json()))
    assert values.keys() == {"exit_code", *Findings.__dataclass_fields__}
    assert values["exit_code"] == 2 and values["remarks"][0]["level"] == "stop"
    assert values["problems"][0].keys() == {"kind", "place", "detail"}
    assert values["conflicts"][0]["distance"] is None and values["histograms"][0]["counts"][1] == 2


def test_ic03_holds_copies_and_one_crop_too_narrow(small_config):
    from grcnn_ocr.config import load_config

    found = examine(
        load_config("grcl_lstm_tiny", ["preprocess.min_width=32"]),
        open_words(shared("data/ic03/gt.txt")),
        with_timing=False,
    )
    assert found.num_usable == 860 and len(found.too_narrow) == 1 and not found.conflicts
    assert {"wheelchair", "20p"} <= {pair.first_label for pair in found.duplicates}
