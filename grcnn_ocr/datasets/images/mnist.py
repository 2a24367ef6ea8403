"""MNIST's idx files, with or without .gz: http://yann.lecun.com/exdb/mnist, also of Fashion-MNIST, KMNIST, ..."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.datasets.images.source import Split, StoredImages

PREFIX: dict[Split, str] = {"train": "train", "test": "t10k"}
UNSIGNED_BYTE = 8
"""The code of idx for the type of the values."""


def is_mnist(path: Path) -> bool:
    """Whether a folder holds MNIST's files."""
    return any(_find(path, split, "images-idx3") for split in PREFIX)


def read_mnist(path: Path, split: Split) -> StoredImages:
    """Read a split of a folder.

    Raises:
        ValueError: on a missing or damaged file, naming it.
    """
    found = {}
    for part in ("images-idx3", "labels-idx1"):
        file = _find(path, split, part)
        if file is None:
            raise ValueError(f"{path}: no {PREFIX[split]}-{part}-ubyte.gz, of which its split {split!r} consists")
        found[part] = read_idx(file)
    images, labels = found["images-idx3"], found["labels-idx1"].astype(np.int64)
    classes = [str(digit) for digit in range(max(10, int(labels.max(initial=0)) + 1))]
    return StoredImages(path, classes, labels, images[..., None])


def read_idx(file: Path) -> NDArray[np.uint8]:
    """Read an array of bytes: two zeros, the type, the number of dimensions, their sizes, the values.

    Raises:
        ValueError: if it is not one, or truncated.
    """
    try:
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{file} is damaged or truncated ({error}); fetch it again") from None
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != UNSIGNED_BYTE or len(data) < 4 + 4 * data[3]:
        raise ValueError(f"{file} is not an idx file of bytes: it begins with {data[:4].hex(' ')}")
    shape = struct.unpack(f">{data[3]}I", data[4 : 4 + 4 * data[3]])
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
    if len(values) != np.prod(shape, dtype=np.int64):
        raise ValueError(f"{file} holds {len(values)} values, but says {' x '.join(map(str, shape))}: truncated")
    return values.reshape(shape)


def _find(path: Path, split: Split, part: str) -> Path | None:
    name = f"{PREFIX[split]}-{part}-ubyte"
    files = (path / f"{name}.gz", path / name)
    return next((file for file in files if file.is_file()), None)
