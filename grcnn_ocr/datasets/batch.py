"""Batches for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset

from grcnn_ocr.datasets.streams import Sample, Stream
from grcnn_ocr.preprocess import Preprocessor


@dataclass(frozen=True)
class Batch:
    """What a training step takes, or a part of it.

    Attributes:
        images: (B, 1, H, W) float32, normalised.
        widths: (B,) pixels that are not padding; on the CPU, where the CTC loss expects lengths.
        targets: (sum of target_lengths,) classes of all labels, one after the other.
        target_lengths: (B,), on the CPU too.
    """

    images: Tensor
    widths: Tensor
    targets: Tensor
    target_lengths: Tensor

    def __len__(self) -> int:
        return len(self.images)


def collate(samples: Sequence[Sample], preprocessor: Preprocessor, device: torch.device) -> Batch:
    """Stack samples of one padded width into a batch; pixels are moved to the device as bytes and normalised there."""
    stacked, widths = preprocessor.stack([sample.image for sample in samples])
    tensors = [torch.from_numpy(stacked), torch.tensor([c for sample in samples for c in sample.classes])]
    if device.type == "cuda":
        tensors = [tensor.pin_memory() for tensor in tensors]
    pixels, targets = (tensor.to(device, non_blocking=True) for tensor in tensors)
    images = (pixels[:, None].float() - preprocessor.mean) / preprocessor.scale
    lengths = torch.tensor([len(sample.classes) for sample in samples])
    return Batch(images, torch.from_numpy(widths), targets, lengths)


class TrainingWords(Dataset[Sample]):
    """A stream as a map-style dataset, for a DataLoader."""

    def __init__(self, stream: Stream, preprocessor: Preprocessor) -> None:
        self.stream = stream
        self.preprocessor = preprocessor

    def __getitem__(self, number: int) -> Sample:
        return self.stream.sample(number)
