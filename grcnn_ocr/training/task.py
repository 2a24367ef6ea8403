"""What the training loop asks of a task; the two tasks are in `words.py` and `classes.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from grcnn_ocr.config import TrainConfig
from grcnn_ocr.weights import ClassifierWeights, Weights


class Task(Protocol):
    """What the loop asks of a task.

    Attributes:
        model: the network to train; the loop may wrap it.
        samples: what the samples are called, "words" or "images".
    """

    model: Any
    samples: str

    def settings(self, num_processes: int) -> TrainConfig:
        """Return the settings of the optimisation, those that depend on the data filled in."""

    def initialise(self, init: Path) -> str:
        """Start from trained weights and return a report for the log. Raises ValueError if they do not fit."""

    def digests(self) -> dict[str, str]:
        """Return a digest of each source of training data."""

    def feed(self, process: int, num_processes: int, device: torch.device) -> Any:
        """Return what yields the samples of each step for a process, as `Feed` does."""

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Return the loss of a batch."""

    def validate(self, model: Any, device: torch.device) -> Any:
        """Return the figures of a network on the validation data."""

    def accuracy(self, result: Any) -> float:
        """Return the figure by which the best weights are chosen."""

    def complain(self, result: Any, step: int, feed: Any) -> None:
        """Log what looks wrong at a validation."""

    def weights(self, model: Any, result: Any, training: dict[str, Any]) -> Weights | ClassifierWeights:
        """Return what is written to a weights file, with the figures of the validation added to the training record."""
