"""From an image to the network's input: the same code in training, evaluation and reading.

A picture is decoded to grayscale uint8 (H, W), then resized to the network's height; `stack` pads those of one width,
and `normalise` turns the stack into the network's input.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.picture_headers import PNG, exif_orientation, is_truncated_jpeg, may_have_alpha

Pixels = NDArray[np.uint8]

WIDTH_STEP = 32
"""Crops of proportional width are padded to the next multiple of this."""

if "OPENCV_LOG_LEVEL" not in os.environ:  # what it logs of a bad picture names no file; our errors do
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


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


def decode(data: bytes) -> Pixels:
    """Decode an encoded picture to grayscale (H, W), Y = 0.299 R + 0.587 G + 0.114 B.

    Takes what OpenCV reads (JPEG, PNG, WebP, BMP, TIFF, GIF, ...). 16-bit samples are scaled to 8. A picture with
    transparency is laid over white or black, whichever differs more from its opaque pixels. The EXIF orientation is
    applied, except to AVIF.

    Raises:
        ValueError: on empty data, a picture that cannot be decoded, or a JPEG that ends too early.
    """
    if may_have_alpha(data):
        image = imdecode(data, cv2.IMREAD_UNCHANGED)
        if image.ndim == 3 and image.shape[2] == 4:
            rgba = np.ascontiguousarray(image[:, :, (2, 1, 0, 3)])
            return _oriented(to_grayscale(rgba), exif_orientation(data))
    if data.startswith((PNG, b"RIFF")):  # OpenCV turns a WebP from 4.13 on
        gray = to_grayscale(imdecode(data, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION))
        return _oriented(gray, exif_orientation(data))
    return to_grayscale(imdecode(data, cv2.IMREAD_GRAYSCALE))


def turned(image: Pixels, degrees: int) -> Pixels:
    """Turn an image (H, W) clockwise by a multiple of 90 degrees."""
    return np.ascontiguousarray(np.rot90(image, -degrees // 90))


def to_grayscale(image: np.ndarray) -> Pixels:
    """Convert an array to grayscale uint8 (H, W).

    Args:
        image: (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA; uint8, uint16, bool, or float from 0 to 1.

    Raises:
        ValueError: on another shape or type, an empty array, or floats outside [0, 1].
    """
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (3, 4)):
        raise ValueError(f"an image is (H, W), (H, W, 3) RGB or (H, W, 4) RGBA; found shape {image.shape}")
    if image.size == 0:
        raise ValueError(f"the image is empty: shape {image.shape}")
    pixels = _to_8_bits(image)
    if pixels.ndim == 2:
        return pixels
    pixels = np.ascontiguousarray(pixels)
    if pixels.shape[2] == 3:
        return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return _over_contrasting_ground(cv2.cvtColor(pixels, cv2.COLOR_RGBA2GRAY), cv2.extractChannel(pixels, 3))


def _to_8_bits(image: np.ndarray) -> Pixels:
    if image.dtype == np.uint8:
        return image
    if image.dtype == np.bool_:
        return image.astype(np.uint8) * np.uint8(255)
    if image.dtype == np.uint16:
        return (image >> 8).astype(np.uint8)
    if np.issubdtype(image.dtype, np.floating):
        if not np.isfinite(image).all() or image.min() < 0 or image.max() > 1:
            raise ValueError("a floating-point image must be from 0 to 1; convert other values to uint8 (PIL: mode L)")
        return (image * 255).round().astype(np.uint8)
    raise ValueError(f"an image is uint8, uint16, bool or float; found {image.dtype}")


def _over_contrasting_ground(gray: Pixels, alpha: Pixels) -> Pixels:
    """Blend gray levels (H, W) by their opacity (H, W) with white if their mean is dark, else with black."""
    ink = cv2.sumElems(cv2.multiply(gray, alpha, dtype=cv2.CV_16U))[0]
    opacity = cv2.sumElems(alpha)[0]
    if ink >= 128 * max(opacity, 1):
        return cv2.multiply(gray, alpha, scale=1 / 255)
    return cv2.bitwise_not(cv2.multiply(cv2.bitwise_not(gray), alpha, scale=1 / 255))


def _area_or_linear(size: int, target: int) -> int:
    return cv2.INTER_AREA if size > target else cv2.INTER_LINEAR


def imdecode(data: bytes, flags: int) -> np.ndarray:
    """Decode an encoded picture with OpenCV's flags, refusing a truncated JPEG.

    Raises:
        ValueError: on empty data, a picture that cannot be decoded, or a JPEG that ends too early.
    """
    if not data:
        raise ValueError("the file is empty (0 bytes)")
    if is_truncated_jpeg(data):
        raise ValueError("the JPEG is truncated")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ValueError(f"not a picture that OpenCV can decode: {error.err}") from None
    if image is None:
        raise ValueError("not a picture that OpenCV can decode, or a truncated one")
    return image


def _oriented(image: Pixels, orientation: int) -> Pixels:
    """Apply an EXIF orientation, 1 to 8, to an image (H, W); any other number leaves it as it is."""
    if orientation in (5, 6, 7, 8):
        image = image.T
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)
