"""The word engine: the data that samples are drawn from, and the drawing of sample number `index`."""

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

from grcnn_ocr.config import EngineConfig, Look
from grcnn_ocr.datasets.synth.fonts import (
    BUILT_IN,
    DRAWABLE,
    Font,
    Wanted,
    default_cache,
    find_font_files,
    load_fonts,
    without_ambiguous_cases,
)
from grcnn_ocr.datasets.synth.photos import Photo, load_photos, load_system_photos
from grcnn_ocr.datasets.synth.render import render
from grcnn_ocr.datasets.synth.text import TextSampler, load_words
from grcnn_ocr.pixels import resize
from grcnn_ocr.text.charset import Charset
from grcnn_ocr.wording import counted

MAX_DRAWS = 100
"""Number of texts to try for one sample, until a font has all characters of one."""
VERSION = 7
"""Of the drawing code; to be raised whenever the same manifest would give other images."""


@dataclass(frozen=True)
class WordEngine:
    """Draws sample number `index`, a pure function of (manifest, index), in any process and in any order.

    The same holds on other machines, except that another processor or OpenCV may round a pixel differently.

    Args:
        fonts: at least one.
        sampler: draws texts and labels.
        photos: (H, W, 3) RGB backgrounds, by digest; may be empty.
        look: probabilities and strengths of the effects.
        color: whether crops are in color.
        output_height: height of every crop in pixels, with its width in proportion; None leaves each at its own size.
        seed: of all randomness.
    """

    fonts: Sequence[Font]
    sampler: TextSampler
    photos: dict[str, Photo] = field(default_factory=dict)
    look: Look = field(default_factory=Look)
    color: bool = False
    output_height: int | None = None
    seed: int = 0

    def sample(self, index: int) -> tuple[NDArray[np.uint8], str]:
        """Return the crop, (h, w, 1) gray or (h, w, 3) RGB, uint8, and its label.

        Raises:
            ValueError: if none of `MAX_DRAWS` texts can be drawn with one font.
        """
        rng = random.Random(f"{self.seed} {index}")
        for _ in range(MAX_DRAWS):
            text, label = self.sampler.draw(rng)
            if font := self._font(text, rng):
                break
        else:
            raise ValueError(f"no font draws all of {text!r}, nor all of any text before it; give fonts that do")
        neighbour = self.sampler.draw(rng)[0]
        image = render(text, font, neighbour, list(self.photos.values()), self.look, self.color, rng)
        return (image if self.output_height is None else _resized(image, self.output_height)), label

    def encoded(self, index: int, ending: str = ".jpg", quality: int = 90) -> tuple[bytes, str]:
        """Return the sample as the bytes of a JPEG or PNG file, and its label."""
        image, label = self.sample(index)
        bgr = image[:, :, ::-1] if self.color else image
        options = [cv2.IMWRITE_JPEG_QUALITY, quality] if ending == ".jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 3]
        return cv2.imencode(ending, bgr, options)[1].tobytes(), label

    def manifest(self) -> dict[str, Any]:
        """Return what determines the samples: the settings, and digests of the fonts, words and photos."""
        return {
            "version": VERSION,
            "seed": self.seed,
            "color": self.color,
            "output_height": self.output_height,
            "charset": asdict(self.sampler.charset),
            "max_length": self.sampler.max_length,
            "max_frames": self.sampler.max_frames,
            "mix": self.sampler.mix.model_dump(),
            "look": self.look.model_dump(),
            "words": {"count": len(self.sampler.counts), "sha256": _digest(self.sampler.counts)} | self._frequencies(),
            "fonts": {"count": len(self.fonts), "sha256": _digest(font.digest for font in self.fonts)},
            "photos": {"count": len(self.photos), "sha256": _digest(self.photos)},
        }

    def digest(self) -> str:
        """Return a digest of the manifest."""
        return hashlib.sha256(json.dumps(self.manifest(), sort_keys=True).encode()).hexdigest()

    def _frequencies(self) -> dict[str, str]:
        """Return the digest of the words' counts, if they are not drawn alike."""
        counts = self.sampler.counts.values()
        return {"counts_sha256": _digest(counts)} if len(set(counts)) > 1 else {}

    def _font(self, text: str, rng: random.Random) -> Font | None:
        """Choose a random font that has every character of the text; None if there is none."""
        for _ in range(20):  # usually finds one, as most fonts have most characters
            font = rng.choice(self.fonts)
            if all(character in font.glyphs for character in text):
                return font
        able = [font for font in self.fonts if all(character in font.glyphs for character in text)]
        return rng.choice(able) if able else None


