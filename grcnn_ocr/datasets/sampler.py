"""The order of training samples: a pure function of the step, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True)
class StepBatches:
    """An endless batch sampler that can start at any step.

    Step s takes the next `batch_size * num_processes` samples of the stream, each process its own share.

    Args:
        batch_size: of each process.
        start: first step.
        process: index of this process.
        num_processes: how many share a step.
    """

    batch_size: int
    start: int = 0
    process: int = 0
    num_processes: int = 1

    def __iter__(self) -> Iterator[list[int]]:
        for step in count(self.start):
            first = (step * self.num_processes + self.process) * self.batch_size
            yield list(range(first, first + self.batch_size))
