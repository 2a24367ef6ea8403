"""Framing: how steeply the text of a crop rises, which rows hold it, and the crop turned level and cut to them.

Projection profiles (Postl, "Detection of linear oblique structures and skew scan in digitized documents", ICPR 1986).
Under the right slope the upper and lower edges of letters fall into few rows, so that of all angles a the best is

    argmax_a  sum over rows r of (sum of |dI/dy| over all pixels (x, y) with y + x tan a = r) ^ 2
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from grcnn_ocr.preprocess import Pixels

ANGLES = sorted(range(-24, 25, 2), key=abs)
"""Degrees that are tried; of equally good ones the first counts."""
CLEARLY = 1.1
"""How much sharper than a level profile that of a slope has to be, to be believed; like the shares below chosen on
IIIT5K train and its changed versions."""
LEVEL = 3
"""Degrees up to which a text counts as level."""
HEIGHT = 32
"""Pixels at which the slope is measured."""
INK = 0.2
"""Edges of a row of text, in those of a busy row (the 90th percentile)."""
AIR = 0.14
"""What is left above and below the text, in shares of its height."""
LOOSE = (0.25, 0.75)
"""Shares of the height between which rows of text are cut out: more of them need no cut, fewer are a speck rather than
a word."""


@dataclass(frozen=True)
class Frame:
    """What a crop (H, W) was cut to.

    Attributes:
        image: grayscale (h, w), in the middle of the crop if the text was not level.
        degrees: by which the text rises in the crop.
        width: W.
    """

    image: Pixels
    degrees: int
    width: int

    def column(self, x: float) -> float:
        """Return where in the crop, in pixels from its left edge, the middle of a column of the frame lies."""
        width = self.image.shape[1]
        return self.width / 2 + (x - width / 2) * min(math.cos(math.radians(self.degrees)), self.width / width)


def framed(image: Pixels) -> Frame | None:
    """Return a grayscale crop (H, W) turned so that its text is level, and cut to it; None if neither need be."""
    degrees = slope(image)
    crop = _turned_level(image, degrees) if degrees else image
    top, bottom = text_rows(crop)
    least, most = LOOSE
    if least <= (bottom - top) / len(crop) <= most:
        crop = crop[top:bottom]
    return None if crop is image else Frame(crop, degrees, image.shape[1])


def slope(image: Pixels) -> int:
    """Return by how many degrees the text of a grayscale crop (H, W) rises, one of `ANGLES`; 0 if level or in doubt.

    None is tried under which a text as long as the crop would not fit into it.
    """
    height, width = image.shape
    angles = [degrees for degrees in ANGLES if math.tan(math.radians(abs(degrees))) * width <= height]
    if len(angles) == 1:
        return 0
    size = (max(1, round(HEIGHT / height * width)), HEIGHT)
    edges = _edges(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    y, x = np.arange(HEIGHT - 1)[:, None], np.arange(size[0]) - (size[0] - 1) / 2

    def sharpness(degrees: int) -> float:
        rows = np.rint(y + math.tan(math.radians(degrees)) * x).astype(np.intp)
        return float((np.bincount((rows - rows.min()).ravel(), edges.ravel()) ** 2).sum())

    best = max(angles, key=sharpness)
    return best if abs(best) > LEVEL and sharpness(best) > CLEARLY * sharpness(0) else 0


def text_rows(image: Pixels) -> tuple[int, int]:
    """Return the first row of a grayscale crop (H, W) that holds much text, or air above it, and that after the last.

    What only one of many letters has, such as the upper half of a large initial, may be left out.
    """
    profile = _edges(image).sum(axis=1)
    inked = np.flatnonzero(profile > INK * np.quantile(profile, 0.9)) if len(profile) else profile
    if not len(inked):
        return 0, len(image)
    top, bottom = int(inked[0]), int(inked[-1]) + 2
    air = max(1, round(AIR * (bottom - top)))
    return max(0, top - air), min(len(image), bottom + air)


def _turned_level(image: Pixels, degrees: int) -> Pixels:
    """Turn a crop (H, W) whose text rises by so many degrees, and cut it.

    It is taken for the box around a rectangle of w x h turned by a, which holds the text, so that
    W = w cos a + h sin a and H = w sin a + h cos a. Text that does not fill its box is given some room: 0.5 to 1.2 W,
    0.35 H or more, and 15 % of air.
    """
    height, width = image.shape
    cos, sin = math.cos(math.radians(degrees)), abs(math.sin(math.radians(degrees)))
    own_width = (cos * width - sin * height) / (cos**2 - sin**2)
    own_height = (cos * height - sin * width) / (cos**2 - sin**2)
    w = max(1, round(min(max(own_width, 0.5 * width), 1.2 * width)))
    h = max(1, round(1.15 * max(own_height, 0.35 * height)))
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1)
    turn[:, 2] += ((w - width) / 2, (h - height) / 2)
    turned = cv2.warpAffine(image, turn, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


def _edges(image: Pixels) -> np.ndarray:
    return np.abs(np.diff(image.astype(np.float32), axis=0))
