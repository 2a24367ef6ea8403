"""The learning-rate range test (Smith 2017, Cyclical Learning Rates): the loss as the rate grows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import linear_regression

from grcnn_ocr.training.trainer import Trainer

SMOOTHING = 0.9
"""Weight of the past in the moving average of the loss."""
DIVERGED = 4.0
"""The test ends when the smoothed loss is this many times its lowest."""
LOWEST, HIGHEST = 1e-6, 1.0
"""Learning rates of the first and the last step."""
MIN_STEPS = 10
"""Steps before the average means anything."""
WINDOW = 17
"""Steps over which the slope of the loss is fitted: with few words per step, two or three losses are mostly noise."""


@dataclass(frozen=True)
class LrCurve:
    """The result of the test.

    Attributes:
        rates: learning rate of each step.
        losses: smoothed loss after it.
        suggestion: the rate at which the loss falls fastest, as a peak for a schedule.
    """

    rates: list[float]
    losses: list[float]
    suggestion: float

    def plot(self, path: Path) -> None:
        """Draw the curve.

        Raises:
            ValueError: if matplotlib is not installed.
        """
        check_plotting()
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        axes.plot(self.rates, self.losses)
        axes.axvline(self.suggestion, linestyle="--", label=f"suggestion {self.suggestion:.1e}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="smoothed loss")
        axes.legend()
        figure.savefig(path)


def check_plotting() -> None:
    """Raise ValueError if matplotlib is not installed."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise ValueError("the plot needs matplotlib: pip install 'grcnn-ocr[plots]'") from None


def find_lr(trainer: Trainer, steps: int = 150) -> LrCurve:
    """Take steps at learning rates that grow geometrically, until the loss explodes.

    This ruins the trainer's network.

    Args:
        trainer: not yet run.
        steps: at most; 12 or more.
    """
    rates: list[float] = []
    losses: list[float] = []
    average, feed = 0.0, trainer.feed.steps(0)
    trainer.train_mode()
    for number in count():
        rate = LOWEST * (HIGHEST / LOWEST) ** (number / (steps - 1))
        loss = float(trainer.accelerator.reduce(trainer.take_step(next(feed), rate)[0], reduction="mean"))
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        rates.append(rate)
        losses.append(average / (1 - SMOOTHING ** (number + 1)))
        trainer.progress.step += 1
        exploded = number > MIN_STEPS and not losses[-1] < DIVERGED * min(losses[MIN_STEPS:])
        if exploded or number + 1 == steps:
            break
    return LrCurve(rates, losses, _steepest(rates, losses))


def _steepest(rates: list[float], losses: list[float]) -> float:
    """Return the rate at which the loss falls fastest before its lowest point, or around it if that comes early.

    The slope is per logarithm of the rate, by least squares over `WINDOW` steps; the rate is the one in their middle.
    """
    lowest = min(range(MIN_STEPS, len(losses)), key=lambda step: losses[step])
    logs = [math.log(rate) for rate in rates]

    def slope(first: int) -> float:
        return linear_regression(logs[first : first + WINDOW], losses[first : first + WINDOW]).slope

    steepest = min(range(MIN_STEPS, max(lowest + 1 - WINDOW, MIN_STEPS) + 1), key=slope)
    return rates[min(steepest + WINDOW // 2, len(rates) - 1)]
