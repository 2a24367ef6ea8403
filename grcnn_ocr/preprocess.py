"""From a grayscale image (H, W) to the network's input: the same code in training, evaluation and reading.

An image is resized to the network's height; `stack` pads those of one width, and `normalise` turns the stack into the
network's input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.pixels import Pixels

WIDTH_STEP = 32
"""Crops of proportional width are padded to the next multiple of this."""


@dataclass(frozen=True)
class Preprocessor:
    """Resizes to a fixed height; the network sees (pixel - mean) / scale.

    Args:
        height: in pixels.
        width: in pixels, the aspect ratio not kept, as in CRNN and GRCNN; or "proportional" to the crop's own, and
            padded to the next multiple of `WIDTH_STEP` with its last column. Crops of different padded width never
            share a batch, so that no answer depends on its neighbours.
        stretch: factor on a proportional width; above 1, narrow letters get more frames.
        min_width: the least proportional width.
        max_width: the greatest.
        contrast: "stretched" maps the 2nd and the 98th percentile of each crop's gray levels to 0 and 255.
        mean: subtracted from each pixel, 0 to 255.
        scale: divides the difference.
        interpolation: "area" averages when shrinking and is linear when enlarging, separately for each axis;
            "bicubic" is that of the deep-text-recognition-benchmark.
    """

    height: int = 32
    width: int | Literal["proportional"] = 100
    stretch: float = 1.0
    min_width: int = 32
    max_width: int = 1024
    contrast: Literal["as_is", "stretched"] = "as_is"
    mean: float = 128.0
    scale: float = 128.0
    interpolation: Literal["area", "bicubic"] = "area"

    @property
    def widest(self) -> int:
        """The largest width of a resized crop."""
        return self.max_width if self.width == "proportional" else self.width

    def resize(self, image: Pixels) -> Pixels:
        """Resize a grayscale image (H, W) to (height, width), not yet padded."""
        if self.contrast == "stretched":
            image = stretch_contrast(image)
        height, width = image.shape
        target = self.resized_width(height, width)
        if self.interpolation == "bicubic":
            return cv2.resize(image, (target, self.height), interpolation=cv2.INTER_CUBIC)
        image = cv2.resize(image, (target, height), interpolation=_area_or_linear(width, target))
        return cv2.resize(image, (target, self.height), interpolation=_area_or_linear(height, self.height))

    def resized_width(self, height: int, width: int) -> int:
        """Return the width, in pixels, that `resize` gives an image of this size."""
        if self.width != "proportional":
            return self.width
        return min(self._own_width(height, width), self.max_width)

    def squeeze(self, height: int, width: int) -> float:
        """Return the factor, at most 1, by which `max_width` narrows an image of this size."""
        return 1.0 if self.width != "proportional" else min(1.0, self.max_width / self._own_width(height, width))

    def _own_width(self, height: int, width: int) -> int:
        return max(round(self.stretch * self.height / height * width), self.min_width)

    def padded_width(self, image: Pixels) -> int:
        """Return the width of a resized image once it is padded."""
        width = image.shape[1]
        return width if self.width != "proportional" else -(-width // WIDTH_STEP) * WIDTH_STEP

    def stack(self, images: Sequence[Pixels]) -> tuple[Pixels, NDArray[np.int64]]:
        """Pad resized images of one padded width, and stack them.

        Returns:
            (B, height, padded width), and (B,) the widths without padding.
        """
        widths = [image.shape[1] for image in images]
        pixels = np.empty((len(images), len(images[0]), self.padded_width(images[0])), np.uint8)
        for row, image, width in zip(pixels, images, widths, strict=True):  # np.pad takes 15 times as long
            row[:, :width] = image
            row[:, width:] = image[:, -1:]
        return pixels, np.array(widths)

    def normalise(self, images: Pixels) -> NDArray[np.float32]:
        """Map (B, H, W) uint8 to the network's (B, 1, H, W) float32."""
        return (images[:, None].astype(np.float32) - np.float32(self.mean)) / np.float32(self.scale)


def stretch_contrast(image: Pixels) -> Pixels:
    """Map the 2nd and the 98th percentile of gray levels (H, W) to 0 and 255; a flat image stays as it is."""
    low, high = np.percentile(image, (2, 98))
    if high - low < 1:
        return image
    levels = (np.arange(256) - low) * (255 / (high - low))
    return cv2.LUT(image, levels.clip(0, 255).round().astype(np.uint8))


def _area_or_linear(size: int, target: int) -> int:
    return cv2.INTER_AREA if size > target else cv2.INTER_LINEAR
