"""Data for the tests of training."""

from pathlib import Path

import numpy as np
import pytest
from archives import png, write_folder


@pytest.fixture
def squares(tmp_path) -> Path:
    """Pictures of two classes that differ in which half is bright."""
    rng = np.random.default_rng(0)
    files = {}
    for split, count in (("train", 24), ("test", 6)):
        for number in range(count):
            image = rng.integers(0, 100, (16, 16, 3), dtype=np.uint8)
            half = image[:, :8] if number % 2 else image[:, 8:]
            half += 150
            files[f"{split}/{'left' if number % 2 else 'right'}/{number}.png"] = png(image)
    return write_folder(tmp_path / "squares", files)
