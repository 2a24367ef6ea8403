"""Runs under torchrun, with gloo."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from training.runs import Recorder, classes_config, with_train

from grcnn_ocr.training.trainer import Trainer
from grcnn_ocr.weights import load_classifier, load_weights


@pytest.mark.parametrize("num_processes", [2, 3])
def test_several_processes_train_as_one_with_the_same_samples(num_processes, small_config, squares, tmp_path):
    """The losses and the weights of one process that takes all samples itself; BatchNorm is each process's own."""
    words = with_train(small_config, batch_norm="frozen", optimizer="sgd", lr=0.01, steps=12, batch_size=12)
    classes = classes_config(
        squares, "train.batch_norm=frozen", "train.ema_decay=0", "train.lr=0.01", "train.batch_size=12"
    )
    tasks = [
        ("words", words, {"accumulate": 2}, load_weights, 1e-5),
        ("classes", classes, {}, load_classifier, 1e-4),
    ]
    for name, config, share, *_ in tasks:
        folder = tmp_path / "several" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(
            with_train(config, batch_size=12 // num_processes, **share).model_dump_json()
        )
    script = Path(__file__).with_name("distributed_run.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={num_processes}",
               str(script), *(str(tmp_path / "several" / name) for name, *_ in tasks)]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)
    assert found.returncode == 0, found.stderr[-3000:]

    for name, config, _, load, tolerance in tasks:
        recorder = Recorder()
        Trainer(config, tmp_path / "one" / name, monitors=[recorder]).run()
        losses = json.loads((tmp_path / "several" / name / "losses.json").read_text())
        assert losses and losses == pytest.approx(recorder.losses, abs=tolerance), name
        one, several = (
            load(tmp_path / run / name / "last.safetensors").model.state_dict() for run in ("one", "several")
        )
        assert all(torch.allclose(one[key], several[key], atol=tolerance) for key in one), name
