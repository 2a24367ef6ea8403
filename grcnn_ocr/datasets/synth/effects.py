"""The effects, each a small function: arrays in, arrays out, randomness from the given generator.

A *mask* is (h, w) uint8 coverage; *pixels* are (h, w, c) float32 gray levels or colors from 0 to 255.
"""

from __future__ import annotations

import math
import random

import cv2
import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.config import Look, Range

Mask = NDArray[np.uint8]
Pixels = NDArray[np.float32]

NOISE_BANK: NDArray[np.float32] = np.random.default_rng(0).standard_normal((256, 1024, 3), np.float32)
"""Sensor noise is cut out of this at random: generating it for each word would cost more than all else about a word."""


def log_uniform(rng: random.Random, bounds: Range) -> float:
    """Draw between two positive bounds, uniformly on a logarithmic scale."""
    return math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1])))


def change_weight(mask: Mask, rng: random.Random, look: Look) -> Mask:
    """Sometimes make the strokes bolder or lighter, or leave only their edges."""
    choice = rng.random()
    size = rng.choice((2, 3, 3, 4))
    if choice < look.bolder:
        return cv2.dilate(mask, _disk(size))
    if choice < look.bolder + look.lighter:
        lighter = cv2.erode(mask, _disk(2))
        return lighter if lighter.max() > 128 else mask
    if choice < look.bolder + look.lighter + look.hollow:
        return cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, _disk(size))
    return mask


def worn(mask: Mask, rng: random.Random, height: float, look: Look) -> Mask:
    """Remove paint in specks of 0.04 to 0.25 of the height."""
    speck = rng.uniform(0.04, 0.25) * height
    height_cells, width_cells = (max(2, round(side / speck)) for side in mask.shape)
    rough = _coarse_noise((height_cells, width_cells), mask.shape, rng)
    level = np.quantile(rough, 1 - rng.uniform(*look.worn_share))
    kept = np.clip(0.5 + 3 * (level - rough), 0, 1)
    return (mask * kept).astype(np.uint8)


def outline(mask: Mask, rng: random.Random, height: float, look: Look) -> Mask:
    """Return the mask widened on all sides; seen behind the letters, it is their outline."""
    return cv2.dilate(mask, _disk(2 * max(1, round(rng.uniform(*look.outline_width) * height)) + 1))


def shadow(mask: Mask, rng: random.Random, height: float, look: Look) -> Mask:
    """Return the mask, moved and blurred."""
    dx, dy = (rng.uniform(-1, 1) * look.shadow_offset * height for _ in range(2))
    moved = _moved(mask, dx, dy)
    blur = rng.uniform(0, look.shadow_blur) * height
    return cv2.GaussianBlur(moved, (0, 0), blur) if blur > 0.4 else moved


def extrude(mask: Mask, rng: random.Random, height: float, look: Look) -> Mask:
    """Return the mask extended in one direction, as the side of thick letters."""
    angle, length = rng.uniform(0, 2 * math.pi), max(2, round(rng.uniform(*look.extrude_depth) * height))
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.uint8)
    end = (length + round(length * math.cos(angle)), length + round(length * math.sin(angle)))
    cv2.line(kernel, (length, length), end, (1,))
    return cv2.dilate(mask, kernel)


def warp(layers: NDArray[np.uint8], rng: random.Random, look: Look) -> NDArray[np.uint8]:
    """Curve the baseline of (h, w, n) mask layers; rotate, shear and tilt them, on a canvas that holds the result."""
    height, width = layers.shape[:2]
    if rng.random() < look.curve and width > 1.5 * height:
        layers = _bend(layers, math.radians(log_uniform(rng, look.curve_angle)), rng.random() < 0.5)
        height, width = layers.shape[:2]
    degrees = rng.gauss(0, look.rotation / 2) if rng.random() < look.rotate else 0.0
    angle = math.radians(min(max(degrees, -look.rotation), look.rotation))
    slope = rng.gauss(0, look.shear_slope) if rng.random() < look.shear else 0.0
    tilt = look.tilt * height if rng.random() < look.perspective else 0.0
    if not (angle or slope or tilt):
        return layers
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    centre = corners.mean(axis=0)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    moved = (corners - centre) @ (turn @ np.array([[1, slope], [0, 1]])).T
    moved += np.array([[rng.uniform(-tilt, tilt) for _ in range(2)] for _ in range(4)])
    moved -= moved.min(axis=0)
    size = tuple(int(side) for side in np.ceil(moved.max(axis=0)))
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    warped = cv2.warpPerspective(layers, matrix, (max(size[0], 1), max(size[1], 1)))
    return warped.reshape(*warped.shape[:2], -1)


