import pytest
import torch

from grcnn_ocr.config import DataConfig, load_config
from grcnn_ocr.training import trainer as trainer_module
from grcnn_ocr.training.checkpoint import load_state
from grcnn_ocr.training.trainer import Trainer
from grcnn_ocr.weights import load_weights


class Interrupted(Exception):
    """Raised by a monitor to stop a run."""


class StopAfter:
    """Interrupts a run at the validation of a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_steps(self, report): ...

    def on_validation(self, step, result, is_best):
        if step == self.step:
            raise Interrupted


class Recorder:
    """Keeps what a run tells."""

    def __init__(self) -> None:
        self.reports, self.validations = [], []

    def on_steps(self, report):
        self.reports.append(report)

    def on_validation(self, step, result, is_best):
        self.validations.append((step, result.counts.word_accuracy))


def tensors(path):
    return torch.load(path, weights_only=True)["states"]


def assert_equal_states(a, b):
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_equal_states(a[key], b[key])
    elif isinstance(a, list):
        for x, y in zip(a, b, strict=True):
            assert_equal_states(x, y)
    else:
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


@pytest.mark.parametrize("optimizer", ["adamw", "adadelta", "sgd"])
def test_resumed_run_equals_uninterrupted_run(small_config, tmp_path, optimizer):
    config = small_config.model_copy(update={"train": small_config.train.model_copy(update={"optimizer": optimizer})})
    Trainer(config, tmp_path / "whole").run()
    with pytest.raises(Interrupted):
        Trainer(config, tmp_path / "parts", monitors=[StopAfter(4)]).run()
    Trainer(config, tmp_path / "parts", resume=True).run()
    assert_equal_states(tensors(tmp_path / "whole" / "state.pt"), tensors(tmp_path / "parts" / "state.pt"))
    whole, parts = (load_weights(tmp_path / run / "last.safetensors") for run in ("whole", "parts"))
    assert_equal_states(dict(whole.model.state_dict()), dict(parts.model.state_dict()))


def test_a_complete_run_is_left_alone(small_config, tmp_path):
    Trainer(small_config, tmp_path).run()
    before = (tmp_path / "last.safetensors").read_bytes()
    assert Trainer(small_config, tmp_path, resume=True).run() is None
    assert (tmp_path / "last.safetensors").read_bytes() == before


def test_resuming_with_another_configuration_names_what_differs(small_config, tmp_path):
    Trainer(small_config, tmp_path).run()
    other = small_config.model_copy(update={"train": small_config.train.model_copy(update={"lr": 0.5})})
    with pytest.raises(ValueError, match=r"train\.lr: 0\.0015 then, 0\.5 now"):
        Trainer(other, tmp_path, resume=True)


def test_resuming_nothing_or_a_damaged_state_is_an_error(small_config, tmp_path):
    with pytest.raises(ValueError, match="nothing to resume"):
        Trainer(small_config, tmp_path, resume=True)
    (tmp_path / "state.pt").write_bytes(b"junk")
    with pytest.raises(ValueError, match="cannot be read as a training state"):
        Trainer(small_config, tmp_path, resume=True)


def test_a_run_learns_and_keeps_its_best_weights(small_config, tmp_path):
    front_end = small_config.model.front_end.model_copy(update={"widths": (16, 16, 16, 32, 64)})
    sections = {
        "model": small_config.model.model_copy(update={"front_end": front_end, "lstm_features": (48,)}),
        "train": small_config.train.model_copy(
            update={"steps": 240, "validate_every": 40, "batch_size": 16, "lr": 5e-3}
        ),
        "data": small_config.data.model_copy(update={"augment": 0.0}),
    }
    recorder = Recorder()
    trainer = Trainer(small_config.model_copy(update=sections), tmp_path, monitors=[recorder])
    result = trainer.run()
    losses = [report.loss for report in recorder.reports]
    assert losses[-1] < 0.2 * losses[0]
    accuracies = [accuracy for _, accuracy in recorder.validations]
    assert result.counts.word_accuracy == accuracies[-1] > 0.5
    assert load_weights(tmp_path / "best.safetensors").training["validation_word_accuracy"] == max(accuracies)
    assert load_weights(tmp_path / "last.safetensors").training["steps"] == 240


def test_a_time_budget_is_measured_once_and_kept(small_config, tmp_path, monkeypatch):
    measurements = []

    def total_steps(config, measured=None):
        if measured is None:
            return None
        measurements.append(measured)
        return measured.steps + 5

    monkeypatch.setattr(trainer_module, "MEASURED_STEPS", 6)
    monkeypatch.setattr(trainer_module, "WARMUP_STEPS", 2)
    monkeypatch.setattr(trainer_module, "total_steps", total_steps)
    config = small_config.model_copy(update={"train": small_config.train.model_copy(update={"time_budget": 60.0})})
    with pytest.raises(Interrupted):
        Trainer(config, tmp_path, monitors=[StopAfter(8)]).run()
    resumed = Trainer(config, tmp_path, resume=True)
    assert resumed.progress.total_steps == 11
    resumed.run()
    assert resumed.progress.step == 11
    [measured] = measurements  # not again after resuming
    assert measured.steps == 6
    assert 0 < 6 * measured.step_seconds < 5 * measured.elapsed and 0 < measured.validation_seconds < measured.elapsed


def test_resuming_on_another_number_of_processes_is_an_error(small_config, tmp_path):
    Trainer(small_config, tmp_path).run()
    with pytest.raises(ValueError, match="a run on 1 processes, this is 2"):
        load_state(tmp_path / "state.pt", small_config, num_processes=2)


def test_validation_data_that_cannot_count_is_an_error_before_training(small_config, tmp_path, crops):
    (crops / "validation.tsv").write_text("0.png\t!!!\n")
    data = small_config.data.model_copy(update={"validation": str(crops / "validation.tsv")})
    with pytest.raises(ValueError, match="nothing left of any label"):
        Trainer(small_config.model_copy(update={"data": data}), tmp_path)


def test_words_beside_an_undecodable_image_are_not_trained_on_in_silence(small_config, tmp_path, crops):
    (crops / "3.png").write_bytes(b"junk")
    data = small_config.data.model_copy(update={"workers": 1})
    with pytest.raises(ValueError, match=r"^[^\n]*3\.png[^\n]*not a picture[^\n]*$"):
        Trainer(small_config.model_copy(update={"data": data}), tmp_path).run()


def test_zero_usable_samples_is_an_error_that_says_why(small_config, tmp_path, crops):
    (crops / "labels.tsv").write_text("0.png\t日本\n", encoding="utf-8")
    with pytest.raises(ValueError, match="0 of 1 samples usable"):
        Trainer(small_config, tmp_path)


def test_a_hold_out_is_set_aside_without_validation_data(small_config, tmp_path):
    data = small_config.data.model_copy(update={"validation": None, "holdout": 0.25})
    trainer = Trainer(small_config.model_copy(update={"data": data}), tmp_path)
    assert (len(trainer.task.dataset.stream.indices), len(trainer.task.validation)) == (12, 4)
    held_out = {trainer.task.validation.place(i) for i in range(4)}
    trained = {trainer.task.dataset.stream.source.place(i) for i in trainer.task.dataset.stream.indices.tolist()}
    assert not held_out & trained


def test_every_preset_can_begin_a_run(tmp_path, crops):
    """The paper's recipe included: one step of two words."""
    overrides = [
        f"data.train={crops / 'labels.tsv'}", f"data.validation={crops / 'labels.tsv'}", "data.workers=0",
        "train.batch_size=2", "train.time_budget=null", "train.steps=1", "train.precision=float32",
    ]  # fmt: skip
    for name in ("grcl_lstm_paper", "crnn"):
        Trainer(load_config(name, overrides), tmp_path / name).run()
        assert load_weights(tmp_path / name / "last.safetensors").training["words_seen"] == 2


