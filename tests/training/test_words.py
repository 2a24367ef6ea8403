"""The data of a run: what is trained on, what is held out, and what is left out is reported."""

import cv2
import numpy as np
import pytest
from training.runs import with_data, with_section

from grcnn_ocr.training.trainer import Trainer


def test_validation_data_that_cannot_count_is_an_error_before_training(small_config, tmp_path, crops):
    (crops / "validation.tsv").write_text("0.png\t!!!\n")
    config = with_data(small_config, validation=str(crops / "validation.tsv"))
    with pytest.raises(ValueError, match=r"validation\.tsv: 0 of 1 samples usable"):
        Trainer(config, tmp_path)


def test_validation_labels_that_can_never_be_read_right_are_reported(small_config, tmp_path, crops, caplog):
    (crops / "validation.tsv").write_text(f"0.png\t日本\n1.png\tbook\n2.png\t{'ab' * 14}\n", encoding="utf-8")
    config = with_data(small_config, validation=str(crops / "validation.tsv"))
    with caplog.at_level("INFO"):
        trainer = Trainer(config, tmp_path)
    assert "validation.tsv: 1 of 3 samples usable" in caplog.text
    assert "1 left out or always misread: '日' not in charset 'alnum36', such as '日本' of" in caplog.text
    assert "1 left out or always misread: label too long for 26 frames" in caplog.text
    assert len(trainer.task.validation) == 3  # and they count


def test_words_beside_an_undecodable_image_are_not_trained_on_in_silence(small_config, tmp_path, crops):
    (crops / "3.png").write_bytes(b"junk")
    config = with_data(small_config, workers=1)
    with pytest.raises(ValueError, match=r"^[^\n]*3\.png[^\n]*not a picture[^\n]*$"):
        Trainer(config, tmp_path).run()


def test_zero_usable_samples_is_an_error_that_says_why(small_config, tmp_path, crops):
    (crops / "labels.tsv").write_text("0.png\t日本\n", encoding="utf-8")
    with pytest.raises(ValueError, match="0 of 1 samples usable"):
        Trainer(small_config, tmp_path)


def test_words_too_narrow_for_their_labels_are_counted_and_reported(small_config, tmp_path, crops, caplog):
    cv2.imwrite(str(crops / "0.png"), np.zeros((32, 25), np.uint8))
    (crops / "narrow.tsv").write_text("0.png\tabcdefghijk\n1.png\tbook\n")
    config = with_section(small_config, "preprocess", width="proportional", min_width=32)
    config = with_data(config, train=str(crops / "narrow.tsv"))
    Trainer(config, tmp_path).run()
    assert "were too narrow for their labels and taught nothing" in caplog.text


def test_a_hold_out_is_set_aside_without_validation_data(small_config, tmp_path):
    config = with_data(small_config, validation=None, holdout=0.25)
    trainer = Trainer(config, tmp_path)
    assert (len(trainer.task.dataset.stream.indices), len(trainer.task.validation)) == (12, 4)
    held_out = {trainer.task.validation.place(i) for i in range(4)}
    trained = {trainer.task.dataset.stream.source.place(i) for i in trainer.task.dataset.stream.indices.tolist()}
    assert not held_out & trained


def test_several_sources_are_mixed_and_the_first_stored_one_is_held_out(small_config, tmp_path, crops):
    other = crops / "other.tsv"
    other.write_text((crops / "labels.tsv").read_text())
    shares = {str(crops / "labels.tsv"): 3.0, str(other): 1.0}
    config = with_data(small_config, train=shares, validation=None, holdout=0.25)
    trainer = Trainer(config, tmp_path)
    assert trainer.task.dataset.stream.shares == [0.75, 0.25]
    assert [len(stream.indices) for stream in trainer.task.dataset.stream.streams] == [12, 16]
    assert len(trainer.task.validation) == 4


def test_images_that_cannot_be_shared_out_are_an_error(small_config, tmp_path):
    config = with_data(small_config, reuse=3)
    with pytest.raises(ValueError, match=r"train\.batch_size 8 is not a multiple of 3"):
        Trainer(config, tmp_path)
