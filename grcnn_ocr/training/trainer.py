"""The training loop."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object
from torch import Tensor, nn

from grcnn_ocr.config import AnyConfig
from grcnn_ocr.reading import find_dtype
from grcnn_ocr.training.budget import MEASURED_STEPS, WARMUP_STEPS, Measurement, total_steps, validates_at
from grcnn_ocr.training.checkpoint import LAST, STATE, Progress, load_state, save_state
from grcnn_ocr.training.classes import ClassesTask
from grcnn_ocr.training.ema import MovingAverage
from grcnn_ocr.training.monitor import AnyResult, Lap, Monitor, StepReport
from grcnn_ocr.training.optim import build_optimizer, learning_rate
from grcnn_ocr.training.task import Task
from grcnn_ocr.training.watch import StepGuard, StopRequest, stop_requests
from grcnn_ocr.training.words import WordsTask
from grcnn_ocr.weights import find_weights, save_weights

logger = logging.getLogger(__name__)

REPORT_EVERY = 10
"""Steps between two reports to the monitors."""
KERNELS = 3072
"""How many kernels oneDNN keeps compiled on a CPU, up to half a megabyte each. A network needs about 80 for each shape
of a batch, so that with oneDNN's own limit of 1,024 batches of many widths would be compiled anew again and again."""


