"""Fonts: finding them, testing what they can draw, and caching their glyphs as bitmaps.

Opening a font file costs more than drawing a word. So each font is opened and tested once, and its glyphs are cached as
grayscale bitmaps of one size, from which words are laid out.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import string
import subprocess
from collections.abc import Container, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, features

from grcnn_ocr.loading import num_cores
from grcnn_ocr.text.charset import CHARSETS
from grcnn_ocr.wording import counted

logger = logging.getLogger(__name__)

CACHE_VERSION = 4
FONT_ENDINGS = {".ttf", ".otf", ".ttc", ".woff", ".woff2"}
GLYPH_SIZE = 48
"""Size of the em square of the cached glyphs, in pixels."""
BUILT_IN = "built-in"
"""Name of the font that comes with Pillow, for systems without fonts."""
DRAWABLE = "".join(map(chr, range(33, 127))) + "£€“”‘’…•®"
"""Characters that are looked for in every font, besides those of the charset."""
SPACE = " "
EVERY = "".join(sorted({*DRAWABLE, SPACE, *"".join(CHARSETS.values())}))
"""Characters that are drawn and cached of every font, so that it is opened once, whatever the charset."""
NO_CHARACTER = "\U0010fffe"
"""No font has it: what is drawn is the glyph for missing characters."""
LETTERS_AND_DIGITS = string.ascii_letters + string.digits
"""A usable font draws all of these."""
SYMBOL_NAME = re.compile("symbol|dingbat|ornament|emoji|icon", re.IGNORECASE)
"""Found in the names of fonts that draw symbols, some of which look like letters."""
SYMBOL_LIKENESS = 0.3
"""Mean correlation with the letters and digits of the built-in font, below which a font draws symbols."""


@dataclass(frozen=True)
class Glyph:
    """One character of one font.

    Attributes:
        ink: (h, w) coverage from 0 to 255; empty if there is nothing to draw, as for a space.
        left: pixels from the pen to the ink.
        top: pixels from the baseline up to the first row of ink.
        advance: pixels by which the pen moves on.
    """

    ink: NDArray[np.uint8]
    left: int
    top: int
    advance: float

    def scaled(self, factor: float) -> Glyph:
        """Return the glyph scaled, on the same baseline."""
        ink = self.ink
        if ink.size:
            height, width = (max(1, round(factor * side)) for side in ink.shape)
            ink = np.asarray(cv2.resize(ink, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        return Glyph(ink, round(factor * self.left), round(factor * self.top), factor * self.advance)


@dataclass(frozen=True)
class Font:
    """A font that passed the test.

    Attributes:
        name: its file.
        digest: of its glyphs, as this machine's FreeType draws them.
        glyphs: those that can be trusted, by character; see `examine_font`.
    """

    name: str
    digest: str
    glyphs: dict[str, Glyph]


@dataclass(frozen=True)
class Wanted:
    """Characters to look for in fonts.

    Attributes:
        characters: a font may draw some or all of them.
        unwritable: those of them that no label contains, so that another character may look the same.
    """

    characters: str = DRAWABLE
    unwritable: str = ""


USUAL = Wanted()
"""For charsets that need no other characters."""


def find_font_files(folders: Sequence[Path] = ()) -> list[Path]:
    """Return the font files in `folders` and their subfolders; without folders, those that fontconfig lists."""
    if folders:
        files = (path for folder in folders for path in folder.rglob("*"))
    else:
        try:
            listed = subprocess.run(["fc-list", "--format", "%{file}\n"], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return []
        files = (Path(line) for line in listed.stdout.splitlines())
    return sorted({path for path in files if path.suffix.lower() in FONT_ENDINGS})


def load_fonts(files: Iterable[Path], cache: Path, wanted: Wanted = USUAL) -> tuple[list[Font], dict[str, str]]:
    """Test fonts in parallel, or take them from the cache; if none is usable, return the built-in font.

    Args:
        files: font files.
        cache: folder of the cached glyphs.
        wanted: characters to look for in each font.

    Returns:
        The usable fonts, in the order of their digests, and why each of the others is unusable, by file.
    """
    files = list(files)
    characters = "".join(sorted({*EVERY, *wanted.characters}))
    needed = {*wanted.characters, NO_CHARACTER}
    draw = partial(_draw_and_keep, cache=cache, characters=characters)
    if not cache.is_dir():
        logger.info("drawing the letters of %s, once, into %s", counted(len(files), "font"), cache)
    fonts: dict[str, Font] = {}
    rejected: dict[str, str] = {}
    with ProcessPoolExecutor(num_cores()) as pool:
        for path, kept in zip(files, pool.map(draw, files, chunksize=16), strict=True):
            drawn = _read(kept, path, characters, needed) if isinstance(kept, Path) else kept
            found = drawn if isinstance(drawn, str) else _usable(drawn, wanted)
            if isinstance(found, str):
                rejected[str(path)] = found
            else:
                font = Font(str(path), _digest(found), found)
                fonts[font.digest] = font
    return [fonts[digest] for digest in sorted(fonts)] or [built_in_font(wanted)], rejected


def without_ambiguous_cases(font: Font) -> Font:
    """Remove the letters that look the same in both cases, for a charset that distinguishes case."""
    kept = {
        character: glyph
        for character, glyph in font.glyphs.items()
        if (other := font.glyphs.get(character.swapcase())) is None
        or character.swapcase() == character
        or _identity(other) != _identity(glyph)
    }
    return Font(font.name, font.digest, kept)


@lru_cache(maxsize=4)
def built_in_font(wanted: Wanted = USUAL) -> Font:
    """Return the font that comes with Pillow."""
    font = ImageFont.load_default(GLYPH_SIZE)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise ValueError("Pillow was built without FreeType: install Pillow from PyPI")
    glyphs = _trusted(_drawn(font, wanted.characters), wanted)
    return Font(BUILT_IN, _digest(glyphs), glyphs)


def default_cache() -> Path:
    """Return the folder of cached glyphs, in `$XDG_CACHE_HOME/grcnn-ocr` or `~/.cache/grcnn-ocr`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "grcnn-ocr" / f"glyphs-{CACHE_VERSION}"


