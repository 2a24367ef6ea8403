"""Using each image in several steps, for a device that is faster than its data (data echoing, Choi et al. 2019)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch

from grcnn_ocr.datasets.batch import Batch
from grcnn_ocr.training.distortion import distort

DISTANCE = 16
"""Steps between two uses of an image."""


def reused(slices: Iterable[Batch], times: int, seed: int, step: int, device: torch.device) -> Iterator[Batch]:
    """Yield the batches of steps `step`, `step` + 1, ...

    Slice number n of the data is what is new at a step: 1 / `times` of a batch. Step s takes the slices s, s + D,
    ..., s + (times - 1) D, so that each serves `times` steps, D apart (but the first few, which serve fewer); each
    time it is distorted anew. A run that is resumed at step s draws the same slices again.

    Args:
        slices: from number `step` on.
        times: uses of each image.
        seed: of the distortions.
        step: the first step.
        device: where the slices are kept and distorted.
    """
    kept: deque[Batch] = deque(maxlen=(times - 1) * DISTANCE + 1)
    for batch in slices:
        kept.append(batch.to(device))
        if len(kept) == kept.maxlen:
            together = _concatenated([kept[n * DISTANCE] for n in range(times)])
            yield replace(together, images=distort(together.images, seed=seed * 1_000_003 + step))
            step += 1


def _concatenated(batches: list[Batch]) -> Batch:
    return Batch(*(torch.cat(tensors) for tensors in zip(*(vars(batch).values() for batch in batches), strict=True)))
