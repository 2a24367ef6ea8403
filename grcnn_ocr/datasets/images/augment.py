"""Augmentation of whole batches, each picture by its own random numbers.

B pictures, H x W pixels, C channels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.pixels import Pixels, resize

ASPECT = (3 / 4, 4 / 3)
"""Of a random part: width over height."""
ATTEMPTS = 10
"""To find a part that lies inside the picture."""
NUM_DRAWS = 3
"""Random numbers that `shift_and_flip` takes a picture."""
NUM_PART_DRAWS = 4 * ATTEMPTS


def uniforms(seed: int, numbers: NDArray[np.int64], num_draws: int) -> NDArray[np.float64]:
    """Return (B, num_draws) random numbers in [0, 1), those of sample n a pure function of (seed, n).

    They are hashes of counters, by the generator SplitMix64 (Steele, Lea & Flood 2014).
    """
    counters = numbers.astype(np.uint64)[:, None] * np.uint64(num_draws) + np.arange(num_draws, dtype=np.uint64)
    start = _mixed(np.array([seed], np.uint64))
    return (_mixed(_mixed(counters) + start) >> np.uint64(11)) * 2.0**-53


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = x + np.uint64(0x9E3779B97F4A7C15)  # arrays wrap around in silence
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def shift_and_flip(images: Pixels, draws: NDArray[np.float64], pad: int, flip: bool) -> Pixels:
    """Shift each picture by up to `pad` pixels each way, black moving in, and mirror every other one.

    Args:
        images: (B, H, W, C).
        draws: (B, NUM_DRAWS) in [0, 1): of the shift down, right, and of the mirror.
        pad: the largest shift.
        flip: whether to mirror.
    """
    if not pad and not flip:
        return images
    count, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    down, right = (draws[:, :2] * (2 * pad + 1)).astype(np.int64).T
    columns = np.broadcast_to(np.arange(width), (count, width))
    if flip:
        columns = np.where(draws[:, 2:] < 0.5, columns[:, ::-1], columns)
    rows = down[:, None] + np.arange(height)
    return padded[np.arange(count)[:, None, None], rows[:, :, None], (right[:, None] + columns)[:, None, :]]


def random_part(image: Pixels, draws: NDArray[np.float64], area: tuple[float, float], size: int) -> Pixels:
    """Cut out a random part and resize it to (size, size, C), as Szegedy et al. 2015 train on ImageNet.

    Args:
        image: (H, W, C).
        draws: (NUM_PART_DRAWS,) in [0, 1).
        area: least and largest share of the picture's area.
        size: side of the result.
    """
    height, width = image.shape[:2]
    down, right = 0.5, 0.5
    for share, aspect, *place in draws.reshape(ATTEMPTS, 4):
        part = height * width * (area[0] + (area[1] - area[0]) * share)
        ratio = math.exp(math.log(ASPECT[0]) + math.log(ASPECT[1] / ASPECT[0]) * aspect)
        w, h = max(1, round(math.sqrt(part * ratio))), max(1, round(math.sqrt(part / ratio)))
        if w <= width and h <= height:
            down, right = place
            break
    else:  # the largest center of an admitted aspect
        w, h = min(width, round(height * ASPECT[1])), min(height, round(width / ASPECT[0]))
    top, left = int(down * (height - h + 1)), int(right * (width - w + 1))
    return resize(image[top : top + h, left : left + w], size, size)
