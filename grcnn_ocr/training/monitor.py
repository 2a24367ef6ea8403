"""Monitoring a run: what the trainer reports, and writing it for TensorBoard."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from grcnn_ocr.evaluation.classes import ClassesResult
from grcnn_ocr.evaluation.words import Result

AnyResult = Result | ClassesResult
WORD_FIGURES = ("word_accuracy", "one_minus_ned", "cer")
CLASSES_FIGURES = ("top1", "top5")


@dataclass(frozen=True)
class StepReport:
    """The state of a run after `step` steps.

    Attributes:
        step: steps done.
        total_steps: of the whole run, None while a time budget is being measured.
        loss: of the last step.
        lr: learning rate of the last step.
        gradient_norm: of the last step, before clipping.
        samples_per_second: words or images, since the last report.
        data_wait: share of that time spent waiting for data, 0 to 1.
        memory: peak GPU memory so far, in bytes; None on a CPU.
        skipped_steps: steps of the whole run skipped because their gradient was not finite.
    """

    step: int
    total_steps: int | None
    loss: float
    lr: float
    gradient_norm: float
    samples_per_second: float
    data_wait: float
    memory: int | None = None
    skipped_steps: int = 0


@dataclass
class Lap:
    """The steps between two reports.

    Attributes:
        first_step: steps done at its start.
        waited: seconds spent waiting for data.
        started: on the performance counter; moved forward by time spent on anything but training.
    """

    first_step: int
    waited: float = 0.0
    started: float = field(default_factory=time.perf_counter)


class Monitor(Protocol):
    """Receives the reports of a run."""

    def on_steps(self, report: StepReport) -> None:
        """Take a report of the last few steps."""

    def on_validation(self, step: int, result: AnyResult, is_best: bool) -> None:
        """Take the result of a validation."""


class TensorBoardMonitor:
    """Writes scalars for TensorBoard to a folder, from the first report on, and flushes them at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _writer(self) -> Any:
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self._folder))

    def on_steps(self, report: StepReport) -> None:
        """Write loss, learning rate, gradient norm, words/s and data-wait share."""
        for name in ("loss", "lr", "gradient_norm", "samples_per_second", "data_wait"):
            self._writer.add_scalar(f"train/{name}", getattr(report, name), report.step)
        self._writer.flush()

    def on_validation(self, step: int, result: AnyResult, is_best: bool) -> None:
        """Write word accuracy, 1-NED and CER; of a classifier, top-1 and top-5 accuracy."""
        figures: Any = result.counts if isinstance(result, Result) else result
        names = WORD_FIGURES if isinstance(result, Result) else CLASSES_FIGURES
        for name in names:
            self._writer.add_scalar(f"validation/{name}", getattr(figures, name), step)
        self._writer.flush()
