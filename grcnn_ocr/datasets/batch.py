"""Batches for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from grcnn_ocr.datasets.streams import Sample, Stream
from grcnn_ocr.preprocess import Preprocessor


@dataclass(frozen=True)
class Batch:
    """What a training step takes.

    Attributes:
        images: (B, 1, H, W) float32, normalised.
        widths: (B,) pixels that are not padding.
        targets: (sum of target_lengths,) classes of all labels, one after the other.
        target_lengths: (B,).
    """

    images: Tensor
    widths: Tensor
    targets: Tensor
    target_lengths: Tensor

    def pin_memory(self) -> Batch:
        """Return the batch in page-locked memory, for a faster copy to a GPU."""
        return Batch(*(tensor.pin_memory() for tensor in vars(self).values()))

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in vars(self).values()))


class TrainingWords(Dataset[Sample]):
    """A stream as a map-style dataset, for a DataLoader; `collate` makes its batches."""

    def __init__(self, stream: Stream, preprocessor: Preprocessor) -> None:
        self.stream = stream
        self.preprocessor = preprocessor

    def __getitem__(self, number: int) -> Sample:
        return self.stream.sample(number)

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Stack samples of equal size into a batch."""
        images = torch.from_numpy(self.preprocessor.normalise(np.stack([sample.image for sample in samples])))
        return Batch(
            images=images,
            widths=torch.full((len(samples),), images.shape[3]),
            targets=torch.tensor([c for sample in samples for c in sample.classes]),
            target_lengths=torch.tensor([len(sample.classes) for sample in samples]),
        )
