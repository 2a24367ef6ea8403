"""CIFAR-10 and CIFAR-100 as released: the Python and the binary version, as archive or unpacked.

https://www.cs.toronto.edu/~kriz/cifar.html: 32 x 32 RGB, stored channel by channel. The Python version is of pickles;
what is read of one are dictionaries, lists, strings, numbers and numpy arrays, and nothing else is ever called.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.datasets.images.source import Split, StoredImages

MEMBERS = r"(data_batch_\d+|test_batch)(\.bin)?|batches\.meta(\.txt)?|(train|test)(\.bin)?|meta|fine_label_names\.txt"
"""The files that `read_cifar` may need."""
SIDE = 32
IMAGE_BYTES = 3 * SIDE * SIDE
ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}
"""What a pickle of an array refers to; the last one where Python 3 wrote bytes for Python 2."""


def is_cifar(names: Mapping[str, bytes]) -> bool:
    """Whether files of these names are CIFAR's."""
    return any(name in names for name in ("batches.meta", "batches.meta.txt", "meta", "fine_label_names.txt"))


def read_cifar(path: Path, files: Mapping[str, bytes], split: Split) -> StoredImages:
    """Read a split of the files of a release, by name.

    Raises:
        ValueError: on a missing or damaged file, naming it.
    """
    if "batches.meta" in files or "meta" in files:
        is_10 = "batches.meta" in files
        meta = unpickled(path, "batches.meta" if is_10 else "meta", files)
        classes = _entry(path, meta, "label_names" if is_10 else "fine_label_names")
        names = [name.decode() for name in classes]
        batches = [unpickled(path, name, files) for name in _batches(path, files, split, is_10, "")]
        key = "labels" if is_10 else "fine_labels"
        labels = np.concatenate([np.asarray(_entry(path, batch, key), np.int64) for batch in batches])
        planes = np.concatenate([np.asarray(_entry(path, batch, "data")) for batch in batches])
        if planes.dtype != np.uint8 or planes.ndim != 2 or planes.shape[1] != IMAGE_BYTES:
            raise ValueError(f"{path}: data of {planes.dtype} {planes.shape}, expected uint8 (pictures, {IMAGE_BYTES})")
    else:
        is_10 = "batches.meta.txt" in files
        names = files["batches.meta.txt" if is_10 else "fine_label_names.txt"].decode().split()
        header = 1 if is_10 else 2  # CIFAR-100: the coarse class, then the fine one
        records = np.concatenate(
            [_records(path, name, files[name], header) for name in _batches(path, files, split, is_10, ".bin")]
        )
        labels, planes = records[:, header - 1].astype(np.int64), records[:, header:]
    return StoredImages(path, names, labels, _interleaved(planes))


def _interleaved(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn (N, 3072), channel by channel, into (N, 32, 32, 3)."""
    return np.ascontiguousarray(planes.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1))


def _batches(path: Path, files: Mapping[str, bytes], split: Split, is_10: bool, ending: str) -> list[str]:
    """Name the files of a split."""
    if is_10 and split == "train":
        wanted = [f"data_batch_{number}{ending}" for number in range(1, 6)]
    else:
        wanted = [f"test_batch{ending}" if is_10 else f"{split}{ending}"]
    if missing := [name for name in wanted if name not in files]:
        raise ValueError(f"{path}: no {', '.join(missing)}, of which its split {split!r} consists")
    return wanted


def _records(path: Path, name: str, data: bytes, header: int) -> NDArray[np.uint8]:
    size = header + IMAGE_BYTES
    if not data or len(data) % size:
        raise ValueError(f"{path}: {name} has {len(data)} bytes, expected a multiple of {size}: it is truncated")
    return np.frombuffer(data, np.uint8).reshape(-1, size)


def unpickled(path: Path, name: str, files: Mapping[str, bytes]) -> dict[bytes, Any]:
    """Read a pickled dictionary, refusing whatever a release does not hold.

    Raises:
        ValueError: if it is damaged, or refers to anything but numpy's arrays.
    """
    try:
        found = _Unpickler(io.BytesIO(files[name]), encoding="bytes").load()
    except Exception as error:  # a damaged pickle raises many kinds
        raise ValueError(f"{path}: {name} cannot be read as one of CIFAR's pickles: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: {name} holds a {type(found).__name__}, expected a dictionary")
    return found


def _entry(path: Path, values: Mapping[bytes, Any], key: str) -> Any:
    if key.encode() not in values:
        raise ValueError(f"{path}: no entry {key!r} (found: {', '.join(map(str, values))})")
    return values[key.encode()]


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise pickle.UnpicklingError(f"it refers to {module}.{name}, which is not called")
        return super().find_class(module, name)
