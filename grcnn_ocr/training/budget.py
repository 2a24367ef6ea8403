"""How many steps a run takes: a number of steps, or those that fit a time budget."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

from grcnn_ocr.config import TrainConfig

logger = logging.getLogger(__name__)

WARMUP_STEPS = 10
"""Steps at the start that are not measured; more if more batches were loaded before training started."""
MEASURED_STEPS = 40
"""The steps after them, whose time turns a time budget into a number of steps."""
NUM_VALIDATIONS = 10
"""Per run, unless `train.validate_every` says otherwise."""


@dataclass(frozen=True)
class Measurement:
    """Times measured at the start of a run.

    Attributes:
        steps: steps done so far.
        elapsed: seconds spent so far.
        step_seconds: time of one step.
        validation_seconds: time of one validation.
    """

    steps: int
    elapsed: float
    step_seconds: float
    validation_seconds: float


def total_steps(config: TrainConfig, measured: Measurement | None = None) -> int | None:
    """Return the steps of the run; None if a time budget has yet to be measured. Logs a budget that is too short.

    Raises:
        ValueError: if the configuration holds neither steps nor a time budget.
    """
    if config.steps is not None:
        return config.steps
    if config.time_budget is None:
        raise ValueError(
            "no budget: set train.steps=20000 or train.time_budget=20m, or for a classifier train.epochs=90"
        )
    if measured is None:
        return None
    left = config.time_budget - measured.elapsed
    if config.validate_every is None:
        steps = (left - NUM_VALIDATIONS * measured.validation_seconds) / measured.step_seconds
    else:
        steps = left / (measured.step_seconds + measured.validation_seconds / config.validate_every)
    if steps < 1:
        logger.warning(
            "train.time_budget of %.0f s is too short: %.0f s had passed before the time of a step was known, and the "
            "run ends after one more step and its validation; raise it, or give train.steps instead",
            config.time_budget,
            measured.elapsed,
        )
    return measured.steps + max(1, int(steps))


def validates_at(step: int, total: int | None, config: TrainConfig) -> bool:
    """Tell whether to validate after `step` steps."""
    if total is None:
        return False
    every = config.validate_every or math.ceil(total / NUM_VALIDATIONS)
    return step == total or step % every == 0
