"""Words cut from full images."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from grcnn_ocr.datasets.importers.records import LabelledPath, Problem
from grcnn_ocr.pixels import decode

logger = logging.getLogger(__name__)


def clipped(records: Iterable[LabelledPath | Problem], path: Path) -> Iterator[LabelledPath | Problem]:
    """Clip boxes to their images, reading only the header of each; the number of clipped boxes is logged at the end.

    Yields:
        The records; one whose image cannot be opened, or whose box lies wholly outside it, becomes a `Problem`.
    """
    num_clipped = 0
    last: Path | None = None
    width = height = 0
    for record in records:
        if isinstance(record, Problem) or record.box is None:
            yield record
            continue
        place = f"{record.place}: {record.path}"
        if record.path != last:
            last = None
            try:
                with Image.open(record.path) as image:
                    width, height = image.size
            except (OSError, ValueError, Image.DecompressionBombError) as error:
                yield Problem.of_image(place, error)
                continue
            last = record.path
        left, top, right, bottom = record.box
        box = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
        if box[0] >= box[2] or box[1] >= box[3]:
            yield Problem("box outside", place, f"box {record.box} of {record.label!r}, image {width} x {height}")
            continue
        num_clipped += box != record.box
        yield replace(record, box=box)
    if num_clipped:
        logger.info("%s: %d boxes extend beyond their image; clipped to it", path, num_clipped)


class WordImages:
    """Loads the encoded images of records; the last decoded full image is kept for the next box."""

    def __init__(self) -> None:
        self._last: tuple[Path, np.ndarray] | None = None

    def __getstate__(self) -> dict[str, object]:
        return {"_last": None}

    def encoded(self, record: LabelledPath) -> bytes:
        """Return the bytes of the file, or for a box its pixels as PNG.

        Raises:
            OSError: if the file cannot be read.
            ValueError: if a full image cannot be decoded.
        """
        if record.box is None:
            return record.path.read_bytes()
        last = self._last
        if last is None or last[0] != record.path:
            last = self._last = record.path, _decode_full(record.path.read_bytes())
        left, top, right, bottom = record.box
        return cv2.imencode(".png", last[1][top:bottom, left:right])[1].tobytes()


def _decode_full(data: bytes) -> np.ndarray:
    decode(data)  # refuses empty or truncated data, which imdecode does not
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)  # boxes count pixels before EXIF rotation
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise ValueError("a box can be cut only from pixels of 8 or 16 bits")
    return image
