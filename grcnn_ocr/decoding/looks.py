"""A second look at crops that were not read surely: from nearer, and from farther away.

Test-time augmentation, but only where the first look leaves doubt: about one crop in seven of street words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.greedy import greedy
from grcnn_ocr.decoding.likelihood import Floats, log_likelihoods
from grcnn_ocr.preprocess import Pixels

SURE = math.log(0.9)
"""Log-likelihood of a greedy reading above which one look is enough."""
MARGIN, WIDER, NARROWER = 1 / 16, 1.25, 0.8
"""Share of the height that is cut off above and below for the nearer look, and added for the farther one; their widths
over the first look's. Chosen, like `SURE`, on IIIT5K train."""


def other_looks(image: Pixels, max_width: int) -> list[Pixels]:
    """Return a resized crop (H, W) seen from nearer and from farther: (H, W') each, at most `max_width` wide."""
    height, width = image.shape
    margin = round(MARGIN * height)
    near = image[margin : height - margin]
    far = np.pad(image, ((margin, margin), (0, 0)), mode="edge")
    wider, narrower = min(round(WIDER * width), max_width), max(round(NARROWER * width), 1)
    return [
        cv2.resize(near, (wider, height), interpolation=cv2.INTER_LINEAR),
        cv2.resize(far, (narrower, height), interpolation=cv2.INTER_AREA),
    ]


def sureness(log_probs: NDArray[np.floating], lengths: Sequence[int]) -> Floats:
    """Return the log-likelihood of each image's greedy reading, (B,), of log_probs (B, T, K) and lengths (B,)."""
    return log_likelihoods(log_probs, lengths, greedy(log_probs, lengths), range(len(lengths)))
