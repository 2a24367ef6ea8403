"""Batches of crops of equal width, from a stream of crops of any width."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice

import numpy as np

from grcnn_ocr.datasets.streams import Sample
from grcnn_ocr.preprocess import Preprocessor

BLOCK = 64
"""Steps whose samples are sorted together: words of the word engine then have 1.3 widths per step, with 16 steps 2."""


def by_width(steps: Iterator[list[Sample]], preprocessor: Preprocessor, seed: int, step: int) -> Iterator[list[Sample]]:
    """Redistribute the samples of `BLOCK` steps, so that those of a step are of nearly one width.

    The samples of steps nB to nB + B - 1 are sorted by padded width and divided again into as many steps, in random
    order: a pure function of the step, like the samples.

    Args:
        steps: the samples of each step, from `block_start(step)` on; one step of the next block is taken for each step
            yielded, so that loading keeps pace with training.
        preprocessor: gives the padded widths.
        seed: of the order.
        step: the first step to yield.
    """
    number, skipped = divmod(step, BLOCK)
    block = list(islice(steps, BLOCK))
    while True:
        size = len(block[0])
        ordered = sorted(
            (sample for samples in block for sample in samples), key=lambda s: preprocessor.padded_width(s.image)
        )
        block = []
        for position, turn in enumerate(np.random.default_rng((seed, number)).permutation(BLOCK)):
            if position >= skipped:
                yield ordered[turn * size : (turn + 1) * size]
            block.append(next(steps))
        number, skipped = number + 1, 0


def block_start(step: int) -> int:
    """Return the first step of the block that `step` is in."""
    return step - step % BLOCK


def of_one_width(samples: list[Sample], preprocessor: Preprocessor) -> list[list[Sample]]:
    """Split samples into runs of one padded width."""
    return [list(run) for _, run in groupby(samples, key=lambda sample: preprocessor.padded_width(sample.image))]
