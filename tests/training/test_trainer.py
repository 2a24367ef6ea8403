import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from grcnn_ocr.config import DataConfig, load_config
from grcnn_ocr.training import trainer as trainer_module
from grcnn_ocr.training.budget import total_steps
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
    """Keeps what a run reports."""

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


def assert_resumes_exactly(config, tmp_path, at):
    """Train in one go, and interrupted at the validation of a step; compare the states at the end."""
    Trainer(config, tmp_path / "whole").run()
    with pytest.raises(Interrupted):
        Trainer(config, tmp_path / "parts", monitors=[StopAfter(at)]).run()
    Trainer(config, tmp_path / "parts", resume=True).run()
    assert_equal_states(tensors(tmp_path / "whole" / "state.pt"), tensors(tmp_path / "parts" / "state.pt"))


@pytest.mark.parametrize("optimizer", ["adamw", "adadelta", "sgd"])
def test_resumed_run_equals_uninterrupted_run(small_config, tmp_path, optimizer):
    config = small_config.model_copy(update={"train": small_config.train.model_copy(update={"optimizer": optimizer})})
    assert_resumes_exactly(config, tmp_path, at=4)
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


def test_resuming_nothing_or_damaged_states_is_an_error(small_config, tmp_path):
    with pytest.raises(ValueError, match="nothing to resume"):
        Trainer(small_config, tmp_path, resume=True)
    (tmp_path / "state.pt").write_bytes(b"junk")
    (tmp_path / "state.previous.pt").write_bytes(b"")
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

    monkeypatch.setattr(trainer_module, "MEASURED_STEPS", 4)
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
    with pytest.raises(ValueError, match="a run on 1 processes, this one has 2"):
        load_state(tmp_path / "state.pt", small_config, num_processes=2, data={})


def test_validation_data_that_cannot_count_is_an_error_before_training(small_config, tmp_path, crops):
    (crops / "validation.tsv").write_text("0.png\t!!!\n")
    data = small_config.data.model_copy(update={"validation": str(crops / "validation.tsv")})
    with pytest.raises(ValueError, match=r"validation\.tsv: 0 of 1 samples usable"):
        Trainer(small_config.model_copy(update={"data": data}), tmp_path)


def test_validation_labels_that_can_never_be_read_right_are_reported(small_config, tmp_path, crops, caplog):
    (crops / "validation.tsv").write_text(f"0.png\t日本\n1.png\tbook\n2.png\t{'ab' * 14}\n", encoding="utf-8")
    data = small_config.data.model_copy(update={"validation": str(crops / "validation.tsv")})
    with caplog.at_level("INFO"):
        trainer = Trainer(small_config.model_copy(update={"data": data}), tmp_path)
    assert "validation.tsv: 1 of 3 samples usable" in caplog.text
    assert "1 left out or always misread: '日' not in charset 'alnum36', such as '日本' of" in caplog.text
    assert "1 left out or always misread: label too long for 26 frames" in caplog.text
    assert len(trainer.task.validation) == 3  # and they count


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
    Trainer(config, tmp_path / "recorded", monitors=[recorder]).run()
    assert [step for step, _ in recorder.validations] == [4, 8]
    assert_resumes_exactly(config, tmp_path, at=4)


def test_a_run_that_reuses_images_is_resumed_exactly(small_config, tmp_path):
    data = small_config.data.model_copy(update={"reuse": 4})
    config = small_config.model_copy(update={"data": data})
    assert_resumes_exactly(config, tmp_path, at=4)


def test_images_that_cannot_be_shared_out_are_an_error(small_config, tmp_path):
    data = small_config.data.model_copy(update={"reuse": 3})
    with pytest.raises(ValueError, match=r"train\.batch_size 8 is not a multiple of 3"):
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


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_newest_state_falls_back_to_the_one_before_and_says_so(small_config, tmp_path, damage, caplog):
    Trainer(small_config, tmp_path / "whole").run()
    Trainer(small_config, tmp_path / "run").run()
    newest = tmp_path / "run" / "state.pt"
    if damage == "cut":
        newest.write_bytes(newest.read_bytes()[:-2000])
    else:  # killed between the two renames
        newest.unlink()
    resumed = Trainer(small_config, tmp_path / "run", resume=True)
    assert resumed.progress.step == 4 and not newest.exists()
    reason = "cannot be read as a training state" if damage == "cut" else "state.pt is missing"
    assert reason in caplog.text and "step 4" in caplog.text
    resumed.run()
    assert_equal_states(tensors(tmp_path / "whole" / "state.pt"), tensors(newest))


