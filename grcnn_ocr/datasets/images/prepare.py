"""From a picture to a classifier's input, the same code in training and evaluation.

B pictures, H x W pixels, C channels, S the side of the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from grcnn_ocr.datasets.images.source import ImageSource, StoredImages
from grcnn_ocr.pixels import Pixels, imdecode, resize


@dataclass(frozen=True)
class ImagePreprocessor:
    """Resizes and normalises; see `config.ImagesConfig` for the arguments."""

    size: int
    channels: int
    shorter_side: int | None
    mean: Sequence[float]
    std: Sequence[float]

    def picture(self, source: ImageSource, index: int) -> Pixels:
        """Return a picture of a source, (H, W, C).

        Raises:
            ValueError: if it cannot be decoded, naming it.
        """
        image = source.image(index)
        if isinstance(image, bytes):
            try:
                return decode_color(image, self.channels)
            except ValueError as error:
                raise ValueError(f"{source.place(index)}: {error}") from None
        if image.shape[2] == self.channels:
            return image
        if self.channels == 1:
            return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[:, :, None]
        return np.repeat(image[:, :, :1], self.channels, axis=2)

    def input(self, image: Pixels) -> Pixels:
        """Resize a picture (H, W, C) to (S, S, C): whole, or its center."""
        height, width = image.shape[:2]
        if self.shorter_side is None:
            return resize(image, self.size, self.size)
        scale = self.shorter_side / min(height, width)
        height, width = (max(self.shorter_side, round(side * scale)) for side in (height, width))
        top, left = (height - self.size) // 2, (width - self.size) // 2
        return resize(image, width, height)[top : top + self.size, left : left + self.size]

    def load(self, source: ImageSource, indices: Sequence[int]) -> Pixels:
        """Return the inputs of some pictures, (B, S, S, C).

        Raises:
            ValueError: if one cannot be decoded, naming it.
        """
        if isinstance(source, StoredImages) and source.pixels.shape[1:] == (self.size, self.size, self.channels):
            return source.pixels[indices]
        found = np.empty((len(indices), self.size, self.size, self.channels), np.uint8)
        for at, index in enumerate(indices):
            found[at] = self.input(self.picture(source, index))
        return found

    def normalise(self, pixels: Tensor, device: torch.device) -> Tensor:
        """Turn inputs (B, S, S, C) uint8 into (B, C, S, S) float32 on a device, laid out channels last."""
        if device.type == "cuda":
            pixels = pixels.pin_memory()
        images = pixels.to(device, non_blocking=True).float().permute(0, 3, 1, 2)
        mean, std = (torch.tensor(values, device=device)[:, None, None] for values in (self.mean, self.std))
        return (images - 255 * mean) / (255 * std)


def decode_color(data: bytes, channels: int) -> Pixels:
    """Decode an encoded picture to (H, W, 1) gray or (H, W, 3) RGB, turned by its EXIF orientation.

    Transparency is ignored.

    Raises:
        ValueError: on empty data, a picture that cannot be decoded, or a JPEG that ends too early.
    """
    if channels == 1:
        return imdecode(data, cv2.IMREAD_GRAYSCALE)[:, :, None]
    return cv2.cvtColor(imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
