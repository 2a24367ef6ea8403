"""Drawing one word: glyphs to a mask, the mask to a picture."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.config import Look
from grcnn_ocr.datasets.synth import effects
from grcnn_ocr.datasets.synth.effects import Mask, Pixels
from grcnn_ocr.datasets.synth.fonts import GLYPH_SIZE, Font, Glyph
from grcnn_ocr.pixels import resize

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
MAX_WIDTH = 640
"""Pixels; a word that would be wider is drawn smaller."""


def render(
    text: str,
    font: Font,
    neighbour: str,
    photos: Sequence[NDArray[np.uint8]],
    look: Look,
    color: bool,
    rng: random.Random,
) -> NDArray[np.uint8]:
    """Draw a crop of one word.

    Args:
        text: the word.
        font: must have all characters of `text`.
        neighbour: another word, parts of which may show at the border.
        photos: (H, W, 3) RGB backgrounds; may be empty.
        look: probabilities and strengths of the effects.
        color: whether the crop is in color.
        rng: all randomness.

    Returns:
        (h, w, 3) RGB if `color`, else (h, w, 1); uint8.
    """
    mask = effects.change_weight(lay_out(text, font, rng, look), rng, look)
    height = effects.log_uniform(rng, look.height)
    width = height / mask.shape[0] * mask.shape[1] * effects.log_uniform(rng, look.stretch)
    if width > MAX_WIDTH:
        height, width = height * MAX_WIDTH / width, MAX_WIDTH
    mask = resize(mask, max(2, round(width)), max(4, round(height)))
    height = mask.shape[0]
    if rng.random() < look.worn:
        mask = effects.worn(mask, rng, height, look)
    room = height // 5 + 2  # for what the effects add around the letters
    mask = _pad(mask, room, room, room, room)

    layers = effects.warp(np.dstack([mask, *_under(mask, height, rng, look)]), rng, look)
    beside = _beside(font, neighbour, height, rng, look)
    layers, margins = _crop(layers, height, rng, look, beside)
    ground = _ground(layers.shape[:2], photos, look, color, rng)
    ink = _ink(ground, look, rng)
    pixels = ground
    if layers.shape[2] > 1:
        pixels = _over(pixels, layers[:, :, 1], _color(rng.uniform(0, 255), color, rng))
    if rng.random() < look.relief:
        face = ground + rng.uniform(0.1, 1) * (ink - ground)
        pixels = _over(pixels, layers[:, :, 0], face) + effects.relief(layers[:, :, 0], rng, height, look)
    else:
        pixels = _over(pixels, layers[:, :, 0], _filled(ink, layers.shape[:2], look, rng))
    if beside is not None:
        beside.draw(pixels, margins, ink)
    elif rng.random() < look.neighbour and all(character in font.glyphs for character in neighbour):
        _add_neighbour(pixels, lay_out(neighbour, font, rng, look), margins, ink, rng)
    if rng.random() < look.frame:
        _add_line(pixels, margins, ink, rng)
    if rng.random() < look.strike:
        _strike(pixels, ink, rng)
    return _photograph(pixels, height, look, rng)


def lay_out(text: str, font: Font, rng: random.Random, look: Look) -> Mask:
    """Set the glyphs of a text side by side on a baseline; return the mask of their ink, without margins."""
    low, high = look.spacing
    centre, draw = min(max(0.0, low), high), rng.uniform(-1, 1)
    spacing = GLYPH_SIZE * (centre + draw * abs(draw) * (high - centre if draw > 0 else centre - low))
    if rng.random() < look.spaced:
        spacing = GLYPH_SIZE * rng.uniform(*look.spaced_by)
    glyphs = [font.glyphs[character] for character in text]
    if text.isupper() and len(text) > 1 and rng.random() < look.initial:
        first = next(number for number, character in enumerate(text) if character.isupper())
        glyphs[first] = _enlarged(glyphs[first], rng, look)
    if rng.random() < look.jumble:
        glyphs = [_jumbled(glyph, rng, look) for glyph in glyphs]
    pen, placed = 0.0, []
    for glyph in glyphs:
        placed.append((round(pen) + glyph.left, -glyph.top, glyph.ink))
        pen += max(glyph.advance + spacing, 0.25 * glyph.advance)
    left, top = min(x for x, _, _ in placed), min(y for _, y, _ in placed)
    right = max(x + ink.shape[1] for x, _, ink in placed)
    bottom = max(y + ink.shape[0] for _, y, ink in placed)
    mask = np.zeros((bottom - top, right - left), np.uint8)
    for x, y, ink in placed:
        place = mask[y - top : y - top + ink.shape[0], x - left : x - left + ink.shape[1]]
        np.maximum(place, ink, out=place)
    return mask


def _enlarged(glyph: Glyph, rng: random.Random, look: Look) -> Glyph:
    """Return an initial: enlarged on the baseline, or lowered by half or all of what it rises above the others."""
    larger = glyph.scaled(rng.uniform(*look.initial_size))
    sinks = rng.choice((0, 0, 0.5, 1))
    return replace(larger, top=glyph.top + round((1 - sinks) * (larger.top - glyph.top)))


def _jumbled(glyph: Glyph, rng: random.Random, look: Look) -> Glyph:
    """Return a letter rotated around its centre, larger or smaller, raised or lowered."""
    glyph = glyph.scaled(effects.log_uniform(rng, look.jumble_size))
    if not glyph.ink.size:  # a space
        return glyph
    ink, degrees = glyph.ink, rng.uniform(-1, 1) * look.jumble_degrees
    room = round(max(ink.shape) * 0.5 * math.sin(math.radians(abs(degrees)))) + 1
    padded = _pad(ink, room, room, room, room)
    turn = cv2.getRotationMatrix2D(((padded.shape[1] - 1) / 2, (padded.shape[0] - 1) / 2), degrees, 1)
    turned = np.asarray(cv2.warpAffine(padded, turn, padded.shape[::-1]), np.uint8)
    rise = round(rng.uniform(-1, 1) * look.jumble_rise * GLYPH_SIZE)
    return Glyph(turned, glyph.left - room, glyph.top + room + rise, glyph.advance)


def _under(mask: Mask, height: int, rng: random.Random, look: Look) -> list[Mask]:
    """Return at most one layer to lie under the letters."""
    choice = rng.random()
    kinds = ((look.outline, effects.outline), (look.shadow, effects.shadow), (look.extrude, effects.extrude))
    for chance, effect in kinds:
        if choice < chance:
            return [effect(mask, rng, height, look)]
        choice -= chance
    return []


@dataclass(frozen=True)
class _Beside:
    """A strip of another word to draw beside this one: its last letters on the left, or its first on the right."""

    strip: Mask
    gap: int
    is_left: bool

    def draw(self, pixels: Pixels, margins: tuple[int, int, int, int], ink: Pixels) -> None:
        """Draw it at the outer edge, its bottom level with that of the word's ink."""
        foot = pixels.shape[0] - max(margins[1], 0)
        top = max(0, foot - self.strip.shape[0])
        strip = self.strip[-(foot - top) :]
        place = pixels[top:foot, : strip.shape[1]] if self.is_left else pixels[top:foot, -strip.shape[1] :]
        place[...] = _over(place, strip, ink)


