"""Micro-batching: requests that arrive together share a forward pass, and one thread runs the network."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType

from grcnn_ocr.decoding.frames import Frames
from grcnn_ocr.pixels import Pixels
from grcnn_ocr.serve.limits import RefusedError
from grcnn_ocr.wording import counted


@dataclass
class _Job:
    images: Sequence[Pixels]
    frames: Future[Frames] = field(default_factory=Future)


class Batcher:
    """Collects images for the network.

    The first request opens a batch, which closes after `patience` or when it holds `batch_size` images; requests that
    arrive while the network is busy are in the next one. Use it as a context manager: it owns a thread.

    Args:
        recognise: runs the network, `BaseReader.recognise`.
        batch_size: number of images that closes a batch; a request is never divided.
        max_waiting: images that may wait; a larger request is accepted if no others wait.
        patience: in seconds.

    Attributes:
        num_waiting: images in the queue.
        num_images: images recognised so far.
        num_batches: batches so far.
    """

    def __init__(
        self,
        recognise: Callable[[Sequence[Pixels]], Frames],
        batch_size: int = 64,
        max_waiting: int = 512,
        patience: float = 0.004,
    ) -> None:
        self.recognise = recognise
        self.batch_size = batch_size
        self.max_waiting = max_waiting
        self.patience = patience
        self.num_batches = 0
        self.num_images = 0
        self._jobs: deque[_Job] = deque()
        self.num_waiting = 0
        self._changed = threading.Condition()
        self._is_open = False
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)

    def __enter__(self) -> Batcher:
        self._is_open = True
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_open = False
            self._changed.notify()
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether the network's thread runs."""
        return self._thread.is_alive()

    def submit(self, images: Sequence[Pixels], is_new: bool = True) -> Future[Frames]:
        """Queue the images of a request.

        Args:
            images: grayscale (H, W).
            is_new: whether they are the first of their request; later ones are always accepted, and go first.

        Returns:
            Their frames; T is that of the longest image of the batch.

        Raises:
            RefusedError: if too many images wait, or the application is shutting down.
        """
        job = _Job(images)
        with self._changed:
            if not self._is_open:
                raise RefusedError("closing", "the server is shutting down", status=503)
            if is_new and self._jobs and self.num_waiting + len(images) > self.max_waiting:
                raise RefusedError(
                    "busy", f"{counted(self.num_waiting, 'image')} waiting; try again shortly", status=503
                )
            if is_new:
                self._jobs.append(job)
            else:
                self._jobs.appendleft(job)
            self.num_waiting += len(images)
            self._changed.notify()
        return job.frames

    def _run(self) -> None:
        while jobs := self._next_batch():
            self._answer(jobs)

    def _next_batch(self) -> list[_Job]:
        """Wait for jobs; return none once the batcher is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or not self._is_open)
            end = time.monotonic() + self.patience
            while self._is_open and self.num_waiting < self.batch_size and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
            jobs: list[_Job] = []
            while self._jobs and sum(len(job.images) for job in jobs) < self.batch_size:
                jobs.append(self._jobs.popleft())
                self.num_waiting -= len(jobs[-1].images)
        return jobs

    def _answer(self, jobs: Sequence[_Job]) -> None:
        """Run the network; if it fails on several requests together, run it on each alone."""
        images = [image for job in jobs for image in job.images]
        try:
            frames = self.recognise(images)
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].frames.set_exception(error)
                return
            for job in jobs:
                self._answer([job])
            return
        self.num_batches += 1
        self.num_images += len(images)
        start = 0
        for job in jobs:
            end = start + len(job.images)
            job.frames.set_result(Frames(frames.log_probs[start:end], frames.lengths[start:end]))
            start = end
