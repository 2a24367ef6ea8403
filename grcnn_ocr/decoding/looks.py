"""A second look at crops that were not read surely: from nearer, and from farther away. The surest look counts.

Test-time augmentation, only where the first look leaves doubt, and only where the network alone decides: under a word
list or a language model it gains nothing (docs/log.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.frames import Frames
from grcnn_ocr.decoding.greedy import greedy
from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.preprocess import Pixels

SURE = math.log(0.8)
"""Log-likelihood of a greedy reading above which one look is enough."""
NEARER, FARTHER = 1 / 16, 1 / 4
"""Shares of the height that are cut off above and below, or added; chosen, like `SURE`, on IIIT5K train."""


def other_looks(image: Pixels) -> list[Pixels]:
    """Return a crop (H, W) without its upper and lower edge, (H', W), and with more of them."""
    height = image.shape[0]
    cut, added = round(NEARER * height), round(FARTHER * height)
    return [image[cut : height - cut], np.pad(image, ((added, added), (0, 0)), mode="edge")]


def are_sure(frames: Frames) -> NDArray[np.bool_]:
    """Tell of each image, (B,), whether its greedy reading is likely enough."""
    return sureness(frames) > SURE  # of NaN, too, it is false


def sureness(frames: Frames) -> NDArray[np.float64]:
    """Return the log-likelihood of each image's greedy reading, (B,)."""
    readings = greedy(frames.log_probs, frames.lengths)
    return log_likelihoods(frames.log_probs, frames.lengths, readings, range(len(readings)))


def look_again(images: Sequence[Pixels], frames: Frames, recognise: Callable[[Sequence[Pixels]], Frames]) -> Frames:
    """Return the frames of the surest look at each image.

    Args:
        images: grayscale (H, W).
        frames: of the first look at them.
        recognise: runs the network.
    """
    first = sureness(frames)
    unsure = np.flatnonzero(~(first > SURE)).tolist()  # NaN is not sure
    if not unsure:
        return frames
    looks = [other_looks(images[index]) for index in unsure]
    again = recognise([look for each in looks for look in each])
    scores = np.column_stack([first[unsure], sureness(again).reshape(len(unsure), -1)])
    scores = np.nan_to_num(scores, nan=-np.inf)
    surest, others = frames.each(), again.each()
    for row, (index, best) in enumerate(zip(unsure, scores.argmax(axis=1).tolist(), strict=True)):
        if best:
            surest[index] = others[(scores.shape[1] - 1) * row + best - 1]
    return Frames.of(surest)
