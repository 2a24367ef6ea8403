"""Budgets: how many steps a run takes."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

from grcnn_ocr.config import TrainConfig

logger = logging.getLogger(__name__)

WARMUP_STEPS = 10
"""The first steps, not measured; as many as there are batches ready when training starts, if those are more."""
MEASURED_STEPS = 40
"""The steps after them, by which a time budget becomes a number of steps."""
NUM_VALIDATIONS = 10
"""In a run, unless `train.validate_every` says otherwise."""


@dataclass(frozen=True)
class Measurement:
    """What is known once steps were measured.

    Attributes:
        steps: steps done.
        elapsed: seconds spent so far.
        step_seconds: of one step.
        validation_seconds: of one validation.
    """

    steps: int
    elapsed: float
    step_seconds: float
    validation_seconds: float


def total_steps(config: TrainConfig, measured: Measurement | None = None) -> int | None:
    """Return the steps of the run; None while a time budget waits to be measured. One that is too short is logged.

    Raises:
        ValueError: if the configuration holds neither steps nor a time budget.
    """
    if config.steps is not None:
        return config.steps
    if config.time_budget is None:
        raise ValueError(
            "no budget: set train.steps=20000 or train.time_budget=20m; of a classifier, or train.epochs=90"
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
            "train.time_budget of %.0f s is too short: %.0f s had passed when the time of a step was known, and the "
            "run ends one step and its validation later; raise it, or give train.steps instead",
            config.time_budget,
            measured.elapsed,
        )
    return measured.steps + max(1, int(steps))


def validates_at(step: int, total: int | None, config: TrainConfig) -> bool:
    """Whether a validation follows once `step` steps are done."""
    if total is None:
        return False
    every = config.validate_every or math.ceil(total / NUM_VALIDATIONS)
    return step == total or step % every == 0
