"""The engine: everything that a sample is drawn from, and the drawing of sample number `index`."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.datasets.synth.fonts import (
    DRAWABLE,
    Font,
    default_cache,
    find_font_files,
    load_fonts,
    without_ambiguous_cases,
)
from grcnn_ocr.datasets.synth.look import Look
from grcnn_ocr.datasets.synth.render import render
from grcnn_ocr.datasets.synth.text import TextMix, TextSampler, load_words
from grcnn_ocr.text.charset import Charset

PHOTO_ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
PHOTO_SIDE = 640
"""Photos are kept at this many pixels along their longer side."""
MIN_PHOTO_SIDE = 16
MAX_DRAWS = 100
"""Texts tried for one sample before giving up."""
VERSION = 2
"""Of the drawing: to be raised whenever the same manifest would give other pictures."""


@dataclass(frozen=True)
class WordEngine:
    """Draws sample number `index`, a pure function of (manifest, index), whoever draws it and in whatever order.

    (On one kind of machine: another processor or OpenCV may round a pixel differently.)

    Args:
        fonts: at least one.
        sampler: draws texts and labels.
        photos: (H, W, 3) RGB grounds, by digest; may be none.
        look: strengths of the effects.
        color: whether crops have colors.
        seed: of everything.
    """

    fonts: Sequence[Font]
    sampler: TextSampler
    photos: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    look: Look = field(default_factory=Look)
    color: bool = False
    seed: int = 0

    def sample(self, index: int) -> tuple[NDArray[np.uint8], str]:
        """Return crop (h, w, 1) gray or (h, w, 3) RGB, uint8, and its label."""
        rng = random.Random(f"{self.seed} {index}")
        for _ in range(MAX_DRAWS):
            text, label = self.sampler.draw(rng)
            if font := self._font(text, rng):
                break
        else:
            raise ValueError(f"no font draws all of {text!r}, nor of the texts before; give fonts that do")
        neighbour = self.sampler.draw(rng)[0]
        photos = list(self.photos.values())
        return render(text, font, neighbour, photos, self.look, self.color, rng), label

    def encoded(self, index: int, ending: str = ".jpg", quality: int = 90) -> tuple[bytes, str]:
        """Return the sample as a JPEG or PNG file's bytes, and its label."""
        image, label = self.sample(index)
        bgr = image[:, :, ::-1] if self.color else image
        options = [cv2.IMWRITE_JPEG_QUALITY, quality] if ending == ".jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 3]
        return cv2.imencode(ending, bgr, options)[1].tobytes(), label

    def manifest(self) -> dict[str, Any]:
        """Return what the samples are a function of: settings, and digests of fonts, words and photos."""
        return {
            "version": VERSION,
            "seed": self.seed,
            "color": self.color,
            "charset": asdict(self.sampler.charset),
            "max_length": self.sampler.max_length,
            "mix": asdict(self.sampler.mix),
            "look": asdict(self.look),
            "words": {"count": len(self.sampler.words), "sha256": _digest(self.sampler.words)},
            "fonts": {"count": len(self.fonts), "sha256": _digest(font.digest for font in self.fonts)},
            "photos": {"count": len(self.photos), "sha256": _digest(self.photos)},
        }

    def _font(self, text: str, rng: random.Random) -> Font | None:
        """Draw a font that has every character of the text; None if there seems to be none."""
        for _ in range(20):
            font = rng.choice(self.fonts)
            if all(character in font.glyphs for character in text):
                return font
        return None


@dataclass(frozen=True)
class EngineFiles:
    """What is on this machine to draw from; the defaults are what the system has."""

    words: Path | None = None
    fonts: tuple[Path, ...] = ()
    backgrounds: tuple[Path, ...] = ()


def build_engine(
    files: EngineFiles,
    charset: Charset,
    mix: TextMix = TextMix(),  # noqa: B008 (frozen)
    look: Look = Look(),  # noqa: B008 (frozen)
    color: bool = False,
    seed: int = 0,
) -> tuple[WordEngine, dict[str, str]]:
    """Build an engine; also return the font files that were passed over, with the reason of each.

    Raises:
        ValueError: on folders that do not exist or hold nothing usable, naming them, or an unreadable photo.
    """
    for folder in (*files.fonts, *files.backgrounds):
        if not folder.is_dir():
            raise ValueError(f"no folder {folder}")
    font_files = find_font_files(files.fonts)
    if files.fonts and not font_files:
        raise ValueError(f"no fonts (.ttf .otf .ttc .woff .woff2) in {', '.join(map(str, files.fonts))}")
    characters = "".join(sorted({*DRAWABLE, *charset.characters}))
    fonts, rejected = load_fonts(font_files, default_cache(), characters)
    if any(c.swapcase() != c and c.swapcase() in charset.characters for c in charset.characters):
        fonts = [without_ambiguous_cases(font) for font in fonts]
    if files.fonts and len(rejected) == len(font_files):
        reasons = "; ".join(f"{path}: {reason}" for path, reason in list(rejected.items())[:5])
        raise ValueError(f"none of {len(font_files)} fonts is usable: {reasons}")
    sampler = TextSampler(load_words(files.words), charset, mix)
    return WordEngine(fonts, sampler, load_photos(files.backgrounds), look, color, seed), rejected


def load_photos(folders: Sequence[Path]) -> dict[str, NDArray[np.uint8]]:
    """Read the photos in folders and below, shrunk, by the digest of their bytes.

    Raises:
        ValueError: on a file that cannot be decoded, naming it, or if a folder holds no photos.
    """
    photos = {}
    for folder in folders:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_ENDINGS and path.is_file())
        if not paths:
            raise ValueError(f"no photos ({' '.join(sorted(PHOTO_ENDINGS))}) in {folder}")
        for path in paths:
            data = path.read_bytes()
            try:
                image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
            except cv2.error:
                image = None
            if image is None:
                raise ValueError(f"{path} is not a photo that can be read; remove it, or convert it to JPEG")
            factor = min(1.0, PHOTO_SIDE / max(image.shape[:2]))
            size = (round(factor * image.shape[1]), round(factor * image.shape[0]))
            if min(size) < MIN_PHOTO_SIDE:
                raise ValueError(f"{path} is too small or too narrow for a background; remove it")
            small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            photos[hashlib.sha256(data).hexdigest()] = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
    return dict(sorted(photos.items()))


def _digest(items: Any) -> str:
    return hashlib.sha256(json.dumps(list(items)).encode()).hexdigest()
