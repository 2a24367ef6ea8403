"""Images from any kind of source, loaded and resized by threads ahead of the network."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from grcnn_ocr.pixels import Pixels, decode, to_grayscale, turned
from grcnn_ocr.preprocess import Preprocessor

if TYPE_CHECKING:
    from PIL.Image import Image

    ImageSource = str | Path | bytes | np.ndarray | Image

T = TypeVar("T")

Progress = Callable[[int], None]
"""Called with the number of items done since the last call."""

TALL = 1.5
"""Ratio of height to width above which an image may hold turned text."""

_pil_lock = Lock()
"""PIL loads an image lazily, and one may be given twice: two threads must not load it at once."""


@dataclass(frozen=True)
class View:
    """One way to look at an image.

    Attributes:
        rotation: in degrees clockwise.
        image: grayscale (H, W), turned by `rotation`.
        resized: the same for the network.
    """

    rotation: int
    image: Pixels
    resized: Pixels


def load_ahead(
    sources: Sequence[ImageSource], preprocessor: Preprocessor, window: int, upright: bool
) -> Iterator[list[list[View] | ValueError]]:
    """Yield images window by window, or why one cannot be loaded; the next window is loaded meanwhile.

    Args:
        sources: see `load_image`.
        preprocessor: resizes for the network.
        window: images that are loaded together.
        upright: whether tall images are also turned either way.
    """
    if len(sources) == 1:
        yield [_views(sources[0], preprocessor, upright)]
        return
    loading: list[Future[list[View] | ValueError]] = []
    following: list[Future[list[View] | ValueError]] = []
    try:
        for batch in batched(sources, window):
            following = [loading_threads().submit(_views, source, preprocessor, upright) for source in batch]
            if loading:
                yield [future.result() for future in loading]
            loading = following
        if loading:
            yield [future.result() for future in loading]
    finally:
        for future in following:
            future.cancel()
        wait(following)


@cache
def loading_threads() -> ThreadPoolExecutor:
    """Return the threads of this process that decode images, one a core.

    They are kept: OpenCV holds a lock while a thread that used it ends, and a process forked just then waits for it
    forever. A forked process gets threads of its own.
    """
    return ThreadPoolExecutor(num_cores(), thread_name_prefix="load")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=loading_threads.cache_clear)


def load_image(source: ImageSource) -> Pixels:
    """Load a path, encoded bytes, a PIL image or an array as grayscale (H, W). Safe to call from several threads.

    Raises:
        ValueError: if it cannot be read, naming it.
    """
    if isinstance(source, str | Path):
        try:
            return decode(Path(source).read_bytes())
        except (ValueError, OSError) as error:
            reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            raise ValueError(f"{source}: {reason}") from None
    if isinstance(source, bytes):
        return decode(source)
    if isinstance(source, np.ndarray):
        return to_grayscale(source)
    with _pil_lock:
        return to_grayscale(_pil_to_array(source))


def rotations(image: Pixels, upright: bool) -> tuple[int, ...]:
    """Return the rotations, in degrees clockwise, to read an image (H, W) in: three if it is tall and `upright`."""
    height, width = image.shape
    return (0, 90, 270) if upright and height > TALL * width else (0,)


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` items, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def num_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _views(source: ImageSource, preprocessor: Preprocessor, upright: bool) -> list[View] | ValueError:
    """Return an image in each of its `rotations`, or why it cannot be loaded."""
    try:
        image = load_image(source)
    except ValueError as error:
        return error
    views = [(rotation, turned(image, rotation)) for rotation in rotations(image, upright)]
    return [View(rotation, view, preprocessor.resize(view)) for rotation, view in views]


def _pil_to_array(image: Any) -> np.ndarray:
    pil = sys.modules.get("PIL.Image")  # already imported if this is a PIL image
    if pil is None or not isinstance(image, pil.Image):
        raise ValueError(f"an image is a path, bytes, a PIL image or a numpy array; found {type(image).__name__}")
    from PIL import ImageOps

    try:
        image.load()
    except Exception as error:  # Pillow raises many kinds on a broken picture, an AssertionError on a closed one
        raise ValueError(f"the PIL image cannot be loaded: {str(error) or 'its file is closed'}") from None
    with suppress(Exception):  # broken EXIF is ignored
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if image.mode == "I":  # 32-bit: a 16-bit PNG in older versions of Pillow, or an 8-bit image that was converted
        levels = np.asarray(image).clip(0, 65535)
        return levels.astype(np.uint8 if levels.max(initial=0) <= 255 else np.uint16)
    is_transparent = image.mode in ("LA", "PA", "RGBa") or "transparency" in image.info
    if is_transparent or image.mode not in ("1", "L", "F", "RGB", "RGBA"):
        image = image.convert("RGBA" if is_transparent else "RGB")
    return np.asarray(image)
