"""Straightening: how steeply does the text of a crop rise, and how does the crop look once it is turned level?

Projection profiles (Postl, "Detection of linear oblique structures and skew scan in digitized documents", ICPR 1986).
Under the right slope the upper and lower edges of letters fall into few rows, so that of all angles a the best is

    argmax_a  sum over rows r of (sum of |dI/dy| over all pixels (x, y) with y + x tan a = r) ^ 2
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from grcnn_ocr.preprocess import Pixels

ANGLES = sorted(range(-24, 25, 2), key=abs)
"""Degrees that are tried; of equally good ones the first counts."""
CLEARLY = 1.1
"""How much sharper than a level profile that of a slope has to be, to be believed; chosen on IIIT5K train."""
LEVEL = 3
"""Degrees up to which nothing is turned."""
HEIGHT = 32
"""Pixels at which the slope is measured."""
AIR = 1.15
"""Height of what is cut out, in heights of the text's own box."""


def slope(image: Pixels) -> int:
    """Return by how many degrees the text of a grayscale crop (H, W) rises, one of `ANGLES`; 0 in doubt."""
    height, width = image.shape
    size = (max(1, round(HEIGHT / height * width)), HEIGHT)
    edges = np.abs(np.diff(cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32), axis=0))
    y, x = np.arange(HEIGHT - 1)[:, None], np.arange(size[0]) - (size[0] - 1) / 2

    def sharpness(degrees: int) -> float:
        rows = np.rint(y + math.tan(math.radians(degrees)) * x).astype(np.intp)
        return float((np.bincount((rows - rows.min()).ravel(), edges.ravel()) ** 2).sum())

    best = max(ANGLES, key=sharpness)
    return best if sharpness(best) > CLEARLY * sharpness(0) else 0


def straightened(image: Pixels) -> Pixels | None:
    """Return a grayscale crop (H, W) turned so that its text is level, cut to it; None if the text is level already.

    The crop is taken for the box around a rectangle of w x h turned by a, which holds the text, so that
    W = w cos a + h sin a and H = w sin a + h cos a.
    """
    degrees = slope(image)
    if abs(degrees) <= LEVEL:
        return None
    height, width = image.shape
    cos, sin = math.cos(math.radians(degrees)), abs(math.sin(math.radians(degrees)))
    own_width = (cos * width - sin * height) / (cos**2 - sin**2)
    own_height = (cos * height - sin * width) / (cos**2 - sin**2)
    w = max(1, round(min(max(own_width, 0.5 * width), 1.2 * width)))
    h = max(1, round(AIR * max(own_height, 0.35 * height)))
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1)
    turn[:, 2] += ((w - width) / 2, (h - height) / 2)
    turned = cv2.warpAffine(image, turn, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)