def _bend(layers: NDArray[np.uint8], angle: float, hangs: bool) -> NDArray[np.uint8]:
    """Bend the text along an arc of `angle` radians, at most a half circle: standing on its outside, or hanging inside.

    The middle line, of radius r0 = width / angle >= 2 height, keeps its length: a point at (x, y) from its centre moves
    to the radius r0 + y (y upwards) and the direction x / r0 (from the top, clockwise).
    """
    height, width = layers.shape[:2]
    angle = min(angle, width / (2 * height), math.pi)
    radius = width / angle
    outer, inner = radius + height / 2, radius - height / 2
    half_width = math.ceil(outer * math.sin(angle / 2))
    x = np.arange(-half_width, half_width, dtype=np.float32) + 0.5
    y = outer - 0.5 - np.arange(math.ceil(outer - inner * math.cos(angle / 2)), dtype=np.float32)[:, None]
    source_x = radius * np.arctan2(x, y) + (width - 1) / 2
    source_y = outer - 0.5 - np.hypot(x, y)
    if hangs:
        source_x, source_y = source_x[::-1], height - 1 - source_y[::-1]
    bent = cv2.remap(layers, np.ascontiguousarray(source_x), np.ascontiguousarray(source_y), cv2.INTER_LINEAR)
    return bent.reshape(*bent.shape[:2], -1)


def gradient(shape: tuple[int, int], rng: random.Random, span: float) -> Pixels:
    """Return (h, w, 1) values of mean 0 that change linearly, by up to `span` across the width and the height."""
    height, width = shape
    horizontal = np.linspace(-0.5, 0.5, width, dtype=np.float32) * np.float32(rng.uniform(-span, span))
    vertical = np.linspace(-0.5, 0.5, height, dtype=np.float32) * np.float32(rng.uniform(-span, span))
    return (horizontal[None] + vertical[:, None])[:, :, None]


