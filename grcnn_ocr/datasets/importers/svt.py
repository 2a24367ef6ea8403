"""Street View Text (Wang and Belongie, ECCV 2010): train.xml or test.xml, and full images in img/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from grcnn_ocr.datasets.importers.records import LabelledPath, Problem
from grcnn_ocr.datasets.importers.tagged_rectangles import read_tagged_rectangles
from grcnn_ocr.datasets.importers.text_files import read_xml


def read_svt(path: Path, images: Path) -> Iterator[LabelledPath | Problem]:
    """Read the words of each image, each with its image's list of about 50 words as "50".

    Raises:
        ValueError: if the file is not such XML, naming the line.
    """
    root = read_xml(path)
    if root.find(".//taggedRectangle") is None:
        raise ValueError(f"{path}: no <taggedRectangle>; Street View Text's train.xml or test.xml was expected")
    return read_tagged_rectangles(root, path, images, with_lexicon=True)