@dataclass(frozen=True)
class PassedOver:
    """What the engine cannot use.

    Attributes:
        fonts: why each is unusable, by file.
        photos: why each is unusable, by file.
        num_words: number of words that the charset cannot write, or that are too long.
        undrawable: words that no font draws.
    """

    fonts: dict[str, str]
    photos: dict[str, str]
    num_words: int
    undrawable: list[str]

    def report(self, engine: WordEngine) -> str:
        """Describe in readable form what the engine draws from, and what it cannot use."""
        num_undrawable = len(self.undrawable)
        of_each = (
            ("font", len(engine.fonts), len(self.fonts)),
            ("word", len(engine.sampler.counts) - num_undrawable, self.num_words + num_undrawable),
            ("photo", len(engine.photos), len(self.photos)),
        )
        lines = [", ".join(f"{counted(used, noun)} ({skipped} skipped)" for noun, used, skipped in of_each)]
        if self.undrawable:
            lines.append(f"  {counted(num_undrawable, 'word')} that no font draws, such as {self.undrawable[0]}")
        reasons: dict[str, list[str]] = {}
        for path, reason in {**self.fonts, **self.photos}.items():
            reasons.setdefault(reason.partition(":")[0], []).append(path)
        for reason, paths in sorted(reasons.items(), key=lambda item: -len(item[1]))[:5]:
            lines.append(f"  {counted(len(paths), 'file')}: {reason}, such as {paths[0]}")
        if engine.fonts[0].name == BUILT_IN:
            lines.append("no usable font but the one that comes with Pillow: install more (see the README)")
        if not engine.photos:
            lines.append("no photos: backgrounds are flat colors, gradients and textures; give folders of photos")
        return "\n".join(lines)


def build_engine(
    config: EngineConfig, charset: Charset, max_frames: int | None = None
) -> tuple[WordEngine, PassedOver]:
    """Build an engine; also return what it cannot use.

    Args:
        config: what it draws from, and how.
        charset: of the labels.
        max_frames: number of frames of the network to be trained, which no label may exceed; None: no limit.

    Raises:
        ValueError: on folders that do not exist or hold nothing usable, naming them; on an unusable photo in a given
            folder; if the charset can write, or the fonts can draw, none of the words.
    """
    folders = [Path(folder) for folder in config.fonts]
    for folder in (*folders, *map(Path, config.backgrounds or ())):
        if not folder.is_dir():
            raise ValueError(f"no folder {folder}")
    font_files = find_font_files(folders)
    if folders and not font_files:
        raise ValueError(f"no fonts (.ttf .otf .ttc .woff .woff2) in {', '.join(config.fonts)}")
    words = load_words(Path(config.words) if config.words else None)
    own = {c for word in words for c in word + word.upper() + word.lower()} if config.words else set()
    characters = "".join(sorted({*DRAWABLE, *charset.characters, *own}))
    unwritable = "".join(c for c in characters if charset.unknown(charset.fold(c)))
    fonts, unusable_fonts = load_fonts(font_files, default_cache(), Wanted(characters, unwritable))
    if charset.has_both_cases:
        fonts = [without_ambiguous_cases(font) for font in fonts]
    if folders and len(unusable_fonts) == len(font_files):
        reasons = "; ".join(f"{path}: {reason}" for path, reason in list(unusable_fonts.items())[:5])
        raise ValueError(f"none of {len(font_files)} fonts is usable: {reasons}")
    if config.backgrounds is None:
        photos, unusable_photos = load_system_photos()
    else:
        photos, unusable_photos = load_photos([Path(folder) for folder in config.backgrounds]), {}
    try:
        sampler = TextSampler(words, charset, config.mix, config.max_length, max_frames)
    except ValueError as error:
        raise ValueError(f"{config.words or 'the word list'}: {error}") from None
    if config.words and not sampler.counts:
        raise ValueError(
            f"{config.words}: none of its {len(words)} words can be written in charset {charset.name!r} with at most "
            f"{config.max_length} characters; give other words, another charset or max_length"
        )
    undrawable = _undrawable(list(sampler.counts), fonts)
    if config.words and len(undrawable) == len(sampler.counts):
        raise ValueError(
            f"{config.words}: none of its {len(undrawable)} words, such as {undrawable[0]!r}, is drawn by a font with "
            f"all its characters, distinct from the others of charset {charset.name!r}; give other fonts, or a smaller "
            "charset"
        )
    engine = WordEngine(fonts, sampler, photos, config.look, config.color, config.output_height, config.seed)
    return engine, PassedOver(unusable_fonts, unusable_photos, len(words) - len(sampler.counts), undrawable)


def _undrawable(words: Sequence[str], fonts: Sequence[Font]) -> list[str]:
    """Return the words for which no font has all letters, in lower case, in capitals or capitalised."""
    drawn = {frozenset(font.glyphs) for font in fonts}
    by_any = frozenset[str]().union(*drawn)

    def is_drawable(text: str) -> bool:
        return by_any.issuperset(text) and any(characters.issuperset(text) for characters in drawn)

    return [word for word in words if not any(map(is_drawable, (word.lower(), word.upper(), word.capitalize())))]


def _resized(image: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    width = max(1, round(height / image.shape[0] * image.shape[1]))
    return resize(image, width, height)


def _digest(items: Any) -> str:
    return hashlib.sha256(json.dumps(list(items)).encode()).hexdigest()
