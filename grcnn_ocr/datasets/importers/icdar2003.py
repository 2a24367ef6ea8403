"""ICDAR 2003 robust reading (Lucas et al.): cropped words, full scenes, or the lists of the GRCNN release.

word.xml               <image file="word/1/1.jpg" tag="WORD"/>: crops
words.xml,             full images with tagged rectangles; see `tagged_rectangles`. In a locations.xml the boxes may
locations.xml          have no words: those are in words.xml
test.txt               one image path per line, with the labels in the same order in test_label.txt beside it, and
                       perhaps a comma-separated list per image in lexicon_50.txt. As in the GRCNN release
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from xml.etree.ElementTree import Element

from grcnn_ocr.datasets.importers.records import LabelledPath, Problem
from grcnn_ocr.datasets.importers.tagged_rectangles import read_tagged_rectangles
from grcnn_ocr.datasets.importers.text_files import place_of, read_lines, read_xml
from grcnn_ocr.text.lexicon import Lexicon

logger = logging.getLogger(__name__)


def read_icdar2003(path: Path, images: Path) -> Iterator[LabelledPath | Problem]:
    """Read any of these layouts.

    Raises:
        ValueError: on a file of another kind, or lists of different lengths.
    """
    if path.suffix.lower() != ".xml":
        return _read_lists(path, images)
    root = read_xml(path)
    if root.find(".//taggedRectangle") is not None:
        return read_tagged_rectangles(root, path, images, with_lexicon=False)
    if root.find(".//image[@file]") is None:
        raise ValueError(f"{path}: neither <image file= tag=> nor <taggedRectangle>, as ICDAR 2003 has them")
    return _read_crops(root, path, images)


def labels_beside(path: Path) -> Path:
    """Return the path of the labels for a list of images of the GRCNN release."""
    return path.with_name(f"{path.stem}_label{path.suffix}")


def _read_crops(root: Element, path: Path, images: Path) -> Iterator[LabelledPath | Problem]:
    for image in root.iter("image"):
        place = place_of(path, image)
        name, label = image.get("file", "").strip(), image.get("tag", "").strip()
        if not name:
            yield Problem("malformed element", place, f"expected <image file= tag=>, found {image.attrib}")
        elif not label:
            yield Problem("empty label", place, f"no text for {name}")
        else:
            yield LabelledPath(images / name, label, place)


def _read_lists(path: Path, images: Path) -> Iterator[LabelledPath | Problem]:
    names, labels = read_lines(path), read_lines(labels_beside(path))
    if len(names) != len(labels):
        raise ValueError(f"{path} lists {len(names)} images, {labels_beside(path)} {len(labels)} labels: not a pair")
    lexicon_file = path.with_name("lexicon_50.txt")
    lexicon = Lexicon.load(lexicon_file) if lexicon_file.is_file() else None
    if lexicon is not None:
        if not lexicon.per_image:
            raise ValueError(f"{lexicon_file}: expected one comma list per image, found one list for all")
        lexicon.check_length(len(names))
    num_moved = 0
    for index, (name, label) in enumerate(zip(names, labels, strict=True)):
        place = f"{path}:{index + 1}"
        if not name:
            yield Problem("malformed line", place, "expected the path of an image, found a blank line")
        elif not label:
            yield Problem("empty label", place, f"no text for {name}")
        else:
            image, beside = images / name, images / PureWindowsPath(name).name
            if not image.is_file() and beside.is_file():
                image, num_moved = beside, num_moved + 1
            lists = {"50": lexicon.words(index)} if lexicon is not None else {}
            yield LabelledPath(image, label, place, lexicons=lists)
    if num_moved:
        logger.info("%s: %d images are not at the paths listed; used those of that name in %s", path, num_moved, images)
