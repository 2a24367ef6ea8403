"""From the likelihood of a text to the probability that it is right.

Platt, "Probabilistic outputs for support vector machines", 1999: a sigmoid, here of the likelihood's log-odds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LARGEST_ODDS = 40.0
"""In nats; the log-odds of a likelihood that float64 cannot tell from 1."""


@dataclass(frozen=True)
class Calibration:
    """How a network's likelihoods become confidences, fitted on validation data; stored in its weights file.

        confidence = 1 / (1 + exp(-(slope log(p / (1 - p)) + offset))),   p = p(text | image)

    Attributes:
        slope: of the log-odds; slope 1 and offset 0 leave p unchanged.
        offset: added to them.
        open_gap: with an open lexicon, the lexicon's answer yields to the lexicon-free one where that is more likely by
            more than this, in nats. None: not chosen yet.
    """

    slope: float = 1.0
    offset: float = 0.0
    open_gap: float | None = None

    def confidence(self, log_likelihood: float) -> float:
        """Return the probability that a text of this log-likelihood is right; 0 for an impossible text."""
        if log_likelihood == -math.inf:
            return 0.0
        return 1.0 / (1.0 + math.exp(-max(min(self.slope * log_odds(log_likelihood) + self.offset, 700.0), -700.0)))


UNCALIBRATED = Calibration()
"""Leaves likelihoods unchanged."""


def log_odds(log_likelihood: float) -> float:
    """Return log(p / (1 - p)) of log p, at most `LARGEST_ODDS`, at least -1e4."""
    if log_likelihood >= 0:
        return LARGEST_ODDS
    return min(max(log_likelihood, -1e4) - math.log(-math.expm1(log_likelihood)), LARGEST_ODDS)
