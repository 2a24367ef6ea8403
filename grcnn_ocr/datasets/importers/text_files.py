"""Text and XML files of old releases, in various encodings."""

from __future__ import annotations

import codecs
import logging
import re
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

logger = logging.getLogger(__name__)

ENCODINGS = ("utf-8", "cp1252", "iso-8859-1")
"""Tried in this order if none is declared; the last can decode any bytes."""


class LocatedElement(Element):
    """An XML element with its line number."""

    line = 0


def read_lines(path: Path) -> list[str]:
    """Read the lines of a text file in the first encoding that fits, without trailing blank lines.

    An encoding other than UTF-8 is logged.

    Raises:
        ValueError: if the file cannot be read.
    """
    text = _decode(_read_bytes(path), path, ENCODINGS)
    lines = [line.lstrip("\ufeff").strip() for line in re.split(r"\r\n|\r|\n", text)]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def read_xml(path: Path) -> Element:
    """Parse an XML file in the encoding it declares, or the first that fits; its elements are `LocatedElement`.

    A file that declares an entity, or uses an undeclared one, is refused, so that none can expand without bound.

    Raises:
        ValueError: if the file cannot be read or is not well-formed, naming the line.
    """
    data = _read_bytes(path)
    declared = re.match(rb"""<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""", data.removeprefix(codecs.BOM_UTF8))
    encodings = (declared[1].decode("ascii").lower(), *ENCODINGS) if declared else ENCODINGS
    parser = expat.ParserCreate("utf-8")  # whatever the file declares, as it gets decoded text

    def element(tag: str, attributes: dict[str, str]) -> LocatedElement:
        made = LocatedElement(tag, attributes)
        made.line = parser.CurrentLineNumber
        return made

    def refuse_entity(name: str, *_: object) -> None:
        raise ValueError(f"{path}:{parser.CurrentLineNumber}: entity {name!r}: write out what it stands for")

    builder = TreeBuilder(element_factory=element)
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse_entity
    parser.SkippedEntityHandler = refuse_entity
    try:
        parser.Parse(_decode(data, path, encodings).encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        raise ValueError(f"{path}:{error.lineno}: not well-formed XML: {expat.ErrorString(error.code)}") from None
    return builder.close()


def place_of(path: Path, element: Element) -> str:
    """Name an element's file and line."""
    return f"{path}:{element.line}" if isinstance(element, LocatedElement) else str(path)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None


def _decode(data: bytes, path: Path, encodings: tuple[str, ...]) -> str:
    if data.startswith(codecs.BOM_UTF8):
        encodings = ("utf-8", *encodings)
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ("utf-16", *encodings)
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except (UnicodeError, LookupError):  # another encoding, or one unknown to Python
            continue
        if codecs.lookup(encoding).name not in ("utf-8", "ascii"):
            logger.info("%s: not UTF-8; read as %s", path, encoding)
        return text.lstrip("\ufeff")
    raise AssertionError("the last encoding fits all bytes")
