"""From a picture to its pixels: grayscale uint8 (H, W), by the same code in training, evaluation and reading."""

from __future__ import annotations

import os

import cv2
import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.picture_headers import PNG, exif_orientation, is_truncated_jpeg, may_have_alpha, transparent_level

Pixels = NDArray[np.uint8]

if "OPENCV_LOG_LEVEL" not in os.environ:  # what it logs of a bad picture names no file; our errors do
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def decode(data: bytes) -> Pixels:
    """Decode an encoded picture to grayscale (H, W), Y = 0.299 R + 0.587 G + 0.114 B.

    Takes what OpenCV reads (JPEG, PNG, WebP, BMP, TIFF, GIF, ...). 16-bit samples are scaled to 8; those of a PNG may
    hold fewer bits, such as the 12 of many cameras. A picture with transparency is laid over white or black, whichever
    differs more from its opaque pixels, except gray TIFFs. The EXIF orientation is applied, except to AVIF.

    Raises:
        ValueError: on empty data, a picture that cannot be decoded, or a JPEG that ends too early.
    """
    if may_have_alpha(data):
        image = imdecode(data, cv2.IMREAD_UNCHANGED)
        if image.ndim == 2 and (level := transparent_level(data)) is not None:
            image = cv2.merge((image, image, image, np.where(image == level, 0, 255).astype(np.uint8)))
        if image.ndim == 3 and image.shape[2] == 4:
            rgba = np.ascontiguousarray(image[:, :, (2, 1, 0, 3)])
            return _oriented(to_grayscale(rgba), exif_orientation(data))
    if data.startswith((PNG, b"RIFF")):  # OpenCV turns a WebP from 4.13 on
        flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
        gray = to_grayscale(imdecode(data, flags))
        return _oriented(gray, exif_orientation(data))
    return to_grayscale(imdecode(data, cv2.IMREAD_GRAYSCALE))


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


def to_grayscale(image: np.ndarray) -> Pixels:
    """Convert an array to grayscale uint8 (H, W).

    Args:
        image: (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA; uint8, bool, float from 0 to 1, or uint16, of which
            as many bits count as the brightest pixel has, at least 8.

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


def resize(image: Pixels, width: int, height: int) -> Pixels:
    """Resize (H, W) or (H, W, C), averaging areas where it shrinks, else linearly."""
    shrinks = width * height < image.shape[0] * image.shape[1]
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8).reshape(height, width, *image.shape[2:])  # OpenCV drops a single channel


def turned(image: Pixels, degrees: int) -> Pixels:
    """Turn an image (H, W) clockwise by a multiple of 90 degrees."""
    return np.ascontiguousarray(np.rot90(image, -degrees // 90))


def _oriented(image: Pixels, orientation: int) -> Pixels:
    """Apply an EXIF orientation, 1 to 8, to an image (H, W); any other number leaves it as it is."""
    if orientation in (5, 6, 7, 8):
        image = image.T
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _to_8_bits(image: np.ndarray) -> Pixels:
    if image.dtype == np.uint8:
        return image
    if image.dtype == np.bool_:
        return image.astype(np.uint8) * np.uint8(255)
    if image.dtype == np.uint16:
        return (image >> max(int(image.max()).bit_length() - 8, 0)).astype(np.uint8)
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
