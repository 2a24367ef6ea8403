"""Framing: cutting a crop to its text, which is turned level first if it slopes.

Projection profiles (Postl, "Detection of linear oblique structures and skew scan in digitized documents", ICPR 1986).
Along the right slope, the upper and lower edges of letters fall into few rows, so that the best angle a is

    argmax_a  sum over rows r of (sum of |dI/dy| over all pixels (x, y) with y + x tan a = r) ^ 2
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from grcnn_ocr.pixels import Pixels

ANGLES = sorted(range(-24, 25, 2), key=abs)
"""Angles to try, in degrees; the first of equally good ones is chosen."""
CLEARLY = 1.1
"""How much sharper the profile along a slope must be than the level one for the slope to be accepted. This and the
shares below were chosen on IIIT5K train and its changed versions."""
LEVEL = 3
"""Text with at most this slope, in degrees, counts as level."""
HEIGHT = 32
"""Height of the crop at which the slope is measured, in pixels."""
INK = 0.2
"""A row of text has more edges than this share of a busy row's (the 90th percentile)."""
AIR = 0.14
"""Space left above and below the text, as a share of its height."""
COLUMN_INK = 0.3
"""A column of text has more edges than a quiet one (the 10th percentile) and this share of what a busy one has more; as
many columns as the crop has rows are busier still. This and what follows were chosen on IIIT5K train, noise added."""
SMOOTH = 0.25
"""Columns on either side that the edges of a column are averaged with, as a share of the crop's height."""
SIDE = 0.3
"""Space left on either side of the text, as a share of the crop's height."""
EMPTY = 2.0
"""The crop is cut to its columns of text if this cuts off more than so many times its height."""
LOOSE = (0.25, 0.75)
"""The crop is cut if its rows of text take a share of its height between these: more need no cut, and fewer are a speck
rather than a word."""


@dataclass(frozen=True)
class Frame:
    """A crop (H, W), cut to its text and turned level.

    Attributes:
        image: grayscale (h, w).
        left: the first column of the crop that was not cut off, before it was turned.
        width: columns that were not cut off.
        degrees: slope of the text in the crop; positive if it rises to the right.
    """

    image: Pixels
    left: int
    width: int
    degrees: int

    def column(self, x: float) -> float:
        """Map a column of the frame, at its middle row, to the crop; both in pixels from the left edge."""
        width = self.image.shape[1]
        scale = min(math.cos(math.radians(self.degrees)), self.width / width)
        return self.left + self.width / 2 + (x - width / 2) * scale


def framed(image: Pixels) -> Frame | None:
    """Cut a grayscale crop (H, W) to its text, and turn it so that the text is level; None if it needs neither."""
    left, right = text_columns(image)
    kept = image[:, left:right] if image.shape[1] - (right - left) > EMPTY * len(image) else image
    degrees = slope(kept)
    crop = _turned_level(kept, degrees) if degrees else kept
    top, bottom = text_rows(crop)
    least, most = LOOSE
    if least <= (bottom - top) / len(crop) <= most:
        crop = crop[top:bottom]
    if crop is image:
        return None
    return Frame(crop, 0 if kept is image else left, kept.shape[1], degrees)


def slope(image: Pixels) -> int:
    """Return the slope of the text of a grayscale crop (H, W) in degrees, one of `ANGLES`; 0 if level or in doubt.

    Angles at which a text as long as the crop would not fit into it are not tried.
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
    """Return the first of the rows of text in a grayscale crop (H, W), space included, and the one after the last.

    Rows that few of the letters reach, such as the upper half of a large initial, may be left out.
    """
    profile = _edges(image).sum(axis=1)
    inked = np.flatnonzero(profile > INK * np.quantile(profile, 0.9)) if len(profile) else profile
    if not len(inked):
        return 0, len(image)
    top, bottom = int(inked[0]), int(inked[-1]) + 2
    air = max(1, round(AIR * (bottom - top)))
    return max(0, top - air), min(len(image), bottom + air)


def text_columns(image: Pixels) -> tuple[int, int]:
    """Return the first of the columns of text in a grayscale crop (H, W), space included, and the one after them."""
    height, width = image.shape
    if width <= height:
        return 0, width
    profile = cv2.blur(_column_edges(image), (2 * round(SMOOTH * height) + 1, 1)).ravel()
    busy, quiet = np.partition(profile, -height)[-height], np.quantile(profile, 0.1)
    inked = np.flatnonzero(profile > quiet + COLUMN_INK * (busy - quiet))
    if not len(inked):
        return 0, width
    side = round(SIDE * height)
    return max(0, int(inked[0]) - side), min(width, int(inked[-1]) + 2 + side)


def gradients(image: Pixels) -> tuple[np.ndarray, np.ndarray]:
    """Return dI/dx and dI/dy of a grayscale crop, each (H, W) and 0 in the last column or row."""
    pixels = image.astype(np.float32)
    return np.diff(pixels, axis=1, append=pixels[:, -1:]), np.diff(pixels, axis=0, append=pixels[-1:])


def _turned_level(image: Pixels, degrees: int) -> Pixels:
    """Turn a crop (H, W) whose text rises by `degrees` until the text is level, and cut it.

    The crop is taken for the bounding box of a w x h rectangle of text, turned by a, so that W = w cos a + h sin a and
    H = w sin a + h cos a. As text may not fill its box, w is kept within 0.5 to 1.2 W and h at 0.35 H or more; h gets
    15 % of space in addition.
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


def _column_edges(image: Pixels) -> np.ndarray:
    """Return (1, W) the sum of (dI/dx)^2 + (dI/dy)^2 over each column; squares, to count strokes rather than noise."""
    across, down = gradients(image)
    return (across**2 + down**2).sum(axis=0)[None]
