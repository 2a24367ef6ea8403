"""The output of a network for a batch of images, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frames:
    """Log-probabilities of a batch.

    Attributes:
        log_probs: (B, T, K) log-softmax, class 0 the blank; undefined beyond `lengths`.
        lengths: (B,) frames that belong to each image.
    """

    log_probs: NDArray[np.float32]
    lengths: list[int]

    @classmethod
    def of(cls, each: Sequence[NDArray[np.float32]]) -> Frames:
        """Build from the log-probabilities of each image, (T, K) with its own T."""
        lengths = [len(log_probs) for log_probs in each]
        padded = np.full((len(each), max(lengths), each[0].shape[1]), -np.inf, np.float32)
        padded[:, :, 0] = 0.0
        for row, log_probs in enumerate(each):
            padded[row, : len(log_probs)] = log_probs
        return cls(padded, lengths)

    def each(self) -> list[NDArray[np.float32]]:
        """Return the log-probabilities of each image, (T, K) with its own T."""
        return [log_probs[:length] for log_probs, length in zip(self.log_probs, self.lengths, strict=True)]
