"""The order of training samples: a pure function of the number of the batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class StreamBatches:
    """An endless batch sampler that can start at any step.

    Batch number b takes the next `batch_size * num_processes` samples of the stream, each process its own share.

    Args:
        batch_size: of each process.
        start: first batch.
        process: index of this process.
        num_processes: how many processes share a batch number.
    """

    batch_size: int
    start: int = 0
    process: int = 0
    num_processes: int = 1

    def __iter__(self) -> Iterator[list[int]]:
        for number in count(self.start):
            yield list(self.samples(number))

    def samples(self, number: int) -> range:
        """Return the samples of batch `number`."""
        first = (number * self.num_processes + self.process) * self.batch_size
        return range(first, first + self.batch_size)


@lru_cache(maxsize=8)
def permutation(seed: int, epoch: int, num_samples: int) -> NDArray[np.int64]:
    """Return the order, (num_samples,), of an epoch's samples."""
    return np.random.default_rng((seed, epoch)).permutation(num_samples)
