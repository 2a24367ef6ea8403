"""Training-time augmentation of word images with albumentations, seeded per sample."""

from __future__ import annotations

import os
import random
from typing import Any

import cv2
import numpy as np

from grcnn_ocr.pixels import Pixels


class Augmenter:
    """Distorts a resized grayscale image the way cropped words differ from one another.

    Args:
        strength: scales how often each effect is applied, and how far the geometric ones go; 1 suits a few thousand
            real words.
    """

    def __init__(self, strength: float = 1.0) -> None:
        self.strength = strength
        self._transform: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {"strength": self.strength, "_transform": None}

    def __call__(self, image: Pixels, seed: tuple[int, ...]) -> Pixels:
        """Return a distorted copy of an image (H, W), which depends only on the image and the seed."""
        if self._transform is None:
            self._transform = _compose(self.strength)
        generator = np.random.default_rng(seed)
        self._transform.set_random_state(generator, random.Random(int(generator.integers(2**63))))
        return self._transform(image=image)["image"]


def _compose(strength: float) -> Any:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # importing it would query a server for updates
    import albumentations as A

    def often(probability: float) -> float:
        return min(1.0, probability * strength)

    border = cv2.BORDER_REPLICATE
    return A.Compose(
        [
            A.Affine(
                scale={
                    "x": (1 - 0.12 * strength, 1 + 0.08 * strength),
                    "y": (1 - 0.15 * strength, 1 + 0.15 * strength),
                },
                translate_percent={
                    "x": (-0.03 * strength, 0.03 * strength),
                    "y": (-0.08 * strength, 0.08 * strength),
                },
                rotate=(-2.5 * strength, 2.5 * strength),
                shear={"x": (-18 * strength, 18 * strength), "y": (-2 * strength, 2 * strength)},
                border_mode=border,
                p=often(0.8),
            ),
            A.GridDistortion(num_steps=6, distort_limit=0.25 * strength, border_mode=border, p=often(0.3)),
            A.InvertImg(p=often(0.25)),
            A.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=0.4, p=often(0.5)),
            A.OneOf([A.MotionBlur(blur_limit=(3, 5)), A.GaussianBlur(blur_limit=(3, 5))], p=often(0.25)),
            A.GaussNoise(std_range=(0.01, 0.06), p=often(0.25)),
        ]
    )
