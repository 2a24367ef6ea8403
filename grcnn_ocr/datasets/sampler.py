"""The order of training samples: a pure function of the seed and the step, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

import numpy as np
from numpy.typing import NDArray

SampleKey = tuple[int, int]
"""(epoch, position in the list of usable samples)."""


@dataclass(frozen=True)
class StepBatches:
    """An endless batch sampler that can start at any step.

    Sample number n of the run is the (n mod N)-th of epoch n // N's permutation, and step s takes the next
    `batch_size * num_processes` of them, each process its own share. Batches run across the ends of epochs.

    Args:
        num_samples: N.
        batch_size: of each process.
        seed: of the permutations.
        start: first step.
        process: index of this process.
        num_processes: how many share a step.
    """

    num_samples: int
    batch_size: int
    seed: int
    start: int = 0
    process: int = 0
    num_processes: int = 1

    def __iter__(self) -> Iterator[list[SampleKey]]:
        for step in count(self.start):
            first = (step * self.num_processes + self.process) * self.batch_size
            yield [self._key(number) for number in range(first, first + self.batch_size)]

    def _key(self, number: int) -> SampleKey:
        epoch, offset = divmod(number, self.num_samples)
        return epoch, int(_permutation(self.seed, epoch, self.num_samples)[offset])


@lru_cache(maxsize=2)
def _permutation(seed: int, epoch: int, num_samples: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, epoch)).permutation(num_samples)
