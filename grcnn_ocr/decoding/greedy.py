"""Greedy (best-path) CTC decoding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def greedy(log_probs: NDArray[np.floating], lengths: Sequence[int]) -> list[list[int]]:
    """Take the best class of every frame, merge equal neighbours, drop blanks.

    Args:
        log_probs: (B, T, K), class 0 the blank; logits serve as well.
        lengths: (B,) frames of each image.

    Returns:
        For each image its classes, without blanks.
    """
    best = np.asarray(log_probs).argmax(axis=2)  # (B, T)
    keep = best != 0
    keep[:, 1:] &= best[:, 1:] != best[:, :-1]
    return [row[:n][kept[:n]].tolist() for row, kept, n in zip(best, keep, lengths, strict=True)]
