"""How long an epoch takes, estimated from a few real training steps with random weights."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from grcnn_ocr.config import Config
from grcnn_ocr.doctor.findings import Timing
from grcnn_ocr.training.bucketing import BLOCK
from grcnn_ocr.training.trainer import Trainer

MAX_SECONDS = 20.0
"""Time after which no further step is measured."""


def time_training(config: Config, data: Path, validation: Path | None, num_usable: int) -> Timing:
    """Measure up to `BLOCK` steps, after a first one that is not measured, and estimate an epoch.

    A block of steps has crops of every width in proportion.

    Args:
        config: network, batch size, precision, workers, augmentation.
        data: trained on, alone.
        validation: validation data; None: some of the data are held out.
        num_usable: samples of an epoch.

    Raises:
        ValueError: if training cannot start, or a step does not fit the device's memory.
    """
    sources = {"train": str(data), "validation": str(validation) if validation else None}
    config = config.model_copy(
        update={
            "data": config.data.model_copy(update=sources),
            "train": config.train.model_copy(update={"steps": BLOCK + 1}),
        }
    )
    with TemporaryDirectory() as folder:
        trainer = Trainer(config, Path(folder))
        device = trainer.accelerator.device
        try:
            num_steps, seconds = _measure(trainer)
        except torch.OutOfMemoryError:
            raise ValueError(
                f"a step of train.batch_size {config.train.batch_size} does not fit the memory of {device}; lower it, "
                "or raise train.accumulate"
            ) from None
    words_per_second = num_steps * config.train.batch_size / seconds
    name = (
        torch.cuda.get_device_name(device) if device.type == "cuda" else f"the CPU (threads: {torch.get_num_threads()})"
    )
    return Timing(num_steps, words_per_second, num_usable * config.data.reuse / words_per_second, name)


def _measure(trainer: Trainer) -> tuple[int, float]:
    """Return the number of steps measured and the seconds they took."""
    steps = trainer.feed.steps(0)
    trainer.train_mode()
    trainer.take_step(next(steps), lr=0.0)
    _wait(trainer.accelerator.device)
    started, seconds, number = time.perf_counter(), 0.0, 0
    while number < BLOCK and seconds < MAX_SECONDS:
        trainer.take_step(next(steps), lr=0.0)
        _wait(trainer.accelerator.device)
        number, seconds = number + 1, time.perf_counter() - started
    return number, seconds


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
