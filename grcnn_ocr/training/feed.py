"""Feeding a process of a run: which words each step takes, loaded beside the training."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import cv2
import torch
from torch.utils.data import DataLoader

from grcnn_ocr.config import Config
from grcnn_ocr.datasets.batch import Batch, TrainingWords
from grcnn_ocr.datasets.sampler import StreamBatches
from grcnn_ocr.training.reuse import reused

PREFETCH = 4
"""Batches that each worker has ready."""


class Feed:
    """Batches by step; each step takes `train.accumulate` of them.

    Args:
        dataset: the words.
        config: batch size, parts, reuse, workers.
        process: index of this process.
        num_processes: that share each step.
        device: where batches go.

    Raises:
        ValueError: if a step's words cannot be divided into equal parts.
    """

    def __init__(
        self, dataset: TrainingWords, config: Config, process: int, num_processes: int, device: torch.device
    ) -> None:
        parts = config.train.accumulate * config.data.reuse
        if config.train.batch_size % parts:
            raise ValueError(
                f"train.batch_size {config.train.batch_size} is not a multiple of {parts}, that is of "
                f"train.accumulate {config.train.accumulate} times data.reuse {config.data.reuse}"
            )
        self.dataset = dataset
        self.config = config
        self.process = process
        self.num_processes = num_processes
        self.device = device

    def batches(self, step: int) -> Iterator[Batch]:
        """Yield batches on the device, from the first of `step` on.

        Raises:
            ValueError: on a word that cannot be loaded, naming it.
        """
        order, data = self._order(step), self.config.data
        loader = DataLoader(
            self.dataset,
            batch_sampler=order,
            collate_fn=self.dataset.collate,
            num_workers=data.workers,
            prefetch_factor=PREFETCH if data.workers else None,
            worker_init_fn=_begin_worker,
            pin_memory=self.device.type == "cuda",
        )
        try:
            if data.reuse == 1:
                yield from (batch.to(self.device) for batch in loader)
            else:
                yield from reused(loader, data.reuse, self.config.train.seed, order.start, self.device)
        except ValueError as error:
            # from a worker it comes as that process's traceback, then the message
            message = str(error).partition("\nValueError: ")[2].strip()
            raise (ValueError(message) if message else error) from error

    def places(self, step: int) -> Iterator[str]:
        """Name the words of a step (with `reuse`, those that are new to it)."""
        order = self._order(step)
        for part in range(self.config.train.accumulate):
            for number in order.samples(order.start + part):
                yield self.dataset.stream.place(number)

    def _order(self, step: int) -> StreamBatches:
        """Return which samples each batch takes of what is new, from `step` on."""
        settings = self.config.train
        batch_size = settings.batch_size // (settings.accumulate * self.config.data.reuse)
        return StreamBatches(batch_size, step * settings.accumulate, self.process, self.num_processes)


def _begin_worker(worker: int) -> None:
    cv2.setNumThreads(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the run stops its workers itself
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the run's handler, which a fork inherits
