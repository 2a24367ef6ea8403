"""Opening labelled pictures of whatever known format."""

from __future__ import annotations

import zipfile
from pathlib import Path

from grcnn_ocr.datasets.images.cifar import MEMBERS, is_cifar, read_cifar
from grcnn_ocr.datasets.images.folders import read_folders
from grcnn_ocr.datasets.images.members import read_members
from grcnn_ocr.datasets.images.mnist import is_mnist, read_mnist
from grcnn_ocr.datasets.images.source import ImageSource, Split
from grcnn_ocr.datasets.images.svhn import is_svhn, read_svhn


def open_images(path: str | Path, split: Split | None) -> ImageSource:
    """Open labelled pictures.

    Args:
        path: CIFAR-10 or -100 (the archive or the unpacked folder, Python or binary version), a folder of MNIST's or
            SVHN's files, or a folder or zip archive of CLASS/*.jpg or {train,test}/CLASS/*.jpg.
        split: None is "test", or all pictures of folders that are not divided.

    Raises:
        ValueError: if it is none of these, or damaged, naming the file.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"no pictures {path}: expected CIFAR's, MNIST's or SVHN's files, or folders of pictures")
    if path.is_dir() and is_mnist(path):
        return read_mnist(path, split or "test")
    if is_svhn(path):
        return read_svhn(path, split or "test")
    if path.is_file() and (path.suffix == ".zip" or zipfile.is_zipfile(path)):
        return read_folders(path, split)
    files = read_members(path, MEMBERS)
    if is_cifar(files):
        return read_cifar(path, files, split or "test")
    if path.is_dir():
        return read_folders(path, split)
    raise ValueError(f"{path} holds none of the files of CIFAR-10 or CIFAR-100")
