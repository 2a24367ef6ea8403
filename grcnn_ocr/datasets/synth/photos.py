"""Photos as backgrounds of words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.loading import loading_threads

Photo = NDArray[np.uint8]
"""(H, W, 3) RGB."""

SYSTEM_FOLDERS = (Path("/usr/share/wallpapers"), Path("/usr/share/backgrounds"))
ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
LONGER_SIDE = 640
"""Photos are shrunk to at most this many pixels along their longer side."""
MIN_SIDE = 16


def load_photos(folders: Sequence[Path]) -> dict[str, Photo]:
    """Read the photos in folders and their subfolders, shrunk, by the digest of their bytes.

    Raises:
        ValueError: on a file that cannot be decoded or is too small, naming it, or if a folder holds no photos.
    """
    found = {folder: _find(folder) for folder in folders}
    for folder, paths in found.items():
        if not paths:
            raise ValueError(f"no photos ({' '.join(sorted(ENDINGS))}) in {folder}")
    return _load([path for paths in found.values() for path in paths])[0]


def load_system_photos(folders: Sequence[Path] = SYSTEM_FOLDERS) -> tuple[dict[str, Photo], dict[str, str]]:
    """Read the system's wallpapers, if it has any; also return why files are unusable, by file."""
    paths = [path for folder in folders if folder.is_dir() for path in _find(folder)]
    return _load(paths, skips_unusable=True)


def _find(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())


def _load(paths: Sequence[Path], skips_unusable: bool = False) -> tuple[dict[str, Photo], dict[str, str]]:
    photos, rejected = {}, {}
    for path, outcome in zip(paths, loading_threads().map(_read, paths), strict=True):
        if not isinstance(outcome, str):
            digest, photo = outcome
            photos[digest] = photo
        elif skips_unusable:
            rejected[str(path)] = outcome
        else:
            raise ValueError(f"{path}: {outcome}")
    return dict(sorted(photos.items())), rejected


def _read(path: Path) -> tuple[str, Photo] | str:
    """Return the digest and the shrunk photo, or why it is unusable."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    image = _decode(data, cv2.IMREAD_REDUCED_COLOR_4)
    if image is None or max(image.shape[:2]) < LONGER_SIDE:
        image = _decode(data, cv2.IMREAD_COLOR)
    if image is None:
        return "not a photo that can be read; remove it, or convert it to JPEG"
    factor = min(1.0, LONGER_SIDE / max(image.shape[:2]))
    size = (round(factor * image.shape[1]), round(factor * image.shape[0]))
    if min(size) < MIN_SIDE:
        return "too small or too narrow for a background; remove it"
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return hashlib.sha256(data).hexdigest(), cv2.cvtColor(small, cv2.COLOR_BGR2RGB)


def _decode(data: bytes, flags: int) -> NDArray[np.uint8] | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:
        return None