def test_bfloat16_training_stays_finite(small_config, tmp_path):
    recorder = Recorder()
    train = small_config.train.model_copy(update={"precision": "bf16", "steps": 20})
    Trainer(small_config.model_copy(update={"train": train}), tmp_path, monitors=[recorder]).run()
    assert all(torch.isfinite(torch.tensor(report.loss)) for report in recorder.reports)


def test_the_default_data_are_the_engines_words_drawn_on_the_fly(small_config, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")  # no fontconfig: the built-in font
    engine = small_config.data.engine.model_copy(update={"backgrounds": ()})
    data = small_config.data.model_copy(update={"train": DataConfig().train, "validation": None, "engine": engine})
    config = small_config.model_copy(update={"data": data})
    recorder = Recorder()
    Trainer(config, tmp_path / "whole", monitors=[recorder]).run()
    assert [step for step, _ in recorder.validations] == [4, 8]
    with pytest.raises(Interrupted):
        Trainer(config, tmp_path / "parts", monitors=[StopAfter(4)]).run()
    Trainer(config, tmp_path / "parts", resume=True).run()
    assert_equal_states(tensors(tmp_path / "whole" / "state.pt"), tensors(tmp_path / "parts" / "state.pt"))


def test_a_run_that_reuses_images_is_resumed_exactly(small_config, tmp_path):
    data = small_config.data.model_copy(update={"reuse": 4})
    config = small_config.model_copy(update={"data": data})
    Trainer(config, tmp_path / "whole").run()
    with pytest.raises(Interrupted):
        Trainer(config, tmp_path / "parts", monitors=[StopAfter(4)]).run()
    Trainer(config, tmp_path / "parts", resume=True).run()
    assert_equal_states(tensors(tmp_path / "whole" / "state.pt"), tensors(tmp_path / "parts" / "state.pt"))


def test_images_that_cannot_be_shared_out_are_an_error(small_config, tmp_path):
    data = small_config.data.model_copy(update={"reuse": 3})
    with pytest.raises(ValueError, match=r"train\.batch_size 8 is not a multiple of data\.reuse 3"):
        Trainer(small_config.model_copy(update={"data": data}), tmp_path)


def test_several_sources_are_mixed_and_the_first_stored_one_is_held_out(small_config, tmp_path, crops, caplog):
    other = crops / "other.tsv"
    other.write_text((crops / "labels.tsv").read_text())
    shares = {str(crops / "labels.tsv"): 3.0, str(other): 1.0}
    data = small_config.data.model_copy(update={"train": shares, "validation": None, "holdout": 0.25})
    with caplog.at_level("INFO"):
        trainer = Trainer(small_config.model_copy(update={"data": data}), tmp_path)
    assert trainer.task.dataset.stream.shares == [0.75, 0.25]
    assert [len(stream.indices) for stream in trainer.task.dataset.stream.streams] == [12, 16]
    assert len(trainer.task.validation) == 4
