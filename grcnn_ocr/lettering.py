"""Fonts for captions, with which any text can be shown if the system has a font for it."""

from __future__ import annotations

from functools import lru_cache

from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont

COMMON_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "Arial Unicode.ttf",
    "Arial.ttf",
    "arial.ttf",
)
"""File names of sans serifs of Linux, macOS and Windows, which Pillow looks for in the system's folders."""
NO_CHARACTER = "\uffff"


@lru_cache
def caption_font(text: str, size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font, of ASCII; for other texts a common font of the system that draws all of it, if any."""
    own = ImageFont.load_default(size)
    if _draws(own, text):  # without looking for other fonts
        return own
    return next((font for font in _system_fonts(size) if _draws(font, text)), own)


@lru_cache
def _system_fonts(size: float) -> list[FreeTypeFont]:
    found = []
    for name in COMMON_FONTS:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:  # not installed
            continue
    return found


def _draws(font: FreeTypeFont | ImageFont.ImageFont, text: str) -> bool:
    """Whether a font has all characters of a text, none of which then looks like the sign for a missing one."""
    missing = bytes(font.getmask(NO_CHARACTER))
    return not any(bytes(font.getmask(character)) == missing for character in set(text) if not character.isspace())
