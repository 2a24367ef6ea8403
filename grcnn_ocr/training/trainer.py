"""The training loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch.utils.data import DataLoader

from grcnn_ocr.build import build_charset
from grcnn_ocr.config import Config
from grcnn_ocr.datasets.batch import Batch
from grcnn_ocr.datasets.sampler import StepBatches
from grcnn_ocr.evaluation.words import Result
from grcnn_ocr.training.budget import MEASURED_STEPS, WARMUP_STEPS, Measurement, total_steps, validates_at
from grcnn_ocr.training.checkpoint import Progress, load_state, save_state
from grcnn_ocr.training.ema import MovingAverage
from grcnn_ocr.training.initialisation import initialise
from grcnn_ocr.training.monitor import Monitor, StepReport
from grcnn_ocr.training.optim import build_optimizer, learning_rate
from grcnn_ocr.training.reuse import reused
from grcnn_ocr.training.tasks import WordsTask
from grcnn_ocr.weights import Weights, find_weights, load_weights, save_weights

logger = logging.getLogger(__name__)

REPORT_EVERY = 10
"""Steps between two reports to the monitors."""


class Trainer:
    """One training run.

    Writes to `output`: `best.safetensors` and `last.safetensors`, the averaged weights at the best and at the latest
    validation, and `state.pt` for resuming.

    Args:
        config: all of it.
        output: folder of the run.
        init: weights to start from, perhaps of another charset; see `initialise`.
        resume: whether to go on from `output/state.pt`, exactly as if never interrupted.
        monitors: hear of steps and validations.

    Raises:
        ValueError: on data that cannot be trained on, a configuration without a budget, or a state that does not fit.
    """

    def __init__(
        self,
        config: Config,
        output: Path,
        resume: bool = False,
        monitors: Sequence[Monitor] = (),
        init: str | Path | None = None,
    ) -> None:
        if config.train.batch_size % config.data.reuse:
            raise ValueError(
                f"train.batch_size {config.train.batch_size} is not a multiple of data.reuse {config.data.reuse}"
            )
        self.started = time.perf_counter()
        self.config = config
        self.output = output
        self.accelerator = Accelerator(cpu=not torch.accelerator.is_available())  # else torchrun on CPUs is not seen
        self.progress = Progress(total_steps(config.train), self.accelerator.num_processes)
        self.use_bf16 = use_bf16(config)
        self.monitors = monitors if self.accelerator.is_main_process else ()

        self.task = WordsTask(config)
        if init is not None and not resume:
            trained = load_weights(find_weights(init))
            known = build_charset(trained.config.charset)
            report = initialise(self.task.model, self.task.charset, trained.model, known, str(init))
            logger.info("%s", report)
        self.average = MovingAverage(self.task.model.to(self.accelerator.device), config.train.ema_decay)
        optimizer = build_optimizer(self.task.model.parameters(), config.train)
        self.model, self.optimizer = self.accelerator.prepare(
            self.task.model.to(memory_format=torch.channels_last),  # type: ignore[call-overload]
            optimizer,
        )
        self.network = self.accelerator.unwrap_model(self.model)
        if resume:
            self.progress, states = load_state(output / "state.pt", config, self.accelerator.num_processes)
            self.network.load_state_dict(states["model"])
            self.average.model.load_state_dict(states["average"])
            self.optimizer.load_state_dict(states["optimizer"])
            logger.info("resumed at step %d of %s", self.progress.step, self.progress.total_steps)
        self.first_step = self.progress.step
        self.earlier_seconds = self.progress.seconds

    def run(self) -> Result | None:
        """Train to the end of the budget; return the last validation, None if there was nothing left to do."""
        progress, settings = self.progress, self.config.train
        result = None
        batches = self._batches()
        self.model.train()
        lap_start, lap_step, waited = time.perf_counter(), progress.step, 0.0
        measuring_since = lap_start
        while progress.step != progress.total_steps:
            waiting_since = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - waiting_since

            lr = learning_rate(progress.step, progress.total_steps, settings)
            loss, gradient_norm = self._step(batch, lr)
            self.average.update(self.network, progress.step)
            progress.step += 1

            if progress.step % REPORT_EVERY == 0 or progress.step == progress.total_steps:
                lap = time.perf_counter() - lap_start
                words = (progress.step - lap_step) * settings.batch_size * self.accelerator.num_processes
                report = StepReport(
                    progress.step,
                    progress.total_steps,
                    float(loss),
                    lr,
                    float(gradient_norm),
                    words / lap,
                    waited / lap,
                )
                for monitor in self.monitors:
                    monitor.on_steps(report)
                lap_start, lap_step, waited = time.perf_counter(), progress.step, 0.0
            if progress.step - self.first_step == WARMUP_STEPS:
                measuring_since = time.perf_counter()
            pause = time.perf_counter()
            if progress.total_steps is None and progress.step - self.first_step == MEASURED_STEPS:
                self._measure((pause - measuring_since) / (MEASURED_STEPS - WARMUP_STEPS))
            if validates_at(progress.step, progress.total_steps, settings):
                result = self._validate()
            lap_start += time.perf_counter() - pause
        return result

    def _batches(self) -> Iterator[Batch]:
        reuse = self.config.data.reuse
        order = StepBatches(
            self.config.train.batch_size // reuse,
            self.progress.step,
            self.accelerator.process_index,
            self.accelerator.num_processes,
        )
        workers = self.config.data.workers
        loader = DataLoader(
            self.task.dataset,
            batch_sampler=order,
            collate_fn=self.task.dataset.collate,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            worker_init_fn=_single_thread,
            pin_memory=self.accelerator.device.type == "cuda",
        )
        device, settings = self.accelerator.device, self.config.train
        try:
            if reuse == 1:
                yield from (batch.to(device) for batch in loader)
            else:
                yield from reused(loader, reuse, settings.seed, self.progress.step, device)
        except ValueError as error:
            # from a worker it comes as that process's traceback, then the message
            message = str(error).partition("\nValueError: ")[2].strip()
            raise (ValueError(message) if message else error) from error

    def _step(self, batch: Batch, lr: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Take one optimisation step; return the loss and the norm of the gradient before clipping."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        with torch.autocast(self.accelerator.device.type, torch.bfloat16, enabled=self.use_bf16):
            loss = self.task.loss(self.model, batch)
        self.accelerator.backward(loss)
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.config.train.clip_norm or float("inf"))
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach(), norm

    def _measure(self, step_seconds: float) -> None:
        """Turn the time budget into a number of steps, once."""
        validating_since = time.perf_counter()
        self.task.validate(self.average.model, self.accelerator.device)
        now = time.perf_counter()
        elapsed = self.earlier_seconds + now - self.started
        measured = Measurement(self.progress.step, elapsed, step_seconds, now - validating_since)
        [self.progress.total_steps] = broadcast_object_list([total_steps(self.config.train, measured)])
        logger.info("the time budget makes %d steps of %.3f s", self.progress.total_steps, step_seconds)
        self._save_state()

    def _validate(self) -> Result:
        """Validate the averaged weights, save them and the state, tell the monitors."""
        progress = self.progress
        result = self.task.validate(self.average.model, self.accelerator.device)
        accuracy = result.counts.word_accuracy
        is_best = accuracy > progress.best_accuracy
        progress.best_accuracy = max(accuracy, progress.best_accuracy)
        progress.seconds = self.earlier_seconds + time.perf_counter() - self.started
        weights = Weights(
            self.average.model,
            self.config,
            training={
                "steps": progress.step,
                "words_seen": progress.step * self.config.train.batch_size * self.accelerator.num_processes,
                "seconds": round(progress.seconds),
                "validation_words": result.counts.images,
                "validation_word_accuracy": accuracy,
            },
        )
        if self.accelerator.is_main_process:
            if is_best:
                save_weights(self.output / "best.safetensors", weights)
            save_weights(self.output / "last.safetensors", weights)
        self._save_state()
        for monitor in self.monitors:
            monitor.on_validation(progress.step, result, is_best)
        return result

    def _save_state(self) -> None:
        if not self.accelerator.is_main_process:
            return
        self.progress.seconds = self.earlier_seconds + time.perf_counter() - self.started
        states = {
            "model": self.network.state_dict(),
            "average": self.average.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        save_state(self.output / "state.pt", self.config, self.progress, states)


def use_bf16(config: Config) -> bool:
    """Whether to train under bfloat16 autocast; "auto" does where the hardware multiplies it natively."""
    if config.train.precision != "auto":
        return config.train.precision == "bf16"
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _single_thread(worker: int) -> None:
    cv2.setNumThreads(0)