def texture(shape: tuple[int, int], rng: random.Random, span: float) -> Pixels:
    """Return (h, w, 1) clouds, grain or stripes, or two flat halves; their mean is 0 or near it."""
    height, width = shape
    kind = rng.choice(("clouds", "grain", "stripes", "halves"))
    if kind in ("stripes", "halves"):
        angle, period = rng.uniform(0, math.pi), rng.uniform(0.15, 1.0) * height
        phase = np.arange(width)[None] * math.cos(angle) + np.arange(height)[:, None] * math.sin(angle)
        if kind == "halves":
            half = (phase > rng.uniform(phase.min(), phase.max())).astype(np.float32)
            return (span * (half - half.mean()))[:, :, None]
        return (0.5 * span * np.sin(2 * math.pi / period * phase)).astype(np.float32)[:, :, None]
    cells = (3, 6) if kind == "clouds" else (max(2, height // 2), max(2, width // 2))
    return (0.35 * span * _coarse_noise(cells, shape, rng))[:, :, None]


def bands(shape: tuple[int, int], rng: random.Random, span: float) -> Pixels:
    """Return (h, w, 1) vertical bands, two to eight, each of one value, as of letters of different colors."""
    height, width = shape
    levels = np.array([[rng.uniform(-0.5, 0.5) for _ in range(rng.randint(2, 8))]], np.float32)
    return (span * cv2.resize(levels, (width, height), interpolation=cv2.INTER_NEAREST))[:, :, None]


def relief(mask: Mask, rng: random.Random, height: float, look: Look) -> Pixels:
    """Return (h, w, 1), what light from one side adds to the edges of raised or sunken letters."""
    depth = max(1.0, rng.uniform(*look.relief_depth) * height)
    angle = rng.uniform(0, 2 * math.pi)
    dx, dy = depth * math.cos(angle), depth * math.sin(angle)
    lit, dark = (_moved(mask, sign * dx, sign * dy).astype(np.float32) for sign in (0.5, -0.5))
    slope = cv2.GaussianBlur(lit - dark, (0, 0), 0.3 * depth)
    return (slope * np.float32(rng.uniform(*look.relief_span) / 510))[:, :, None]


def light(pixels: Pixels, rng: random.Random, look: Look) -> Pixels:
    """Light the picture unevenly: brightness is multiplied by a gradient around 1."""
    return pixels * (1 + gradient(pixels.shape[:2], rng, look.light_span))


def glare(pixels: Pixels, rng: random.Random, look: Look) -> Pixels:
    """Add a bright spot with a radius of 0.3 to 1.5 times the height."""
    height, width = pixels.shape[:2]
    radius, x, y = rng.uniform(0.3, 1.5) * height, rng.uniform(0, width), rng.uniform(0, height)
    across = np.exp(-(((np.arange(width, dtype=np.float32) - x) / radius) ** 2))
    down = np.exp(-(((np.arange(height, dtype=np.float32) - y) / radius) ** 2))
    return pixels + np.float32(rng.uniform(*look.glare_span)) * (down[:, None] * across)[:, :, None]


def defocus(pixels: Pixels, rng: random.Random, look: Look) -> Pixels:
    """Blur equally in all directions."""
    return _keep_axis(cv2.GaussianBlur(pixels, (0, 0), max(0.3, rng.uniform(*look.defocus_sigma) * pixels.shape[0])))


def motion(pixels: Pixels, rng: random.Random, look: Look) -> Pixels:
    """Blur along a line."""
    length = max(2, round(rng.uniform(*look.motion_length) * pixels.shape[0]))
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    angle = rng.uniform(0, math.pi)
    dx, dy = round(length * math.cos(angle) / 2), round(length * math.sin(angle) / 2)
    cv2.line(kernel, (length - dx, length - dy), (length + dx, length + dy), (1.0,))
    return _keep_axis(cv2.filter2D(pixels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def low_resolution(pixels: Pixels, rng: random.Random, text_height: float, look: Look) -> Pixels:
    """Shrink, but not below a text height of 8 pixels, and enlarge again."""
    height, width = pixels.shape[:2]
    factor = max(rng.uniform(*look.low_resolution_factor), 8 / text_height)
    if factor >= 1:
        return pixels
    small = cv2.resize(
        pixels, (max(2, round(factor * width)), max(2, round(factor * height))), interpolation=cv2.INTER_AREA
    )
    return _keep_axis(cv2.resize(small, (width, height), interpolation=rng.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC))))


def noise(pixels: Pixels, rng: random.Random, look: Look) -> Pixels:
    """Add sensor noise."""
    return (
        pixels + np.float32(log_uniform(rng, look.noise_level)) * _noise(pixels.shape[:2], rng)[:, :, : pixels.shape[2]]
    )


def sharpen(pixels: Pixels, rng: random.Random, look: Look) -> Pixels:
    """Exaggerate edges (unsharp masking)."""
    smooth = _keep_axis(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.5, 1.5)))
    return pixels + np.float32(rng.uniform(*look.sharpen_strength)) * (pixels - smooth)


def jpeg(image: NDArray[np.uint8], rng: random.Random, look: Look) -> NDArray[np.uint8]:
    """Compress and decompress (h, w, c)."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, round(rng.uniform(*look.jpeg_quality))])
    decoded = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE if image.shape[2] == 1 else cv2.IMREAD_COLOR)
    return np.asarray(decoded, np.uint8).reshape(image.shape)


def _noise(shape: tuple[int, int], rng: random.Random) -> Pixels:
    height, width = shape
    if height > NOISE_BANK.shape[0] or width > NOISE_BANK.shape[1]:
        repeats = (-(-height // NOISE_BANK.shape[0]) + 1, -(-width // NOISE_BANK.shape[1]) + 1, 1)
        return np.tile(NOISE_BANK, repeats)[:height, :width]
    top, left = rng.randint(0, NOISE_BANK.shape[0] - height), rng.randint(0, NOISE_BANK.shape[1] - width)
    return NOISE_BANK[top : top + height, left : left + width]


def _coarse_noise(cells: tuple[int, int], shape: tuple[int, ...], rng: random.Random) -> Pixels:
    """Return (h, w) noise that varies smoothly from cell to cell."""
    height, width = shape
    return cv2.resize(_noise(cells, rng)[:, :, 0], (width, height), interpolation=cv2.INTER_CUBIC)


def _moved(mask: Mask, dx: float, dy: float) -> Mask:
    return cv2.warpAffine(mask, np.array([[1, 0, dx], [0, 1, dy]], np.float32), mask.shape[::-1])


def _keep_axis(image: np.ndarray) -> Pixels:
    return image[:, :, None] if image.ndim == 2 else image


def _disk(size: int) -> NDArray[np.uint8]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