def test_a_state_is_saved_between_validations_too(small_config, tmp_path):
    config = with_train(small_config, save_every=0.0, validate_every=8)
    with pytest.raises(Interrupted):
        Trainer(config, tmp_path / "parts", monitors=[StopAfter(8)]).run()
    (tmp_path / "parts" / "state.pt").unlink()  # of step 8
    resumed = Trainer(config, tmp_path / "parts", resume=True)
    assert resumed.progress.step == 7
    resumed.run()
    Trainer(config, tmp_path / "whole").run()
    assert_equal_states(
        tensors(tmp_path / "whole" / "state.pt")["model"], tensors(tmp_path / "parts" / "state.pt")["model"]
    )


def with_train(config, **changes):
    return config.model_copy(update={"train": config.train.model_copy(update=changes)})


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


class Poisoned:
    """A loss that is not a number at some steps."""

    def __init__(self, trainer, steps) -> None:
        self.trainer, self.steps, self.loss = trainer, steps, trainer.task.loss

    def __call__(self, model, batch):
        return self.loss(model, batch) * (float("nan") if self.trainer.progress.step in self.steps else 1.0)


def test_a_step_without_a_finite_gradient_is_skipped_counted_and_named(small_config, tmp_path, caplog, monkeypatch):
    recorder = Recorder()
    config = with_train(small_config, steps=10)
    trainer = Trainer(config, tmp_path, monitors=[recorder])
    trainer.task.loss = Poisoned(trainer, {2, 5})
    states = {}
    update = trainer.average.update
    monkeypatch.setattr(
        trainer.average,
        "update",
        lambda network, step: (
            states.update({step: {k: v.clone() for k, v in network.state_dict().items()}}),
            update(network, step),
        ),
    )
    trainer.run()
    for step in (2, 5):
        assert_equal_states(states[step], states[step - 1])
    assert any(not torch.equal(states[3][key], states[2][key]) for key in states[2])
    assert recorder.reports[-1].skipped_steps == trainer.progress.skipped_steps == 2
    assert "step 2: loss nan, gradient norm nan: skipped; its words: " in caplog.text and "labels.tsv:" in caplog.text
    assert all(torch.isfinite(value).all() for value in trainer.network.state_dict().values())


def test_too_many_such_steps_in_a_row_end_the_run(small_config, tmp_path):
    trainer = Trainer(with_train(small_config, steps=100), tmp_path)
    trainer.task.loss = Poisoned(trainer, set(range(3, 100)))
    with pytest.raises(ValueError, match=r"20 steps in a row .* the last one 22.*lower train\.lr"):
        trainer.run()


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_the_state_and_stops(small_config, tmp_path, number, caplog):
    class Signal(Recorder):
        def on_validation(self, step, result, is_best):
            if step == 4:
                os.kill(os.getpid(), number)

    trainer = Trainer(with_train(small_config, steps=9), tmp_path / "parts", monitors=[Signal()])
    handler = signal.getsignal(number)
    trainer.run()
    assert trainer.progress.step == 4 and f"{number.name}: stopped after step 4" in caplog.text
    assert signal.getsignal(number) == handler
    Trainer(with_train(small_config, steps=9), tmp_path / "parts", resume=True).run()
    Trainer(with_train(small_config, steps=9), tmp_path / "whole").run()
    assert_equal_states(tensors(tmp_path / "whole" / "state.pt"), tensors(tmp_path / "parts" / "state.pt"))


