"""Full images with a tagged rectangle per word: the XML of ICDAR 2003's scenes and of Street View Text.

<tagset> <image> <imageName>scene.jpg</imageName> <lex>A,B,...</lex>
    <taggedRectangles> <taggedRectangle x= y= width= height= [offset= rotation=]> <tag>WORD</tag> ...
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from grcnn_ocr.datasets.importers.records import Box, LabelledPath, Problem
from grcnn_ocr.datasets.importers.text_files import place_of

logger = logging.getLogger(__name__)


def read_tagged_rectangles(
    root: Element, path: Path, images: Path, with_lexicon: bool
) -> Iterator[LabelledPath | Problem]:
    """Read the words of each image in order.

    `offset` and `rotation` give the slant of a word; its upright box is cut, and the number of slanted words is logged.
    Fractions of a pixel widen the box.

    Args:
        root: the parsed file.
        path: of the file, for messages.
        images: folder that image names start from.
        with_lexicon: whether each image has a `<lex>`; its words become the list "50".

    Raises:
        ValueError: on an image without a name or, `with_lexicon`, without a list of words.
    """
    num_slanted = 0
    for image in root.iter("image"):
        name = image.findtext("imageName", "").strip()
        if not name:
            raise ValueError(f"{place_of(path, image)}: <image> without the <imageName> of its file")
        lexicons = {"50": _lexicon(image, path)} if with_lexicon else {}
        for rectangle in image.iter("taggedRectangle"):
            place = place_of(path, rectangle)
            num_slanted += any(_is_not_zero(rectangle.get(key, "0")) for key in ("offset", "rotation"))
            try:
                box = _box(rectangle)
            except (KeyError, ValueError, OverflowError):
                detail = f"expected x, y, width and height of at least a pixel, found {rectangle.attrib}"
                yield Problem("malformed box", place, detail)
                continue
            label = rectangle.findtext("tag")
            if label is None:
                yield Problem("no label", place, "<taggedRectangle> without <tag>; ICDAR 2003's are in words.xml")
            elif not label.strip():
                yield Problem("empty label", place, f"no text for a word of {name}")
            else:
                yield LabelledPath(images / name, label.strip(), place, box, lexicons=lexicons)
    if num_slanted:
        logger.info("%s: %d words are slanted (offset, rotation); their upright boxes are cut", path, num_slanted)


def _box(rectangle: Element) -> Box:
    x, y, width, height = (float(rectangle.attrib[key]) for key in ("x", "y", "width", "height"))
    if not (width > 0 and height > 0):
        raise ValueError
    return math.floor(x), math.floor(y), math.ceil(x + width), math.ceil(y + height)


def _is_not_zero(number: str) -> bool:
    try:
        return float(number) != 0
    except ValueError:
        return True


def _lexicon(image: Element, path: Path) -> tuple[str, ...]:
    words = tuple(word.strip() for word in image.findtext("lex", "").split(",") if word.strip())
    if not words:
        raise ValueError(f"{place_of(path, image)}: <image> without words in <lex>, as Street View Text has them")
    return words