def examine_font(path: Path, wanted: Wanted = USUAL) -> dict[str, Glyph] | str:
    """Draw every character; return the glyphs that can be trusted, or why the font is unusable.

    A glyph is trusted if it is not empty, not the one for missing characters, and not the same as that of another
    character. The two cases of a letter may look the same, and any character may look like one that no label contains.
    A space is trusted if it moves the pen and draws nothing.
    A font is usable if it draws all letters and digits, and they look like letters and digits.

    Raises:
        OSError: if the file cannot be read.
    """
    drawn = _drawn_of_file(path, wanted.characters)
    return drawn if isinstance(drawn, str) else _usable(drawn, wanted)


def _drawn_of_file(path: Path, characters: str) -> dict[str, Glyph] | str:
    """Draw characters of a font file, and what it draws in place of missing ones; or say why it is unusable."""
    data = BytesIO(path.read_bytes())
    try:
        font = ImageFont.truetype(data, GLYPH_SIZE)
        if SYMBOL_NAME.search(" ".join(name for name in font.getname() if name)):
            return "draws symbols in place of letters, by its name"
        drawn = _drawn(font, characters)
    except (OSError, ValueError) as error:
        return f"cannot be read: {error}"
    lacking = [character for character in LETTERS_AND_DIGITS if not drawn[character].ink.size]
    if not lacking and _likeness(drawn, built_in_font().glyphs) < SYMBOL_LIKENESS:
        return "draws symbols in place of letters"
    return drawn


def _drawn(font: ImageFont.FreeTypeFont, characters: str) -> dict[str, Glyph]:
    return {character: _draw(font, character) for character in characters + NO_CHARACTER}


def _usable(drawn: dict[str, Glyph], wanted: Wanted) -> dict[str, Glyph] | str:
    """Return the glyphs that can be trusted, or which letters and digits are not among them."""
    trusted = _trusted(drawn, wanted)
    lacking = [character for character in LETTERS_AND_DIGITS if character not in trusted]
    return f"does not draw {''.join(lacking)!r}, or not distinctly" if lacking else trusted


def _trusted(drawn: dict[str, Glyph], wanted: Wanted) -> dict[str, Glyph]:
    yields = set(wanted.unwritable)
    seen: dict[bytes, str] = {_identity(drawn[NO_CHARACTER]): ""}
    trusted = {}
    for character in wanted.characters:
        glyph = drawn[character]
        if character == SPACE:
            if not glyph.ink.any() and glyph.advance > 0:
                trusted[character] = glyph
            continue
        first = seen.setdefault(_identity(glyph), character)
        if first in yields and character not in yields:
            first = seen[_identity(glyph)] = character
        if glyph.ink.size and first and (character in yields or first.lower() == character.lower()):
            trusted[character] = glyph
    return trusted


