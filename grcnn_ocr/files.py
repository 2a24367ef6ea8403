"""Writing files atomically: neither a reader nor a crash ever leaves or sees half of one."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(path: Path, previous: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success flush it to disk and rename it to `path`.

    What was at `path` is kept at `previous`, if given.

    Raises:
        OSError: if `path` cannot be written or is a folder, naming it.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.writing")  # a fixed name: what a kill leaves is overwritten next time
    with told_as(path):
        try:
            yield aside
            flush_to_disk(aside)
            if previous is not None and path.exists():
                path.replace(previous)
            aside.replace(path)
            flush_to_disk(path.parent)
        finally:
            aside.unlink(missing_ok=True)


def replace_folder(folder: Path, new: Path, previous: Path) -> None:
    """Put the folder `new`, already flushed to disk, in the place of `folder`; what was there is left at `previous`.

    If this is interrupted or fails, the old folder is moved back; after a kill, `bring_back` does that.
    """
    try:
        if folder.exists():
            folder.rename(previous)
        new.rename(folder)
        flush_to_disk(folder.parent)
    finally:
        bring_back(folder, previous)


def bring_back(folder: Path, previous: Path) -> None:
    """Move what `replace_folder` set aside back to `folder`, if nothing is there."""
    if previous.exists() and not folder.exists():
        previous.rename(folder)


@contextmanager
def told_as(path: Path) -> Iterator[None]:
    """Let an OSError about a temporary `.NAME.*` beside `path` name `path` instead, which the user knows."""
    try:
        yield
    except OSError as error:
        if any(part.startswith(f".{path.name}.") for part in Path(str(error.filename)).parts):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def check_output(path: Path, overwrite: bool) -> None:
    """Check early that `written_aside` will be able to write `path`.

    Raises:
        ValueError: if `path` is a folder, exists and may not be replaced, or cannot be created.
    """
    if path.is_dir():
        raise ValueError(f"{path}: this is a folder, expected the name of a file")
    if path.exists() and not overwrite:
        raise ValueError(f"{path} exists; give --overwrite to replace it")
    check_parent(path)


def check_parent(path: Path) -> None:
    """Check that something can be created at `path`; missing folders above it are no fault.

    Raises:
        ValueError: if the nearest existing path above it is not a folder, or cannot be written to.
    """
    folder = next((folder for folder in path.parents if folder.exists()), Path())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ValueError(f"{path} cannot be written: {folder} is not a folder that can be written to")


def flush_to_disk(path: Path) -> None:
    """Fsync a file or a directory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
