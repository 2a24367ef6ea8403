"""From the likelihood of a text to the chance that it is right.

Platt, "Probabilistic outputs for support vector machines", 1999: a sigmoid, here of the likelihood's log-odds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LARGEST_ODDS = 40.0
"""In nats; a likelihood nearer to 1 than float64 can tell counts as this."""


@dataclass(frozen=True)
class Calibration:
    """What validation data say of a network's confidence; kept in its weights file.

        confidence = 1 / (1 + exp(-(slope log(p / (1 - p)) + offset))),   p = p(text | image)

    Attributes:
        slope: of the log-odds; 1 and an offset of 0 leave p as it is.
        offset: added to them.
        open_gap: with an open lexicon, the lexicon's answer gives way to the lexicon-free one where that is more likely
            by more than this, in nats. None: not chosen.
    """

    slope: float = 1.0
    offset: float = 0.0
    open_gap: float | None = None

    def confidence(self, log_likelihood: float) -> float:
        """Return the chance, 0 to 1, that a text of this log-likelihood is right; 0 for an impossible one."""
        if log_likelihood == -math.inf:
            return 0.0
        return 1.0 / (1.0 + math.exp(-max(min(self.slope * log_odds(log_likelihood) + self.offset, 700.0), -700.0)))


UNCALIBRATED = Calibration()
"""Leaves likelihoods as they are."""


def log_odds(log_likelihood: float) -> float:
    """Return log(p / (1 - p)) of log p, at most `LARGEST_ODDS`, at least -1e4."""
    if log_likelihood >= 0:
        return LARGEST_ODDS
    return min(max(log_likelihood, -1e4) - math.log(-math.expm1(log_likelihood)), LARGEST_ODDS)
