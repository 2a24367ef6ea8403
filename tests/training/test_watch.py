"""Guarding a run: steps that cannot be taken, and signals to stop."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from training.runs import Recorder, assert_equal_states, states, with_data, with_train

from grcnn_ocr.training.trainer import Trainer


class Poisoned:
    """A loss that is not a number at some steps."""

    def __init__(self, trainer, steps) -> None:
        self.trainer, self.steps, self.loss = trainer, steps, trainer.task.loss

    def __call__(self, model, batch):
        return self.loss(model, batch) * (float("nan") if self.trainer.progress.step in self.steps else 1.0)


def test_a_step_without_a_finite_gradient_is_skipped_counted_and_named(small_config, tmp_path, caplog, monkeypatch):
    recorder = Recorder()
    trainer = Trainer(with_train(small_config, steps=10), tmp_path, monitors=[recorder])
    trainer.task.loss = Poisoned(trainer, {2, 5})
    after, update = [], trainer.average.update

    def kept(network, step):
        after.append({key: value.clone() for key, value in network.state_dict().items()})
        update(network, step)

    monkeypatch.setattr(trainer.average, "update", kept)
    trainer.run()
    for step in (2, 5):
        assert_equal_states(after[step], after[step - 1])
    assert any(not torch.equal(after[3][key], after[2][key]) for key in after[2])
    assert recorder.reports[-1].skipped_steps == trainer.progress.skipped_steps == 2
    assert "step 2: loss nan, gradient norm nan: skipped; its words: " in caplog.text and "labels.tsv:" in caplog.text
    assert all(torch.isfinite(value).all() for value in trainer.network.state_dict().values())


def test_too_many_such_steps_in_a_row_end_the_run(small_config, tmp_path):
    trainer = Trainer(with_train(small_config, steps=100, validate_every=100), tmp_path)
    trainer.task.loss = Poisoned(trainer, set(range(3, 100)))
    with pytest.raises(ValueError, match=r"20 steps in a row .* the last one 22.*lower train\.lr"):
        trainer.run()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_the_state_and_stops(small_config, tmp_path, number, caplog):
    class Signal(Recorder):
        def on_validation(self, step, result, is_best):
            if step == 4:
                os.kill(os.getpid(), number)

    config = with_train(small_config, steps=9)
    trainer = Trainer(config, tmp_path / "parts", monitors=[Signal()])
    handler = signal.getsignal(number)
    trainer.run()
    assert trainer.progress.step == 4 and f"{number.name}: stopped after step 4" in caplog.text
    assert signal.getsignal(number) == handler
    Trainer(config, tmp_path / "parts", resume=True).run()
    Trainer(config, tmp_path / "whole").run()
    assert_equal_states(states(tmp_path / "whole"), states(tmp_path / "parts"))


@pytest.fixture
def endless(small_config, tmp_path):
    """A run with two workers, in a process group of its own; it has saved a state."""
    config = with_train(with_data(small_config, workers=2), steps=100_000)
    (tmp_path / "config.json").write_text(config.model_dump_json())
    script = Path(__file__).with_name("distributed_run.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True,
    )  # fmt: skip
    try:
        while not (tmp_path / "state.pt").exists() and process.poll() is None:
            time.sleep(0.1)
        assert len(running(process.pid)) >= 3, process.communicate()
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.stderr.close()


def test_a_signal_to_the_whole_group_saves_the_state_too(endless, tmp_path):
    """As `timeout`, Slurm and torchrun send it: the workers that load the data get it as well."""
    os.killpg(endless.pid, signal.SIGTERM)
    _, err = endless.communicate(timeout=120)
    assert endless.returncode == 0, err
    step = torch.load(tmp_path / "state.pt", weights_only=True)["progress"]["step"]
    assert f"SIGTERM: stopped after step {step}" in err


def test_workers_do_not_outlive_a_killed_run(endless):
    endless.kill()
    endless.wait()
    deadline = time.monotonic() + 30
    while running(endless.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not running(endless.pid)


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
