"""SVHN's cropped digits: {train,test,extra}_32x32.mat of http://ufldl.stanford.edu/housenumbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from grcnn_ocr.datasets.images.source import Split, StoredImages


def is_svhn(path: Path) -> bool:
    """Whether this is one of SVHN's files, or a folder that holds them."""
    return path.name.endswith("_32x32.mat") or any(
        (path / f"{split}_32x32.mat").is_file() for split in ("train", "test")
    )


def read_svhn(path: Path, split: Split) -> StoredImages:
    """Read a split of a folder, or a file whatever its split, such as extra_32x32.mat.

    Raises:
        ValueError: on a missing or damaged file, naming it.
    """
    from scipy.io import loadmat

    file = path if path.is_file() else path / f"{split}_32x32.mat"
    if not file.is_file():
        raise ValueError(f"{path}: no {file.name}, of which its split {split!r} consists")
    try:
        values = loadmat(file, variable_names=["X", "y"])
    except Exception as error:  # scipy raises many kinds on a damaged file
        raise ValueError(f"{file} is damaged or truncated ({error}); fetch it again") from None
    if not {"X", "y"} <= values.keys() or values["X"].ndim != 4 or values["X"].dtype != np.uint8:
        raise ValueError(f"{file}: expected X, uint8 (H, W, 3, N), and y, (N, 1); found {', '.join(values)}")
    labels = values["y"].astype(np.int64).ravel() % 10  # 10 is the digit 0
    pixels = np.ascontiguousarray(values["X"].transpose(3, 0, 1, 2))
    return StoredImages(file, [str(digit) for digit in range(10)], labels, pixels)
