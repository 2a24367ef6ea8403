"""Samples and batches for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from grcnn_ocr.datasets.augment import Augmenter
from grcnn_ocr.datasets.sampler import SampleKey
from grcnn_ocr.datasets.words import WordSource, decoded
from grcnn_ocr.preprocess import Pixels, Preprocessor
from grcnn_ocr.text.charset import Charset


@dataclass(frozen=True)
class Sample:
    """One preprocessed image (H, W) and the classes of its label."""

    image: Pixels
    classes: list[int]


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
    """Samples by (epoch, position); the augmentation of each is a function of (seed, epoch, position).

    Args:
        source: where the words are.
        indices: the usable ones among them, see `audit`.
        charset: encodes labels.
        preprocessor: resizes images.
        augmenter: applied to the resized image, or None.
        seed: of the augmentation.

    Raises:
        ValueError: from `__getitem__`, on an image that cannot be decoded, naming it.
    """

    def __init__(
        self,
        source: WordSource,
        indices: NDArray[np.int64],
        charset: Charset,
        preprocessor: Preprocessor,
        augmenter: Augmenter | None,
        seed: int,
    ) -> None:
        self.source = source
        self.indices = indices
        self.charset = charset
        self.preprocessor = preprocessor
        self.augmenter = augmenter
        self.seed = seed

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, key: SampleKey) -> Sample:
        epoch, position = key
        index = int(self.indices[position])
        image = self.preprocessor.resize(decoded(self.source, index))
        if self.augmenter is not None:
            image = self.augmenter(image, (self.seed, epoch, position))
        return Sample(image, self.charset.encode(self.source.label(index)))

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Stack samples of equal size into a batch."""
        images = torch.from_numpy(self.preprocessor.normalise(np.stack([sample.image for sample in samples])))
        return Batch(
            images=images,
            widths=torch.full((len(samples),), images.shape[3]),
            targets=torch.tensor([c for sample in samples for c in sample.classes]),
            target_lengths=torch.tensor([len(sample.classes) for sample in samples]),
        )
