"""Shared by the tests of training: runs that are recorded or interrupted, and their states."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from grcnn_ocr.config import load_any_config
from grcnn_ocr.training.trainer import Trainer


class Interrupted(Exception):
    """Raised by a monitor to stop a run."""


class Recorder:
    """Keeps what a run reports, and interrupts it at the validation of a step."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.stop_at = stop_at
        self.reports, self.validations = [], []

    @property
    def losses(self) -> list[float]:
        return [report.loss for report in self.reports]

    def on_steps(self, report):
        self.reports.append(report)

    def on_validation(self, step, result, is_best):
        self.validations.append((step, result))
        if step == self.stop_at:
            raise Interrupted


def with_section(config, section: str, **changes):
    return config.model_copy(update={section: getattr(config, section).model_copy(update=changes)})


def with_train(config, **changes):
    return with_section(config, "train", **changes)


def with_data(config, **changes):
    return with_section(config, "data", **changes)


def classes_config(data: Path, *overrides: str):
    """A small network for images of two classes, trained for 4 epochs."""
    settings = [
        "num_classes=2", "preprocess.size=16", f"data.train={data}", "data.validation=test", "data.augment.flip=false",
        "data.augment.pad=1", "train.batch_size=8", "train.precision=float32", "train.epochs=4", "train.lr=0.02",
        "train.schedule=cosine", "train.milestones=[]", "train.validate_every=6", "train.ema_decay=0.5",
    ]  # fmt: skip
    return load_any_config("cifar10_resnet20", [*settings, *overrides])


def states(output: Path):
    """The weights, their average and the optimiser's state, as a run saved them."""
    return torch.load(output / "state.pt", weights_only=True)["states"]


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, as on a full disk; Python ignores the signal that comes with the error."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


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


def assert_resumes_exactly(config, folder: Path, at: int) -> Recorder:
    """Train in one go, and interrupted at the validation of a step; compare the states at the end.

    Returns what the uninterrupted run reported.
    """
    recorder = Recorder()
    Trainer(config, folder / "whole", monitors=[recorder]).run()
    with pytest.raises(Interrupted):
        Trainer(config, folder / "parts", monitors=[Recorder(stop_at=at)]).run()
    resumed = Trainer(config, folder / "parts", resume=True)
    assert resumed.progress.step == at < resumed.progress.total_steps
    resumed.run()
    assert_equal_states(states(folder / "whole"), states(folder / "parts"))
    return recorder
