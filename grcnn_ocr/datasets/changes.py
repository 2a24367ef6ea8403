"""Words made harder to read: cut too tightly or too loosely, turned, shrunk, blurred, compressed.

The changes are deterministic and serve validation; training augments with `augment.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import cv2
import numpy as np

from grcnn_ocr.datasets.words import WordSource, decoded
from grcnn_ocr.pixels import Pixels, decode

Change = Callable[[Pixels], Pixels]
"""Changes a grayscale image (H, W)."""


def cut(image: Pixels, share: float) -> Pixels:
    """Cut a share of the height off every side, but at most a quarter of the width off the left and the right."""
    height, width = image.shape
    border = round(share * height)
    beside = min(border, width // 4)
    return image[border : height - border, beside : width - beside]


def loosen(image: Pixels, share: float) -> Pixels:
    """Add a share of the height on every side, repeating the edge."""
    return np.pad(image, round(share * image.shape[0]), mode="edge")


def turn(image: Pixels, degrees: float) -> Pixels:
    """Turn anticlockwise around the centre, repeating the edge beyond the crop."""
    return _turned(image, degrees, *image.shape)


def turn_whole(image: Pixels, degrees: float) -> Pixels:
    """Turn anticlockwise, on a canvas that holds all of the crop, repeating the edge beyond it."""
    height, width = image.shape
    cos, sin = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    return _turned(image, degrees, round(sin * width + cos * height), round(cos * width + sin * height))


def _turned(image: Pixels, degrees: float, h: int, w: int) -> Pixels:
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    matrix[:, 2] += ((w - width) / 2, (h - height) / 2)
    return cv2.warpAffine(image, matrix, (w, h), borderMode=cv2.BORDER_REPLICATE)


def shrink(image: Pixels, target: int) -> Pixels:
    """Shrink to a height of `target` pixels; a lower image is unchanged."""
    height, width = image.shape
    if height <= target:
        return image
    return cv2.resize(image, (max(4, round(width * target / height)), target), interpolation=cv2.INTER_AREA)


def stretch(image: Pixels, factor: float) -> Pixels:
    """Multiply the width by a factor."""
    return cv2.resize(image, (max(4, round(factor * image.shape[1])), image.shape[0]))


def compress(image: Pixels, quality: int) -> Pixels:
    """Compress as JPEG and decompress."""
    return decode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def blur(image: Pixels, share: float) -> Pixels:
    """Blur with a Gaussian whose standard deviation is a share of the height."""
    return cv2.GaussianBlur(image, (0, 0), share * image.shape[0])


def add_noise(image: Pixels, level: float) -> Pixels:
    """Add noise whose standard deviation is `level` gray levels, the same noise to all images of one size."""
    noise = np.random.default_rng(image.shape).normal(0, level, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


CHANGES: dict[str, Change] = {
    "as they are": lambda image: image,
    **{f"{share} of the height cut off every side": partial(cut, share=share) for share in (0.05, 0.1, 0.15)},
    "0.4 of the height added on every side": partial(loosen, share=0.4),
    **{f"turned by {degrees} degrees": partial(turn, degrees=degrees) for degrees in (-8, -4, 4, 8)},
    **{f"turned by {degrees} degrees, whole": partial(turn_whole, degrees=degrees) for degrees in (-15, 10)},
    **{f"shrunk to {height} pixels": partial(shrink, target=height) for height in (16, 12)},
    **{f"{factor} times as wide": partial(stretch, factor=factor) for factor in (0.67, 1.5)},
    **{f"JPEG of quality {quality}": partial(compress, quality=quality) for quality in (40, 20)},
    "blurred by 0.05 of the height": partial(blur, share=0.05),
    "noise of 20 gray levels": partial(add_noise, level=20),
    "inverted": lambda image: 255 - image,
}


class ChangedWords:
    """Every word of a source under each of several changes: number c N + i is word i of N under change c."""

    def __init__(self, source: WordSource, changes: Sequence[Change]) -> None:
        self.path = source.path
        self._source = source
        self._changes = changes

    def __len__(self) -> int:
        return len(self._changes) * len(self._source)

    def image(self, index: int) -> bytes:
        """Return the changed image as PNG."""
        change, word = divmod(index, len(self._source))
        return cv2.imencode(".png", self._changes[change](decoded(self._source, word)))[1].tobytes()

    def label(self, index: int) -> str:
        """Return the label as stored."""
        return self._source.label(index % len(self._source))

    def place(self, index: int) -> str:
        """Name the original sample in its source."""
        return self._source.place(index % len(self._source))
