"""What every reader of labelled pictures returns.

N pictures, B of a batch, H x W pixels, C channels (RGB or gray).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.pixels import Pixels

Split = Literal["train", "test"]


class ImageSource(Protocol):
    """Pictures and their classes.

    Attributes:
        path: what was opened.
        classes: names; a label is an index of it.
        labels: (N,).
    """

    @property
    def path(self) -> Path: ...  # noqa: D102 (above)
    @property
    def classes(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def labels(self) -> NDArray[np.int64]: ...  # noqa: D102

    def __len__(self) -> int: ...

    def image(self, index: int) -> Pixels | bytes:
        """Return a picture, (H, W, C) RGB or gray, or encoded as in its file."""
        ...

    def place(self, index: int) -> str:
        """Name a picture in a message."""
        ...


@dataclass(frozen=True)
class StoredImages:
    """Pictures of one size, in memory.

    Args:
        path: what was opened.
        classes: names.
        labels: (N,).
        pixels: (N, H, W, C).

    Raises:
        ValueError: without pictures, if there is not one label a picture, or one that is no class.
    """

    path: Path
    classes: Sequence[str]
    labels: NDArray[np.int64]
    pixels: Pixels

    def __post_init__(self) -> None:
        if not len(self.pixels):
            raise ValueError(f"{self.path}: no pictures")
        if len(self.pixels) != len(self.labels):
            raise ValueError(f"{self.path}: {len(self.pixels)} pictures but {len(self.labels)} labels")
        if wrong := sorted({*self.labels[(self.labels < 0) | (self.labels >= len(self.classes))].tolist()}):
            raise ValueError(f"{self.path}: labels {wrong}, expected 0 to {len(self.classes) - 1}")

    def __len__(self) -> int:
        return len(self.pixels)

    def image(self, index: int) -> Pixels:
        """Return a picture (H, W, C)."""
        return self.pixels[index]

    def place(self, index: int) -> str:
        """Name a picture in a message."""
        return f"{self.path}: picture {index}"
