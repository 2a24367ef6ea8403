"""Folders of pictures, one a class, plain or in a zip archive: CLASS/*.jpg or {train,test}/CLASS/*.jpg."""

from __future__ import annotations

import logging
import os
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.datasets.images.source import Split

logger = logging.getLogger(__name__)

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")
SPLITS: dict[Split, tuple[str, ...]] = {"train": ("train",), "test": ("test", "val", "valid", "validation")}
"""The folders that are splits; of several the first that is there."""


@dataclass(frozen=True)
class FolderImages:
    """Pictures in files, read when asked for.

    Attributes:
        path: the folder, or the zip archive.
        classes: names of the folders.
        labels: (N,).
        names: of the files, from `path`.
    """

    path: Path
    classes: Sequence[str]
    labels: NDArray[np.int64]
    names: Sequence[str] = field(repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def image(self, index: int) -> bytes:
        """Return an encoded picture.

        Raises:
            ValueError: if its file cannot be read, naming it.
        """
        try:
            if self.path.is_dir():
                return (self.path / self.names[index]).read_bytes()
            return _archive(self.path, os.getpid()).read(self.names[index])
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise ValueError(f"{self.place(index)} cannot be read: {error}") from None
        except OSError as error:
            raise ValueError(f"{self.place(index)} cannot be read: {error.strerror or error}") from None

    def place(self, index: int) -> str:
        """Name a picture in a message."""
        return f"{self.path}/{self.names[index]}"


def read_folders(path: Path, split: Split | None) -> FolderImages:
    """List the pictures of a split; of all, if there are no folders of splits.

    Args:
        path: a folder or a zip archive.
        split: None is "test" where there are folders of splits.

    Raises:
        ValueError: if the archive is damaged, the split is missing, or there are fewer than two classes.
    """
    names = sorted(_names(path))
    pictures = [name for name in names if name.lower().endswith(ENDINGS)]
    if left := len(names) - len(pictures):
        logger.info("%s: %d files are not pictures by their ending and are left aside", path, left)
    parts = [PurePosixPath(name).parts for name in pictures]
    folders = [part[-3].lower() if len(part) > 2 else "" for part in parts]
    present = set(folders)
    firsts = {split: next(filter(present.__contains__, every), None) for split, every in SPLITS.items()}
    named = {folder: split for split, folder in firsts.items() if folder}
    splits = [named.get(folder) for folder in folders]
    if any(splits):
        found = [at for at, one in enumerate(splits) if one == (split or "test")]
        if not found:
            raise ValueError(f"{path}: no pictures in a folder of the split {split or 'test'!r}")
        classes = sorted({parts[at][-2] for at, one in enumerate(splits) if one})
        left = splits.count(None)
    elif split == "test":
        raise ValueError(f"{path}: no split 'test', that is no test/CLASS/*.jpg or val/CLASS/*.jpg")
    else:
        found = [at for at, part in enumerate(parts) if len(part) > 1]
        classes = sorted({parts[at][-2] for at in found})
        left = len(parts) - len(found)
    if left:
        read = f" of {' or '.join(named)}" if named else ""
        logger.info("%s: %d pictures are in no class's folder%s and are left aside", path, left, read)
    if len(classes) < 2:
        raise ValueError(
            f"{path}: pictures of {len(classes)} classes{f', {classes[0]!r}' if classes else ''}; expected two or "
            "more folders of pictures, one a class"
        )
    index = {name: number for number, name in enumerate(classes)}
    labels = np.array([index[parts[at][-2]] for at in found], np.int64)
    return FolderImages(path, classes, labels, [pictures[at] for at in found])


def _names(path: Path) -> Iterable[str]:
    """Return the files within, from `path`."""
    if path.is_dir():
        return [
            (Path(folder) / file).relative_to(path).as_posix()
            for folder, _, files in os.walk(path, followlinks=True)
            for file in files
        ]
    try:
        return [name for name in _archive(path, os.getpid()).namelist() if not name.endswith("/")]
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(f"{path} is damaged or truncated ({error}); fetch it again") from None


@lru_cache(maxsize=4)
def _archive(path: Path, process: int) -> zipfile.ZipFile:
    """Open an archive, separately in each process, as processes would move each other's position in the file."""
    return zipfile.ZipFile(path)