def _beside(font: Font, neighbour: str, height: int, rng: random.Random, look: Look) -> _Beside | None:
    if rng.random() >= look.beside or not all(character in font.glyphs for character in neighbour):
        return None
    mask = lay_out(neighbour, font, rng, look)
    mask = resize(mask, max(4, round(height / mask.shape[0] * mask.shape[1])), height)
    width = max(1, round(rng.uniform(*look.beside_width) * height))
    is_left = rng.random() < 0.35
    return _Beside(
        mask[:, -width:] if is_left else mask[:, :width], round(rng.uniform(*look.beside_gap) * height), is_left
    )


def _crop(
    layers: NDArray[np.uint8], height: int, rng: random.Random, look: Look, beside: _Beside | None
) -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
    """Crop to the ink and its margins; negative ones cut into it. Return also (top, bottom, left, right) margins."""
    ink = layers[:, :, 0]
    columns, rows = np.flatnonzero(ink.max(axis=0) > 64), np.flatnonzero(ink.max(axis=1) > 64)
    if not len(columns) or not len(rows):  # a hairline that resizing washed out
        columns, rows = np.arange(ink.shape[1]), np.arange(ink.shape[0])
    low, high = look.margin
    loose = rng.random()
    extents = (np.ptp(rows), np.ptp(rows), np.ptp(columns), np.ptp(columns))
    top, bottom, left, right = (
        max(round((low + (high - low) * loose * rng.random()) * height), -int(extent) // 4) for extent in extents
    )
    if beside is not None:
        extra = beside.gap + beside.strip.shape[1]
        left, right = (left + extra, right) if beside.is_left else (left, right + extra)
    y0, y1, x0, x1 = rows[0] - top, rows[-1] + 1 + bottom, columns[0] - left, columns[-1] + 1 + right
    y1, x1 = max(y1, y0 + 4), max(x1, x0 + 4)
    pad = [max(0, int(n)) for n in (-y0, y1 - ink.shape[0], -x0, x1 - ink.shape[1])]
    cut = _pad(layers, *pad)[y0 + pad[0] : y1 + pad[0], x0 + pad[2] : x1 + pad[2]]
    return cut, (top, bottom, left, right)


def _ground(
    shape: tuple[int, int], photos: Sequence[NDArray[np.uint8]], look: Look, color: bool, rng: random.Random
) -> Pixels:
    """Paint the background: flat, a gradient, a texture, or a piece of a photo."""
    flat = _color(rng.uniform(0, 255), color, rng)
    choice = rng.random()
    if photos and choice < look.photo:
        piece = _piece(rng.choice(photos), shape, rng)
        piece = piece if color else _luma(piece)[:, :, None]
        strength = rng.uniform(*look.photo_opacity)
        return piece * np.float32(strength) + flat * np.float32(1 - strength)
    pixels = np.broadcast_to(flat, (*shape, flat.size))
    if choice > 1 - look.texture:
        return pixels + effects.texture(shape, rng, rng.uniform(*look.texture_span))
    if choice > 1 - look.texture - look.gradient:
        return pixels + effects.gradient(shape, rng, look.gradient_span)
    return pixels.copy()


def _piece(photo: NDArray[np.uint8], shape: tuple[int, int], rng: random.Random) -> Pixels:
    """Cut a piece out of a photo, enlarged up to four times (further if the photo is small) or shrunk to a third."""
    factor = min(rng.uniform(0.25, 3.0), photo.shape[0] / shape[0], photo.shape[1] / shape[1])
    height, width = (max(2, int(factor * side)) for side in shape)
    top, left = rng.randint(0, photo.shape[0] - height), rng.randint(0, photo.shape[1] - width)
    piece = photo[top : top + height, left : left + width]
    return cv2.resize(piece, shape[::-1], interpolation=cv2.INTER_AREA if factor > 1 else cv2.INTER_LINEAR).astype(
        np.float32
    )


def _ink(ground: Pixels, look: Look, rng: random.Random) -> Pixels:
    """Choose an ink that differs enough from the background, lighter or darker, and more if that is busy."""
    gray = ground if ground.shape[2] == 1 else _luma(ground)
    mean, spread = float(gray.mean()), float(gray.std())
    contrast = max(rng.uniform(*look.contrast), 2.2 * spread)
    levels = [level for level in (mean - contrast, mean + contrast) if 0 <= level <= 255]
    level = rng.choice(levels) if levels else (0.0 if mean > 127 else 255.0)
    return _color(level, ground.shape[2] == 3, rng)


def _filled(ink: Pixels, shape: tuple[int, int], look: Look, rng: random.Random) -> Pixels:
    """Return the ink, (c,), or (h, w, c), the ink with a gradient, a texture or bands."""
    if rng.random() >= look.fill:
        return ink
    paint = rng.choice((effects.gradient, effects.texture, effects.bands))
    return ink + paint(shape, rng, rng.uniform(*look.fill_span))


def _color(level: float, color: bool, rng: random.Random) -> Pixels:
    """Return a gray level (1,), or a color (3,) of that luma."""
    if not color:
        return np.array([level], np.float32)
    chroma = np.array([rng.gauss(0, 1) for _ in range(3)], np.float32)
    chroma = rng.choice((0, 25, 60, 110)) * (chroma - _luma(chroma))
    room = np.where(chroma > 0, 255 - level, level)  # so that no channel leaves 0 to 255
    return (level + chroma * min(1.0, float((room / np.maximum(np.abs(chroma), 1e-6)).min()))).astype(np.float32)


def _luma(pixels: Pixels) -> Pixels:
    return pixels[..., 0] * LUMA[0] + pixels[..., 1] * LUMA[1] + pixels[..., 2] * LUMA[2]


def _over(pixels: Pixels, mask: Mask, ink: Pixels) -> Pixels:
    alpha = mask.astype(np.float32)[:, :, None] * np.float32(1 / 255)
    return pixels + alpha * (ink - pixels)


def _add_neighbour(
    pixels: Pixels, mask: Mask, margins: tuple[int, int, int, int], ink: Pixels, rng: random.Random
) -> None:
    """Let a part of another word show in the widest margin, if there is room."""
    side = max(range(4), key=lambda number: margins[number])
    room = int(rng.uniform(0.3, 0.8) * margins[side])
    height, width = pixels.shape[:2]
    if room < 2:
        return
    if side < 2:  # top, bottom: its lower or upper edge
        part = resize(mask, max(4, round(rng.uniform(0.6, 1.3) * width)), max(4, height))
        strip = part[-room:] if side == 0 else part[:room]
        place = pixels[:room] if side == 0 else pixels[-room:]
        strip = strip[:, :width]
        place = place[:, : strip.shape[1]]
    else:  # left, right: its last or first letter
        part = resize(mask, max(4, round(height / mask.shape[0] * mask.shape[1])), max(4, height))
        strip = part[:, -room:] if side == 2 else part[:, :room]
        place = pixels[:, : strip.shape[1]] if side == 2 else pixels[:, -strip.shape[1] :]
    place[...] = _over(place, strip, ink)


def _add_line(pixels: Pixels, margins: tuple[int, int, int, int], ink: Pixels, rng: random.Random) -> None:
    """Draw one line of a frame in one of the margins."""
    side = rng.randrange(4)
    at, thickness = max(0, int(rng.uniform(0, 0.5) * margins[side])), max(1, round(0.04 * pixels.shape[0]))
    lines = (slice(at, at + thickness), slice(-at - thickness, -at or None))
    if side < 2:
        pixels[lines[side]] = ink
    else:
        pixels[:, lines[side - 2]] = ink


def _strike(pixels: Pixels, ink: Pixels, rng: random.Random) -> None:
    """Draw a thin line across the crop."""
    height, width = pixels.shape[:2]
    ends = ((0, rng.randint(0, height)), (width, rng.randint(0, height)))
    mask = cv2.line(np.zeros((height, width), np.uint8), *ends, (255,), max(1, height // 24), cv2.LINE_AA)
    pixels[...] = _over(pixels, mask, ink if rng.random() < 0.5 else 255 - ink)


def _photograph(pixels: Pixels, text_height: int, look: Look, rng: random.Random) -> NDArray[np.uint8]:
    """Apply the effects of lighting, camera and JPEG compression."""
    if rng.random() < look.light:
        pixels = effects.light(pixels, rng, look)
    if rng.random() < look.glare:
        pixels = effects.glare(pixels, rng, look)
    if rng.random() < look.motion:
        pixels = effects.motion(pixels, rng, look)
    elif rng.random() < look.defocus:
        pixels = effects.defocus(pixels, rng, look)
    if rng.random() < look.low_resolution:
        pixels = effects.low_resolution(pixels, rng, text_height, look)
    if rng.random() < look.noise:
        pixels = effects.noise(pixels, rng, look)
    if rng.random() < look.sharpen:
        pixels = effects.sharpen(pixels, rng, look)
    image = np.clip(pixels, 0, 255).astype(np.uint8)
    return effects.jpeg(image, rng, look) if rng.random() < look.jpeg else image


def _pad(layers: NDArray[np.uint8], top: int, bottom: int, left: int, right: int) -> NDArray[np.uint8]:
    padded = cv2.copyMakeBorder(layers, top, bottom, left, right, cv2.BORDER_CONSTANT)
    return padded.reshape(*padded.shape[:2], *layers.shape[2:])