def _draw(font: ImageFont.FreeTypeFont, character: str) -> Glyph:
    left, top, right, bottom = font.getbbox(character, anchor="ls")  # pen at (0, 0), y downwards
    x, y = int(np.floor(left)), int(np.floor(top))
    width, height = int(np.ceil(right)) - x, int(np.ceil(bottom)) - y
    if not 0 < width < 8 * GLYPH_SIZE or not 0 < height < 8 * GLYPH_SIZE:
        return Glyph(np.zeros((0, 0), np.uint8), 0, 0, font.getlength(character))
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).text((-x, -y), character, fill=255, font=font, anchor="ls")
    return Glyph(np.asarray(image), x, -y, font.getlength(character))


def _identity(glyph: Glyph) -> bytes:
    return str((glyph.ink.shape, glyph.top)).encode() + glyph.ink.tobytes()


def _likeness(glyphs: dict[str, Glyph], reference: dict[str, Glyph]) -> float:
    """Return the mean correlation of the letters and digits, scaled to the same box and blurred."""

    def normalised(glyph: Glyph) -> NDArray[np.float32]:
        box = cv2.resize(glyph.ink.astype(np.float32), (16, 16), interpolation=cv2.INTER_AREA)
        box = cv2.GaussianBlur(box, (5, 5), 0)
        centred = box - box.mean()
        return centred / max(float(np.linalg.norm(centred)), 1e-6)

    return float(np.mean([(normalised(glyphs[c]) * normalised(reference[c])).sum() for c in LETTERS_AND_DIGITS]))


def _digest(glyphs: dict[str, Glyph]) -> str:
    found = hashlib.sha256()
    for character, glyph in glyphs.items():
        found.update(str((character, glyph.left, glyph.top, glyph.advance)).encode() + _identity(glyph))
    return found.hexdigest()


def _draw_and_keep(path: Path, cache: Path, characters: str) -> Path | str:
    """Return a font's cache file, written if it does not exist yet, or why the font cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    library = f"{PIL.__version__} {features.version('freetype2')} {features.version('raqm')}"
    drawn_by = f"{library} {characters}"
    kept = cache / f"{hashlib.sha256(data + drawn_by.encode()).hexdigest()}.npz"
    if not os.path.exists(kept):  # noqa: PTH110 (also False if the path is not accessible)
        _keep(kept, _drawn_of_file(path, characters))
    return kept


def _keep(path: Path, glyphs: dict[str, Glyph] | str) -> None:
    """Write a cache file; several processes may do so at once. One that a crash damages is written again.

    Raises:
        ValueError: if it cannot be written.
    """
    if isinstance(glyphs, str):
        arrays = {"reason": np.array(glyphs)}
    else:
        arrays = {
            "characters": np.array("".join(glyphs)),
            "metrics": np.array([(*g.ink.shape, g.left, g.top, g.advance) for g in glyphs.values()], np.float64),
            "ink": np.concatenate([g.ink.ravel() for g in glyphs.values()]),
        }
    aside = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(aside, **arrays)  # type: ignore[arg-type]
        aside.replace(path)
    except OSError as error:
        reason = f"cannot be written: {error.strerror}; set XDG_CACHE_HOME to another folder"
        raise ValueError(f"the font cache {path.parent} {reason}") from None


def _kept(path: Path, wanted: Container[str]) -> dict[str, Glyph] | str:
    """Read the wanted characters of a cache file."""
    with path.open("rb") as stream, np.load(stream) as file:  # np.load does not close a damaged file that it opened
        if "reason" in file:
            return str(file["reason"])
        characters, metrics, ink = str(file["characters"]), file["metrics"], file["ink"]
    glyphs, start = {}, 0
    for character, (height, width, left, top, advance) in zip(characters, metrics.tolist(), strict=True):
        end = start + int(height * width)
        if character in wanted:
            own = ink[start:end].reshape(int(height), int(width)).copy()  # so that the unused ones can be freed
            glyphs[character] = Glyph(own, int(left), int(top), advance)
        start = end
    return glyphs


def _read(kept: Path, path: Path, characters: str, wanted: Container[str]) -> dict[str, Glyph] | str:
    """Read the wanted characters of a font's cache file; if it is damaged, write it again."""
    try:
        return _kept(kept, wanted)
    except (OSError, EOFError, ValueError, KeyError, BadZipFile):
        found = _drawn_of_file(path, characters)
        _keep(kept, found)
        return found
