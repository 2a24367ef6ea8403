"""Miniature releases of every format: the same few pictures in each."""

import gzip
import io
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
from scipy.io import savemat

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
LABELS = np.array([3, 0, 1, 2, 3, 9, 8, 7, 6, 5])
NAMES = [f"class{number}" for number in range(10)]
PLANES = PIXELS.transpose(0, 3, 1, 2).reshape(10, 3072)


def cifar10_python() -> dict[str, bytes]:
    """Two pictures a batch; as released, pickled by protocol 2 with keys of bytes."""

    def batch(at: slice) -> bytes:
        return pickle.dumps({b"data": PLANES[at], b"labels": LABELS[at].tolist()}, protocol=2)

    files = {f"data_batch_{number}": batch(slice(2 * number - 2, 2 * number)) for number in range(1, 6)}
    names = pickle.dumps({b"label_names": [name.encode() for name in NAMES]}, protocol=2)
    return {**files, "test_batch": batch(slice(0, 3)), "batches.meta": names, "readme.html": b""}


def cifar100_python() -> dict[str, bytes]:
    coarse = (LABELS // 2).tolist()
    entries = {b"data": PLANES, b"coarse_labels": coarse, b"fine_labels": LABELS.tolist()}
    test = {b"data": PLANES[:3], b"coarse_labels": coarse[:3], b"fine_labels": LABELS[:3].tolist()}
    meta = {b"fine_label_names": [name.encode() for name in NAMES], b"coarse_label_names": []}
    files = {"train": entries, "test": test, "meta": meta}
    return {name: pickle.dumps(values, protocol=2) for name, values in files.items()}


def cifar10_binary() -> dict[str, bytes]:
    records = np.hstack([LABELS[:, None].astype(np.uint8), PLANES])
    files = {f"data_batch_{number}.bin": records[2 * number - 2 : 2 * number].tobytes() for number in range(1, 6)}
    return {**files, "test_batch.bin": records[:3].tobytes(), "batches.meta.txt": "\n".join([*NAMES, ""]).encode()}


def cifar100_binary() -> dict[str, bytes]:
    labels = np.stack([LABELS // 2, LABELS], axis=1).astype(np.uint8)
    records = np.hstack([labels, PLANES])
    names = "\n".join(NAMES).encode()
    return {"train.bin": records.tobytes(), "test.bin": records[:3].tobytes(), "fine_label_names.txt": names}


CIFAR = {function.__name__: function for function in (cifar10_python, cifar100_python, cifar10_binary, cifar100_binary)}


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"cifar/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def idx(values: np.ndarray) -> bytes:
    return b"\0\0\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def mnist() -> dict[str, bytes]:
    gray, labels = np.ascontiguousarray(PIXELS[:, 2:30, 2:30, 0]), LABELS.astype(np.uint8)
    return {
        "train-images-idx3-ubyte.gz": gzip.compress(idx(gray)),
        "train-labels-idx1-ubyte.gz": gzip.compress(idx(labels)),
        "t10k-images-idx3-ubyte": idx(gray[:3]),
        "t10k-labels-idx1-ubyte": idx(labels[:3]),
    }


def write_svhn(folder: Path) -> Path:
    folder.mkdir()
    labels = np.where(LABELS == 0, 10, LABELS)[:, None].astype(np.uint8)
    savemat(folder / "train_32x32.mat", {"X": PIXELS.transpose(1, 2, 3, 0), "y": labels})
    savemat(folder / "test_32x32.mat", {"X": PIXELS[:3].transpose(1, 2, 3, 0), "y": labels[:3]})
    return folder


def png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes()


def picture_files(root: str = "") -> dict[str, bytes]:
    """Two classes of pictures, in folders of splits."""
    files = {f"{root}train/{'cat' if n % 2 else 'dog'}/{n}.png": png(PIXELS[n]) for n in range(8)}
    tests = {f"{root}val/{'cat' if n % 2 else 'dog'}/{n}.png": png(PIXELS[n]) for n in (8, 9)}
    return {**files, **tests, f"{root}train/cat/notes.txt": b"a cat"}
