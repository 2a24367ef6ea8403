"""Formats of label files and released datasets, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from grcnn_ocr.datasets.importers.boxes import clipped
from grcnn_ocr.datasets.importers.icdar2003 import labels_beside, read_icdar2003
from grcnn_ocr.datasets.importers.icdar2013 import LINE, read_icdar2013
from grcnn_ocr.datasets.importers.label_file import read_label_file, read_space_separated
from grcnn_ocr.datasets.importers.records import LabelledPath, Problem
from grcnn_ocr.datasets.importers.svt import read_svt
from grcnn_ocr.datasets.importers.synth90k import read_synth90k


def _read_iiit5k(path: Path, images: Path) -> Iterator[LabelledPath | Problem]:
    from grcnn_ocr.datasets.importers.iiit5k import read_iiit5k  # scipy is slow to import

    return read_iiit5k(path, images)


FORMATS: dict[str, Callable[[Path, Path], Iterable[LabelledPath | Problem]]] = {
    "label_file": read_label_file,
    "space_separated": read_space_separated,
    "icdar2003": read_icdar2003,
    "icdar2013": read_icdar2013,
    "icdar2015": read_icdar2013,
    "iiit5k": _read_iiit5k,
    "svt": read_svt,
    "synth90k": read_synth90k,
}
"""Readers, each taking a file and the folder that its paths start from."""


def read_release(path: Path, format: str = "auto", images: Path | None = None) -> Iterator[LabelledPath | Problem]:
    """Read the records of a label file or of a dataset as released.

    Oddities (an encoding other than UTF-8, boxes that were clipped) are logged.

    Args:
        path: the file that holds the labels.
        format: a name in `FORMATS`, or "auto": see `recognise`.
        images: folder that relative paths start from; by default the file's.

    Returns:
        A `LabelledPath` or a `Problem` for each record, in the release's order; boxes lie within their images.

    Raises:
        ValueError: on an unknown format, or a file that is not of its format.
    """
    if format == "auto":
        format = recognise(path)
    if format not in FORMATS:
        raise ValueError(f"no format {format!r}; known: auto, {', '.join(FORMATS)}")
    return clipped(FORMATS[format](path, images if images is not None else path.parent), path)


def recognise(path: Path) -> str:
    """Recognise the format of a file by its name and first lines; an unknown one is taken for a label file.

    Never returns "space_separated", which looks like a malformed label file.
    """
    name = path.name.lower()
    if name.endswith(".mat"):
        return "iiit5k"
    if not name.endswith((".xml", ".txt")) or not path.is_file():
        return "label_file"
    with path.open("rb") as file:
        start = file.read(2**16).decode("utf-8", "replace").lstrip("\ufeff").lstrip()
    first = start.splitlines()[0].strip() if start else ""
    if name.endswith(".xml"):
        if "<lex>" in start:
            return "svt"
        return "icdar2003" if re.search(r"<taggedRectangle|<image\s[^>]*file\s*=|<imageName>", start) else "label_file"
    if "\t" in first:
        return "label_file"
    if name.endswith("gt.txt") and LINE.fullmatch(first):
        return "icdar2013"
    if name.startswith("annotation") and re.fullmatch(r"\S+\.jpg [0-9]+", first):
        return "synth90k"
    return "icdar2003" if labels_beside(path).is_file() else "label_file"
