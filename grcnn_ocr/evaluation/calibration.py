"""How well confidence agrees with accuracy, and the fit that calibrates it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grcnn_ocr.decoding.confidence import LARGEST_ODDS, Calibration, log_odds
from grcnn_ocr.text.lexicon import Lexicon

BINS = 15
"""Number of bins of the expected calibration error, of about equally many readings; see `reliability`."""


def fit(log_likelihoods: Sequence[float], correct: ArrayLike) -> Calibration:
    """Fit slope and offset of `Calibration` by Newton's method.

    Platt, "Probabilistic outputs for support vector machines", 1999: the maximum likelihood of a sigmoid, with the
    target (n + 1) / (n + 2) for each of n right readings and 1 / (m + 2) for each of m wrong ones, so that the optimum
    is finite even if a threshold separates right from wrong. Log-odds below -`LARGEST_ODDS` are clipped to that;
    otherwise a single outlier would determine the slope.

    Args:
        log_likelihoods: (N,) log p(text | image).
        correct: (N,) whether each text is right.

    Raises:
        ValueError: if all are right, or all wrong, or likelier readings are not more often right.
    """
    right = np.asarray(correct, dtype=bool)
    num_right, num_wrong = int(right.sum()), int((~right).sum())
    if not num_right or not num_wrong:
        raise ValueError(
            f"of {len(right)} readings {num_right} are right: calibration needs right and wrong ones; give more data"
        )
    odds = np.array([max(log_odds(score), -LARGEST_ODDS) for score in log_likelihoods])
    centre, scale = odds.mean(), odds.std() or 1.0
    inputs = np.stack([(odds - centre) / scale, np.ones_like(odds)], axis=1)  # (N, 2)
    targets = np.where(right, (num_right + 1) / (num_right + 2), 1 / (num_wrong + 2))

    def loss(parameters: NDArray[np.float64]) -> float:
        logits = inputs @ parameters
        return float((np.logaddexp(0.0, logits) - targets * logits).sum())

    parameters = np.array([0.0, np.log((num_right + 1) / (num_wrong + 1))])
    for _ in range(100):
        chances = 0.5 * (1 + np.tanh(inputs @ parameters / 2))
        gradient = inputs.T @ (chances - targets)
        if np.abs(gradient).max() < 1e-9 * len(right):
            break
        curvature = inputs.T @ (inputs * (chances * (1 - chances))[:, None])
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        size = 1.0
        while size > 1e-9 and loss(parameters - size * step) > loss(parameters) - 1e-4 * size * (gradient @ step):
            size /= 2
        parameters = parameters - size * step
    slope = float(parameters[0] / scale)
    if slope <= 0:
        raise ValueError(
            f"of these {len(right)} readings likelier ones are not more often right (slope {slope:.3g}); check labels"
        )
    return Calibration(slope, float(parameters[1] - slope * centre))


@dataclass(frozen=True)
class ConfidenceBin:
    """Readings of similar confidence: their number, their mean confidence, and the share that is right."""

    images: int
    confidence: float
    accuracy: float


def reliability(confidences: ArrayLike, correct: ArrayLike) -> list[ConfidenceBin]:
    """Divide readings into at most `BINS` bins by rising confidence, equally many in each; ties stay together.

    Args:
        confidences: (N,) 0 to 1.
        correct: (N,) whether each reading is right.
    """
    chances, right = np.asarray(confidences, dtype=np.float64), np.asarray(correct, dtype=bool)
    ranks = np.searchsorted(np.sort(chances), chances)  # number of less confident readings
    numbers = ranks * BINS // max(len(chances), 1)
    inside = [numbers == number for number in np.unique(numbers)]
    return [ConfidenceBin(int(i.sum()), float(chances[i].mean()), float(right[i].mean())) for i in inside]


def expected_calibration_error(confidences: ArrayLike, correct: ArrayLike) -> float:
    """Return the mean distance of confidence from accuracy, 0 to 1, over `reliability`'s bins weighted by their size.

    Raises:
        ValueError: if there are no readings.
    """
    bins = reliability(confidences, correct)
    if not bins:
        raise ValueError("no readings, so no calibration error")
    return sum(b.images * abs(b.confidence - b.accuracy) for b in bins) / sum(b.images for b in bins)


@dataclass(frozen=True)
class CoverageCurve:
    """The share of readings kept, and the share of these that is right, for falling thresholds of confidence.

    Attributes:
        thresholds: (M,) least confidence kept, falling; one for each distinct confidence.
        coverage: (M,) share of the readings that is kept, 0 to 1, rising.
        accuracy: (M,) share of the kept readings that is right, 0 to 1.
    """

    thresholds: NDArray[np.float64]
    coverage: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def coverage_curve(confidences: ArrayLike, correct: ArrayLike) -> CoverageCurve:
    """Return accuracy as a function of coverage; confidences and correct are (N,)."""
    chances, right = np.asarray(confidences, dtype=np.float64), np.asarray(correct, dtype=bool)
    order = np.argsort(-chances, kind="stable")
    falling = chances[order]
    last = np.append(falling[1:] != falling[:-1], True)[: len(falling)]  # of each confidence
    kept = np.arange(1, len(falling) + 1)
    return CoverageCurve(falling[last], (kept / len(falling))[last], (np.cumsum(right[order]) / kept)[last])


def choose_open_gap(
    greedy_ll: ArrayLike, lexicon_ll: ArrayLike, greedy_right: ArrayLike, lexicon_right: ArrayLike
) -> float:
    """Choose the gap beyond which the lexicon's answer yields to the lexicon-free one; see `Calibration.open_gap`.

    Args:
        greedy_ll: (N,) log-likelihoods of the lexicon-free readings, finite.
        lexicon_ll: (N,) those of the lexicon's answers.
        greedy_right: (N,) whether the lexicon-free readings are right.
        lexicon_right: (N,) whether the lexicon's answers are.

    Returns:
        The gap of highest word accuracy, in nats. Of equally good gaps, the middle of the widest interval, not counting
        the unbounded ones below and above all readings that matter.

    Raises:
        ValueError: if both are right on the same images, so that no gap is better than another.
    """
    gaps = np.asarray(greedy_ll, dtype=np.float64) - np.asarray(lexicon_ll, dtype=np.float64)
    free, bound = np.asarray(greedy_right, dtype=bool), np.asarray(lexicon_right, dtype=bool)
    matters = (free != bound) & np.isfinite(gaps)
    if not matters.any():
        raise ValueError(
            f"of {len(gaps)} images, lexicon-free readings and the lexicon's answers are right on the same: nothing to "
            "choose open_gap by; give more data, or images of words that the lexicon lacks"
        )
    values, places = np.unique(gaps[matters], return_inverse=True)
    gains = np.bincount(places, bound[matters].astype(float) - free[matters], len(values))
    num_right = free.sum() + np.concatenate([[0.0], np.cumsum(gains)])  # for a gap below values[0], then from each on
    widths = np.concatenate([[0.0], np.diff(values), [0.0]])
    best = max(range(len(num_right)), key=lambda number: (num_right[number], widths[number]))
    if best == 0:
        gap = values[0] - 1
    elif best == len(values):
        gap = values[-1] + 1
    else:
        middle = (values[best - 1] + values[best]) / 2
        gap = middle if middle < values[best] else values[best - 1]
    return float(gap)


def drawn_half(num: int) -> frozenset[int]:
    """Return a random half of the numbers 0 to `num` - 1, rounded down; always the same for one `num`."""
    return frozenset(random.Random(0).sample(range(num), num // 2))


def with_unlisted(lexicon: Lexicon, labels: Sequence[str], fold: Callable[[str], str]) -> Lexicon:
    """Remove words from a lexicon until at most half of the images have their label in their list.

    A list that would become empty is left unchanged, so that more than half may stay listed.

    Args:
        lexicon: one list for all images, or one per image.
        labels: (N,) of the images, folded.
        fold: the folding of the labels, for the lexicon's words.
    """
    folded = [frozenset(map(fold, words)) for words in lexicon.lists]
    listed = Counter(label for i, label in enumerate(labels) if label in folded[i if lexicon.per_image else 0])
    words = sorted(listed)
    random.Random(0).shuffle(words)
    removed: set[str] = set()
    excess = listed.total() - len(labels) // 2
    for word in words:
        if excess <= 0:
            break
        removed.add(word)
        excess -= listed[word]
    lists = []
    for number, entries in enumerate(lexicon.lists):
        gone = removed & {labels[number]} if lexicon.per_image else removed
        lists.append(tuple(word for word in entries if fold(word) not in gone) or entries)
    return replace(lexicon, lists=tuple(lists))
