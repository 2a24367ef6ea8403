"""Guarding a run: steps that cannot be taken, and signals to stop."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)

MAX_SKIPPED_IN_A_ROW = 20


class StepGuard:
    """Skips steps whose gradient is not finite.

    Args:
        model: its BatchNorm statistics are restored after such a step.
        samples: what the samples are called.
    """

    def __init__(self, model: nn.Module, samples: str) -> None:
        self._samples = samples
        self._buffers = list(model.buffers())
        self._kept = [buffer.clone() for buffer in self._buffers]
        self._in_a_row = 0

    def before(self) -> None:
        """Save the BatchNorm statistics before a step's forward pass."""
        if self._buffers:
            torch._foreach_copy_(self._kept, self._buffers)

    def refuses(self, step: int, loss: Tensor, gradient_norm: Tensor, places: Iterator[str]) -> bool:
        """Tell whether to skip a step; if so, log it and name its samples.

        Raises:
            ValueError: if too many steps in a row are skipped.
        """
        if torch.isfinite(gradient_norm):  # the same on every process, unlike the loss
            self._in_a_row = 0
            return False
        if self._buffers:
            torch._foreach_copy_(self._buffers, self._kept)
        self._in_a_row += 1
        logger.warning(
            "step %d: loss %s, gradient norm %s: skipped; its %s: %s",
            step, float(loss), float(gradient_norm), self._samples, ", ".join(places),
        )  # fmt: skip
        if self._in_a_row >= MAX_SKIPPED_IN_A_ROW:
            raise ValueError(
                f"{self._in_a_row} steps in a row without a finite gradient, the last one {step}: the run has "
                "diverged; start again with a lower train.lr or train.clip_norm, or with train.precision=float32"
            )
        return True


class StopRequest:
    """Records that SIGTERM or Ctrl-C asked the run to stop."""

    def __init__(self) -> None:
        self.name: str | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if self.name is not None:  # the second time: stop at once
            raise KeyboardInterrupt
        self.name = signal.Signals(number).name


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Turn SIGTERM and Ctrl-C into a request, while the block runs; a second one interrupts at once."""
    request = StopRequest()
    if current_thread() is not main_thread():  # signals cannot be handled here
        yield request
        return
    before = {number: signal.signal(number, request) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
