"""Batches for training a classifier: sample number n = 0, 1, 2, ... is a pure function of n, whoever asks.

B pictures of a batch, S the side of the input, C channels.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from grcnn_ocr.config import ImageAugmentConfig
from grcnn_ocr.datasets.images.augment import NUM_DRAWS, NUM_PART_DRAWS, random_part, shift_and_flip, uniforms
from grcnn_ocr.datasets.images.prepare import ImagePreprocessor
from grcnn_ocr.datasets.images.source import ImageSource
from grcnn_ocr.datasets.sampler import permutation

logger = logging.getLogger(__name__)


class TrainingImages(Dataset[tuple[Tensor, Tensor]]):
    """The pictures of a source, in a new random order each epoch and with new random augmentation each time.

    Pictures that are resized whole are decoded once, and kept.

    Args:
        source: where the pictures are.
        indices: those to train on.
        preprocessor: resizes them.
        augment: what is done to them.
        seed: of order and augmentation.

    Raises:
        ValueError: on a picture that cannot be decoded, naming it; from here, or, if they are not kept, on each batch.
    """

    def __init__(
        self,
        source: ImageSource,
        indices: NDArray[np.int64],
        preprocessor: ImagePreprocessor,
        augment: ImageAugmentConfig,
        seed: int,
    ) -> None:
        self.source = source
        self.indices = indices
        self.labels = source.labels[indices]
        self.preprocessor = preprocessor
        self.augment = augment
        self.seed = seed
        is_kept = preprocessor.shorter_side is None and augment.area is None
        self.pixels = preprocessor.load(source, indices.tolist()) if is_kept else None

    def __len__(self) -> int:
        """Return the number of pictures of an epoch."""
        return len(self.indices)

    def __getitem__(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return the samples of these numbers: inputs (B, S, S, C) uint8, labels (B,)."""
        samples = np.asarray(numbers, np.int64)
        positions = self._positions(samples)
        if self.pixels is not None:
            batch = self.pixels[positions]
        else:
            draws = uniforms(self.seed + 1, samples, NUM_PART_DRAWS)
            batch = np.stack([self._one(at, draw) for at, draw in zip(positions.tolist(), draws, strict=True)])
        draws = uniforms(self.seed, samples, NUM_DRAWS)
        batch = shift_and_flip(batch, draws, self.augment.pad, self.augment.flip)
        return torch.from_numpy(batch), torch.from_numpy(self.labels[positions])

    def _one(self, position: int, draws: NDArray[np.float64]) -> NDArray[np.uint8]:
        image = self.preprocessor.picture(self.source, int(self.indices[position]))
        if self.augment.area is None:
            return self.preprocessor.input(image)
        return random_part(image, draws, self.augment.area, self.preprocessor.size)

    def place(self, number: int) -> str:
        """Name sample `number` in its source."""
        [position] = self._positions(np.array([number]))
        return self.source.place(int(self.indices[position]))

    def digests(self) -> dict[str, str]:
        """Return a digest of which pictures these are, and of their labels and pixels, as far as they are kept."""
        found = hashlib.sha256(self.indices.tobytes() + self.labels.tobytes())
        if self.pixels is not None:
            found.update(self.pixels.tobytes())
        else:
            found.update("\n".join(map(self.source.place, self.indices.tolist())).encode())
        return {str(self.source.path): found.hexdigest()}

    def _positions(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the place of each sample: the (n mod N)-th of its epoch's permutation of N."""
        epochs, offsets = np.divmod(numbers, len(self))
        found = np.empty_like(numbers)
        for epoch in np.unique(epochs).tolist():
            is_its = epochs == epoch
            found[is_its] = permutation(self.seed, epoch, len(self))[offsets[is_its]]
        return found