class Trainer:
    """One training run.

    Writes to `output`: `best.safetensors` and `last.safetensors`, the averaged weights at the best and at the latest
    validation, and `state.pt` for resuming.

    Args:
        config: all of it.
        output: folder of the run.
        init: weights to start from, possibly of another charset or other classes; see `initialise` of the tasks.
        resume: whether to continue from `output/state.pt`, as if never interrupted: on CPUs bit for bit, on GPUs up to
            the order of sums.
        monitors: receive reports of steps and validations.

    Raises:
        ValueError: if the data cannot be trained on, the configuration has no budget, or the state does not fit it.
    """

    def __init__(
        self,
        config: AnyConfig,
        output: Path,
        resume: bool = False,
        monitors: Sequence[Monitor] = (),
        init: str | Path | None = None,
    ) -> None:
        self.started = time.perf_counter()
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS))  # read at the first operation
        self.config = config
        self.output = output
        self.accelerator = Accelerator(cpu=not torch.accelerator.is_available())  # else torchrun on CPUs is not seen
        self.use_bf16 = find_dtype(config.train.precision, self.accelerator.device) == torch.bfloat16
        self.monitors = monitors if self.accelerator.is_main_process else ()

        start = None if init is None or resume else find_weights(init)  # before the data, which take longer to open
        self.task: Task = WordsTask(config) if config.task == "words" else ClassesTask(config)
        if start is not None:
            logger.info("%s", self.task.initialise(start))
        num_processes = self.accelerator.num_processes
        self.settings = self.task.settings(num_processes)
        self.progress = Progress(total_steps(self.settings), num_processes, data=self.task.digests())
        if config.train.batch_norm == "synchronised":
            check_synchronised(config, self.accelerator)
            self.task.model = nn.SyncBatchNorm.convert_sync_batchnorm(self.task.model)
        self.task.model.to(self.accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = MovingAverage(self.task.model, self.settings.ema_decay)
        optimizer = build_optimizer(self.task.model.parameters(), self.settings)
        self.model, self.optimizer = self.accelerator.prepare(self.task.model, optimizer)
        self.network = self.accelerator.unwrap_model(self.model)
        if resume:
            self.progress, states = load_state(output / STATE, config, num_processes, self.progress.data)
            steps = gather_object([self.progress.step])
            if len(set(steps)) > 1:
                raise ValueError(f"the processes found states of different steps, {steps}: give all the same --output")
            self.network.load_state_dict(states["model"])
            self.average.model.load_state_dict(states["average"])
            self.optimizer.load_state_dict(states["optimizer"])
            logger.info("resumed at step %d of %s", self.progress.step, self.progress.total_steps)
        self.feed = self.task.feed(self.accelerator.process_index, num_processes, self.accelerator.device)
        self.norms = [m for m in self.network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        self.momenta = [norm.momentum or 0.0 for norm in self.norms]  # of a whole step
        self.guard = StepGuard(self.network, self.task.samples)
        self.first_step = self.progress.step
        self.earlier_seconds = self.progress.seconds

    def run(self) -> AnyResult | None:
        """Train to the end of the budget, or until SIGTERM or Ctrl-C.

        Returns:
            The last validation; None if there was nothing left to do, or the run was stopped before one.
        """
        progress, settings = self.progress, self.settings
        result = None
        steps: Iterator[list[Any]] = self.feed.steps(progress.step)
        self.train_mode()
        lap = Lap(progress.step)
        saved_at = measuring_since = time.perf_counter()
        warmup = max(WARMUP_STEPS, self.feed.num_ready)
        with stop_requests() as stop:
            while progress.step != progress.total_steps:
                waiting_since = time.perf_counter()
                parts = next(steps)
                lap.waited += time.perf_counter() - waiting_since

                lr = learning_rate(progress.step, progress.total_steps, settings)
                loss, gradient_norm = self.take_step(parts, lr)
                self.average.update(self.network, progress.step)
                progress.step += 1

                if progress.step % REPORT_EVERY == 0 or progress.step == progress.total_steps:
                    self._report(lap, loss, gradient_norm, lr)
                    lap = Lap(progress.step)
                if progress.step - self.first_step == warmup:
                    measuring_since = time.perf_counter()
                pause = time.perf_counter()
                if progress.total_steps is None and progress.step - self.first_step == warmup + MEASURED_STEPS:
                    self._measure((pause - measuring_since) / MEASURED_STEPS)
                if validates_at(progress.step, progress.total_steps, settings):
                    result, saved_at = self._validate(), time.perf_counter()
                elif pause - saved_at > settings.save_every:
                    self._save_state()
                    saved_at = time.perf_counter()
                if self._is_asked_to(stop):
                    self._save_state()
                    logger.warning(
                        "%s: stopped after step %d, continue with --resume", stop.name or "asked to", progress.step
                    )
                    break
                lap.started += time.perf_counter() - pause
        return result

    def train_mode(self) -> None:
        """Set the network to training, frozen BatchNorm excepted."""
        self.model.train()
        if self.settings.batch_norm == "frozen":
            for norm in self.norms:
                norm.eval()

    def _report(self, lap: Lap, loss: Tensor, gradient_norm: Tensor, lr: float) -> None:
        """Report the last few steps to the monitors; the loss is the mean over all processes."""
        accelerator, progress = self.accelerator, self.progress
        seconds = time.perf_counter() - lap.started
        samples = (progress.step - lap.first_step) * self.settings.batch_size * accelerator.num_processes
        report = StepReport(
            progress.step,
            progress.total_steps,
            float(accelerator.reduce(loss, reduction="mean")),
            lr,
            float(gradient_norm),
            samples / seconds,
            lap.waited / seconds,
            torch.cuda.max_memory_allocated() if accelerator.device.type == "cuda" else None,
            progress.skipped_steps,
        )
        for monitor in self.monitors:
            monitor.on_steps(report)

    def _is_asked_to(self, stop: StopRequest) -> bool:
        """Tell whether to stop; several processes stop at the same step, one at which all report."""
        if self.accelerator.num_processes == 1:
            return stop.name is not None
        if self.progress.step % REPORT_EVERY:
            return False
        asked = torch.tensor(float(stop.name is not None), device=self.accelerator.device)
        return bool(self.accelerator.reduce(asked) > 0)

    def take_step(self, parts: list[Any], lr: float) -> tuple[Tensor, Tensor]:
        """Take one optimisation step; return the mean loss and the norm of the gradient before clipping."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        dropped = np.random.SeedSequence((self.settings.seed, self.progress.step, self.accelerator.process_index))
        torch.manual_seed(int(dropped.generate_state(1)[0]))  # a resumed run drops out the same units
        self.guard.before()
        losses, count = [], sum(map(len, parts))
        for number, batch in enumerate(parts, start=1):
            for batch_norm, momentum in zip(self.norms, self.momenta, strict=True):
                batch_norm.momentum = momentum * len(batch) / count  # a small part moves the statistics by its share
            is_last = number == len(parts)
            with nullcontext() if is_last else self.accelerator.no_sync(self.model):
                with torch.autocast(self.accelerator.device.type, torch.bfloat16, enabled=self.use_bf16):
                    loss = self.task.loss(self.model, batch) * (len(batch) / count)
                self.accelerator.backward(loss)
            losses.append(loss.detach())
        loss = torch.stack(losses).sum()
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm or float("inf"))
        if self.guard.refuses(self.progress.step, loss, norm, self.feed.places(self.progress.step)):
            self.progress.skipped_steps += 1
        else:
            self.optimizer.step()
        self.optimizer.zero_grad()
        return loss, norm

    def _measure(self, step_seconds: float) -> None:
        """Turn the time budget into a number of steps."""
        validating_since = time.perf_counter()
        self.task.validate(self.average.model, self.accelerator.device)
        now = time.perf_counter()
        elapsed = self.earlier_seconds + now - self.started
        measured = Measurement(self.progress.step, elapsed, step_seconds, now - validating_since)
        [self.progress.total_steps] = broadcast_object_list([total_steps(self.settings, measured)])
        logger.info("the time budget makes %d steps of %.3f s", self.progress.total_steps, step_seconds)
        self._save_state()

    def _validate(self) -> AnyResult:
        """Validate the averaged weights, save them and the state, and report to the monitors."""
        progress = self.progress
        result = self.task.validate(self.average.model, self.accelerator.device)
        self.task.complain(result, progress.step, self.feed)
        accuracy = self.task.accuracy(result)
        is_best = accuracy > progress.best_accuracy
        progress.best_accuracy = max(accuracy, progress.best_accuracy)
        progress.seconds = self.earlier_seconds + time.perf_counter() - self.started
        training = {
            "steps": progress.step,
            f"{self.task.samples}_seen": progress.step * self.settings.batch_size * self.accelerator.num_processes,
            "seconds": round(progress.seconds),
        }
        weights = self.task.weights(self.average.model, result, training)
        if self.accelerator.is_main_process:
            if is_best:
                save_weights(self.output / "best.safetensors", weights)
            save_weights(self.output / LAST, weights)
        self._save_state()  # last: a run killed before this point validates again
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
        save_state(self.output / STATE, self.config, self.progress, states)


def check_synchronised(config: AnyConfig, accelerator: Accelerator) -> None:
    """Check that BatchNorm statistics can be synchronised.

    Raises:
        ValueError: on several CPUs, or with proportional width, where processes divide a step differently.
    """
    if accelerator.num_processes == 1:
        return
    if accelerator.device.type != "cuda":
        raise ValueError("train.batch_norm=synchronised needs GPUs; use local or frozen")
    if config.task == "words" and config.preprocess.width == "proportional":
        raise ValueError("train.batch_norm=synchronised needs a fixed preprocess.width; use local or frozen")
