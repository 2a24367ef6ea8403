"""Using each image in several steps, for a device faster than its data loading (data echoing, Choi et al. 2019)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from grcnn_ocr.datasets.streams import Sample
from grcnn_ocr.training.bucketing import BLOCK

DISTANCE = BLOCK
"""Steps between two uses of an image, so that none comes twice among samples that are sorted together."""


def reused(slices: Iterable[list[Sample]], times: int) -> Iterator[list[Sample]]:
    """Yield the samples of each step.

    Slice number n of the data is what is new at a step: 1 / `times` of its samples. Step s takes the slices s, s + D,
    ..., s + (times - 1) D, so that each slice serves `times` steps, D apart (the first few serve fewer). A run resumed
    at step s draws the same slices again.

    Args:
        slices: from the number of the first step on.
        times: uses of each image.
    """
    kept: deque[list[Sample]] = deque(maxlen=(times - 1) * DISTANCE + 1)
    for samples in slices:
        kept.append(samples)
        if len(kept) == kept.maxlen:
            yield [sample for n in range(times) for sample in kept[n * DISTANCE]]