def test_a_signal_to_the_whole_group_saves_the_state_too(small_config, tmp_path):
    """As `timeout`, Slurm and torchrun send it: the workers that load the data get it as well."""
    data = small_config.data.model_copy(update={"workers": 2})
    config = with_train(small_config.model_copy(update={"data": data}), steps=100_000)
    (tmp_path / "config.json").write_text(config.model_dump_json())
    script = Path(__file__).with_name("distributed_run.py")
    command = [sys.executable, str(script), str(tmp_path / "config.json"), str(tmp_path / "run")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not (tmp_path / "run" / "state.pt").exists() and process.poll() is None:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    step = torch.load(tmp_path / "run" / "state.pt", weights_only=True)["progress"]["step"]
    assert f"SIGTERM: stopped after step {step}" in err


def test_workers_do_not_outlive_a_killed_run(small_config, tmp_path):
    data = small_config.data.model_copy(update={"workers": 2})
    config = with_train(small_config.model_copy(update={"data": data}), steps=100_000)
    (tmp_path / "config.json").write_text(config.model_dump_json())
    script = Path(__file__).with_name("distributed_run.py")
    command = [sys.executable, str(script), str(tmp_path / "config.json"), str(tmp_path / "run")]
    process = subprocess.Popen(command, start_new_session=True)
    while not (tmp_path / "run" / "state.pt").exists() and process.poll() is None:
        time.sleep(0.1)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while running(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not running(process.pid)


def running(group: int) -> list[str]:
    """Return the living processes of a group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(path.parent.name)
    return found


def test_data_that_changed_are_not_gone_on_with(small_config, tmp_path, crops):
    data = small_config.data.model_copy(update={"validation": None, "holdout": 0.25})
    config = small_config.model_copy(update={"data": data})
    Trainer(config, tmp_path / "run").run()
    labels = crops / "labels.tsv"
    labels.write_text(labels.read_text() + "0.png\thello\n")
    with pytest.raises(ValueError, match=r"the data changed since .*state\.pt was written .*labels\.tsv"):
        Trainer(config, tmp_path / "run", resume=True)


def test_a_run_steps_by_its_steps_though_the_preset_has_a_time_budget():
    assert total_steps(load_config("grcl_lstm_tiny", ["train.steps=7"]).train) == 7


def test_a_full_disk_ends_the_run_and_leaves_the_state_before(small_config, tmp_path):
    Trainer(small_config, tmp_path).run()
    before = (tmp_path / "state.pt").read_bytes()
    trainer = Trainer(with_train(small_config, steps=12), tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(ValueError, match=r"the state of step 8 could not be written to .*state\.pt: .*make room"):
            trainer.progress.step = 8
            trainer._save_state()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (tmp_path / "state.pt").read_bytes() == before


@pytest.mark.parametrize(("num_processes", "accumulate"), [(2, 3), (3, 1)])
def test_several_processes_train_as_one_with_the_same_words(small_config, tmp_path, num_processes, accumulate):
    """Under torchrun, with gloo: the losses and the weights of one process that takes all the words itself."""
    config = with_train(small_config, batch_norm="frozen", optimizer="sgd", lr=0.01, steps=12, batch_size=12)
    recorder = Recorder()
    Trainer(config, tmp_path / "one", monitors=[recorder]).run()
    share = with_train(config, batch_size=12 // num_processes, accumulate=accumulate)
    (tmp_path / "config.json").write_text(share.model_dump_json())
    script = Path(__file__).with_name("distributed_run.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={num_processes}",
               str(script), str(tmp_path / "config.json"), str(tmp_path / "several")]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)
    assert found.returncode == 0, found.stderr[-3000:]
    losses = json.loads((tmp_path / "several" / "losses.json").read_text())
    assert losses == pytest.approx([report.loss for report in recorder.reports], abs=1e-5)
    one, several = (load_weights(tmp_path / run / "last.safetensors").model.state_dict() for run in ("one", "several"))
    assert all(torch.allclose(one[key], several[key], atol=1e-5) for key in one)


def test_a_run_with_proportional_widths_is_resumed_exactly_and_reads_what_it_learnt(small_config, tmp_path):
    preprocess = small_config.preprocess.model_copy(update={"width": "proportional"})
    config = with_train(small_config.model_copy(update={"preprocess": preprocess}), steps=20, validate_every=9)
    assert_resumes_exactly(config, tmp_path, at=18)  # in the midst of a block


def test_words_too_narrow_for_their_labels_are_counted_and_reported(small_config, tmp_path, crops, caplog):
    cv2.imwrite(str(crops / "0.png"), np.zeros((32, 25), np.uint8))
    (crops / "narrow.tsv").write_text("0.png\tabcdefghijk\n1.png\tbook\n")
    data = small_config.data.model_copy(update={"train": str(crops / "narrow.tsv")})
    preprocess = small_config.preprocess.model_copy(update={"width": "proportional", "min_width": 32})
    config = small_config.model_copy(update={"data": data, "preprocess": preprocess})
    Trainer(config, tmp_path).run()
    assert "were too narrow for their labels and taught nothing" in caplog.text
