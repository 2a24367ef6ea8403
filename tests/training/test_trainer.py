"""The training loop: what a run learns, writes and warns of."""

import pytest
import torch
from training.runs import Recorder, with_data, with_section, with_train

from grcnn_ocr.config import load_config
from grcnn_ocr.training.trainer import Trainer
from grcnn_ocr.weights import load_weights


def test_a_run_learns_and_keeps_its_best_weights(small_config, tmp_path):
    front_end = small_config.model.front_end.model_copy(update={"widths": (16, 16, 16, 32, 64)})
    config = with_section(small_config, "model", front_end=front_end, lstm_features=(48,))
    config = with_train(with_data(config, augment=0.0), steps=240, validate_every=40, batch_size=16, lr=5e-3)
    recorder = Recorder()
    result = Trainer(config, tmp_path, monitors=[recorder]).run()
    assert recorder.losses[-1] < 0.2 * recorder.losses[0]
    accuracies = [result.counts.word_accuracy for _, result in recorder.validations]
    assert result.counts.word_accuracy == accuracies[-1] > 0.5
    assert load_weights(tmp_path / "best.safetensors").training["validation_word_accuracy"] == max(accuracies)
    assert load_weights(tmp_path / "last.safetensors").training["steps"] == 240


@pytest.mark.parametrize("name", ["grcl_lstm_paper", "crnn"])
def test_the_papers_recipe_and_a_crnn_can_begin_a_run(name, tmp_path, crops):
    """One step of two words."""
    overrides = [
        f"data.train={crops / 'labels.tsv'}", f"data.validation={crops / 'labels.tsv'}", "data.workers=0",
        "train.batch_size=2", "train.time_budget=null", "train.steps=1", "train.precision=float32",
    ]  # fmt: skip
    Trainer(load_config(name, overrides), tmp_path).run()
    assert load_weights(tmp_path / "last.safetensors").training["words_seen"] == 2


def test_bfloat16_training_rounds_and_learns_as_float32_does(small_config, tmp_path):
    rounded, exact = Recorder(), Recorder()
    for precision, recorder in (("bf16", rounded), ("float32", exact)):
        Trainer(with_train(small_config, precision=precision), tmp_path / precision, monitors=[recorder]).run()
    assert len(exact.losses) == 1 and rounded.losses != exact.losses
    assert rounded.losses == pytest.approx(exact.losses, rel=0.05)


def test_a_step_taken_in_parts_equals_the_whole_step(small_config, tmp_path):
    config = with_train(small_config, batch_norm="frozen", optimizer="sgd", lr=0.01)
    Trainer(config, tmp_path / "whole").run()
    Trainer(with_train(config, accumulate=4), tmp_path / "parts").run()
    whole, parts = (load_weights(tmp_path / run / "last.safetensors").model.state_dict() for run in ("whole", "parts"))
    assert all(torch.allclose(whole[key], parts[key], atol=1e-5) for key in whole)


def test_frozen_statistics_do_not_change(small_config, tmp_path):
    trainer = Trainer(with_train(small_config, batch_norm="frozen"), tmp_path)
    before = {name: buffer.clone() for name, buffer in trainer.network.named_buffers()}
    weights = {name: value.clone() for name, value in trainer.network.named_parameters()}
    trainer.run()
    assert before and all(torch.equal(buffer, before[name]) for name, buffer in trainer.network.named_buffers())
    assert any(not torch.equal(value, weights[name]) for name, value in trainer.network.named_parameters())


def test_a_network_that_reads_nothing_is_warned_of(small_config, tmp_path, caplog):
    config = with_train(small_config, warmup_steps=4)
    trainer = Trainer(config, tmp_path)
    bias = dict(trainer.average.model.named_parameters())["sequence.1.join_forward.bias"]
    update = trainer.average.update

    def only_blanks(network, step):
        update(network, step)
        bias[0] = 1e4

    trainer.average.update = only_blanks
    trainer.run()
    assert caplog.text.count("reads nothing in any validation word") == 1  # at step 8, not at step 4
