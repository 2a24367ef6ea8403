"""More looks at crops that were not read surely: inverted, from farther away, from nearer. The looks vote.

Test-time augmentation, only while it leaves doubt, and only where the network alone decides: under a word list or a
language model it gains nothing (docs/log.md). With w_l the greedy reading of look l, and p_l(w) the likelihood of a
word, the answer is

    argmax_w  sum of p_l(w) over all looks l with w_l = w

as look l shows it that has the largest p_l(w): the sum rule of Kittler et al., "On Combining Classifiers", T-PAMI 1998,
over what each look says first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.frames import Frames
from grcnn_ocr.decoding.greedy import greedy
from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.preprocess import Pixels


@dataclass(frozen=True)
class Look:
    """One way to look at a crop.

    Attributes:
        border: share of the height that is added above and below, the edge repeated; cut off if negative.
        stretch: factor of the width.
        inverted: whether light and dark change places.
    """

    border: float = 0.0
    stretch: float = 1.0
    inverted: bool = False

    def __call__(self, image: Pixels) -> Pixels:
        """Change a grayscale crop, (H, W) to (H', W')."""
        height, width = image.shape
        rows = round(abs(self.border) * height)
        if self.border < 0:
            image = image[rows : height - rows]
        elif rows:
            image = np.pad(image, ((rows, rows), (0, 0)), mode="edge")
        if self.stretch != 1:
            image = cv2.resize(image, (max(1, round(self.stretch * width)), image.shape[0]))
        return ~image if self.inverted else image


SURE = 0.8
"""Likelihood of a reading above which no other look is taken."""
LOOKS = (
    Look(inverted=True),
    Look(border=1 / 4, stretch=3 / 4),
    Look(border=-1 / 16, stretch=5 / 4),
    Look(border=1 / 4, inverted=True),
)
"""One after the other; chosen, like `SURE`, on IIIT5K train, as it is and changed (`datasets/changes.py`)."""


class _Seen(NamedTuple):
    """What one look at one image says: its greedy reading, how likely that is, and all of it, (T, K)."""

    reading: tuple[int, ...]
    likelihood: float
    log_probs: NDArray[np.float32]


def are_sure(frames: Frames) -> NDArray[np.bool_]:
    """Tell of each image, (B,), whether its greedy reading is likely enough."""
    return np.array([seen.likelihood > SURE for seen in _seen(frames)], bool)


def look_again(images: Sequence[Pixels], frames: Frames, recognise: Callable[[Sequence[Pixels]], Frames]) -> Frames:
    """Return of each image the frames of the look that shows its answer best.

    Args:
        images: grayscale (H, W).
        frames: of the first look at them.
        recognise: runs the network.
    """
    looks = [[seen] for seen in _seen(frames)]
    for look in LOOKS:
        unsure = [index for index, each in enumerate(looks) if not _elected(each).likelihood > SURE]
        if not unsure:
            break
        for index, seen in zip(unsure, _seen(recognise([look(images[index]) for index in unsure])), strict=True):
            looks[index].append(seen)
    return Frames.of([_elected(each).log_probs for each in looks])


def _seen(frames: Frames) -> list[_Seen]:
    readings = greedy(frames.log_probs, frames.lengths)
    scores = log_likelihoods(frames.log_probs, frames.lengths, readings, range(len(readings))).tolist()
    likelihoods = (0.0 if math.isnan(score) else math.exp(score) for score in scores)
    return [_Seen(tuple(w), p, f) for w, p, f in zip(readings, likelihoods, frames.each(), strict=True)]


def _elected(looks: Sequence[_Seen]) -> _Seen:
    """Return the look that shows the answer best."""
    votes: dict[tuple[int, ...], float] = {}
    for seen in looks:
        votes[seen.reading] = votes.get(seen.reading, 0.0) + seen.likelihood
    answer = max(votes, key=lambda reading: votes[reading])
    return max((seen for seen in looks if seen.reading == answer), key=lambda seen: seen.likelihood)
