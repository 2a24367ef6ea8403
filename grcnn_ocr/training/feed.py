"""Feeding a training process: which words each step takes, loaded while the network trains."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from grcnn_ocr.config import Config
from grcnn_ocr.datasets.batch import Batch, TrainingWords, collate
from grcnn_ocr.datasets.sampler import StreamBatches
from grcnn_ocr.datasets.streams import Sample
from grcnn_ocr.loading import num_cores
from grcnn_ocr.text.charset import min_frames
from grcnn_ocr.training.bucketing import block_start, by_width, of_one_width
from grcnn_ocr.training.distortion import distort
from grcnn_ocr.training.reuse import reused

PR_SET_PDEATHSIG = 1
"""Option of prctl(2): the signal that a process gets when its parent dies."""
GRACE_SECONDS = 20
"""Time from SIGTERM to the end of a worker."""
PREFETCH = 2
"""Batches that each worker loads ahead."""
MAX_WORKERS = 16
"""Unless `data.workers` asks for more."""


class Feed:
    """The words of each step.

    Args:
        dataset: the words.
        config: gives batch size, parts, reuse and workers.
        process: index of this process.
        num_processes: processes that share each step.
        device: where batches are put.
        num_frames: gives T of the network for a width.

    Raises:
        ValueError: if the words of a step cannot be divided into equal parts.
    """

    def __init__(
        self,
        dataset: TrainingWords,
        config: Config,
        process: int,
        num_processes: int,
        device: torch.device,
        num_frames: Callable[[int], int],
    ) -> None:
        parts = config.train.accumulate * config.data.reuse
        if config.train.batch_size % parts:
            raise ValueError(
                f"train.batch_size {config.train.batch_size} is not a multiple of {parts}, that is, of "
                f"train.accumulate {config.train.accumulate} times data.reuse {config.data.reuse}"
            )
        self.dataset = dataset
        self.config = config
        self.process = process
        self.num_processes = num_processes
        self.device = device
        self.workers = num_workers(config.data.workers)
        self.num_ready = PREFETCH * self.workers
        """Steps whose words may be loaded ahead."""
        self.num_frames = lru_cache(num_frames)
        self.num_too_narrow = 0
        """Crops so far, in this process and session, with fewer frames than the label needs: CTC cannot learn them."""

    def steps(self, step: int) -> Iterator[list[Batch]]:
        """Yield the words of each step, from `step` on, in parts that are run one after the other.

        Raises:
            ValueError: on a word that cannot be loaded, naming it.
        """
        preprocessor, reuse, seed = self.dataset.preprocessor, self.config.data.reuse, self.config.train.seed
        is_proportional = preprocessor.width == "proportional"
        first = block_start(step) if is_proportional else step
        steps = reused(self._slices(first), reuse)
        if is_proportional:
            steps = by_width(steps, preprocessor, seed, step)
        for number, samples in enumerate(steps, start=step):
            if is_proportional:
                self.num_too_narrow += sum(
                    min_frames(sample.classes) > self.num_frames(sample.image.shape[1]) for sample in samples
                )
            size = len(samples) // self.config.train.accumulate
            parts = [
                collate(run, preprocessor, self.device)
                for part in range(self.config.train.accumulate)
                for run in of_one_width(samples[part * size : (part + 1) * size], preprocessor)
            ]
            if reuse > 1:
                black, white = ((level - preprocessor.mean) / preprocessor.scale for level in (0, 255))
                for part, batch in enumerate(parts):
                    images = distort(batch.images, (seed, number, self.process, part), black, white)
                    parts[part] = replace(batch, images=images)
            yield parts

    def places(self, step: int) -> Iterator[str]:
        """Name the words that are new at a step (with proportional width, a nearby step may use them instead)."""
        return (self.dataset.stream.place(number) for number in self._order(step).samples(step))

    def _slices(self, step: int) -> Iterator[list[Sample]]:
        """Yield the samples that are new at each step."""
        yield from loaded(self.dataset, self.workers, batch_sampler=self._order(step), collate_fn=list)

    def _order(self, step: int) -> StreamBatches:
        """Return which samples are new at each step, from `step` on."""
        return StreamBatches(
            self.config.train.batch_size // self.config.data.reuse, step, self.process, self.num_processes
        )


def num_workers(workers: int | None) -> int:
    """Return how many processes load words: as asked for, else this process's share of the remaining cores, 1 to 16."""
    if workers is not None:
        return workers
    trained_by = int(os.environ.get("LOCAL_WORLD_SIZE", 1))  # torchrun's
    return min(max(num_cores() // trained_by - 1, 1), MAX_WORKERS)


def loaded(dataset: Dataset[Any], workers: int, **options: Any) -> Iterator[Any]:
    """Yield from a DataLoader with these options, with some worker processes or none.

    Raises:
        ValueError: on a sample that cannot be loaded, naming it.
    """
    loader = DataLoader(
        dataset,
        num_workers=workers,
        prefetch_factor=PREFETCH if workers else None,
        worker_init_fn=_begin_worker,
        **options,
    )
    try:
        yield from loader
    except ValueError as error:
        # from a worker, the message follows that process's traceback
        message = str(error).partition("\nValueError: ")[2].strip()
        raise (ValueError(message) if message else error) from error


def _begin_worker(worker: int) -> None:
    cv2.setNumThreads(0)
    # Ctrl-C and SIGTERM may reach every process of the run, which first saves its state and then stops its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: signal.alarm(GRACE_SECONDS))
    if sys.platform == "linux":  # a worker that outlives a killed run would wait on its queue forever
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
