"""Contact sheets: crops with their labels under them, with all effects or with one effect alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydantic.fields import FieldInfo

from grcnn_ocr.config import Look
from grcnn_ocr.datasets.synth.engine import WordEngine
from grcnn_ocr.lettering import caption_font
from grcnn_ocr.pixels import resize
from grcnn_ocr.registry import closest


def _is_chance(field: FieldInfo) -> bool:
    return any(getattr(limit, "le", None) == 1 for limit in field.metadata)


CELL_WIDTH, CROP_HEIGHT, LABEL_HEIGHT = 150, 44, 16
COLUMNS = 8
NEUTRAL: dict[str, tuple[float, float]] = {
    "spacing": (0, 0), "height": (40, 40), "stretch": (1, 1), "margin": (0.15, 0.15), "contrast": (120, 120),
}  # fmt: skip
"""Ranges that make words look plain, for the effects that have no probability."""
CHANCES = [name for name, field in Look.model_fields.items() if isinstance(field.default, float) and _is_chance(field)]
EFFECTS = [*NEUTRAL, *CHANCES]


def contact_sheet(engine: WordEngine, columns: int = COLUMNS, rows: int = 16) -> NDArray[np.uint8]:
    """Draw samples 0, 1, ... row by row; return (H, W, 3) RGB."""
    sheet = _Sheet(columns, rows)
    for index in range(columns * rows):
        image, label = engine.sample(index)
        sheet.put(*divmod(index, columns), image, label)
    return np.asarray(sheet.image)


def effect_sheet(engine: WordEngine, effect: str) -> NDArray[np.uint8]:
    """Draw a row of plain words, and a row of the same words under one effect alone, or one per effect ("all").

    Raises:
        ValueError: on an unknown effect.
    """
    check_effect(effect)
    effects = EFFECTS if effect == "all" else [effect]
    sheet = _Sheet(COLUMNS, len(effects) + 1)
    for row, name in enumerate(["plain", *effects]):
        look = replace(engine, look=alone(engine.look, name))
        for column in range(COLUMNS):
            image, label = look.sample(column)
            sheet.put(row, column, image, name if column == 0 else label)
    return np.asarray(sheet.image)


def check_effect(effect: str) -> None:
    """Raise ValueError unless there is such an effect, or it is "all"."""
    if effect != "all" and effect not in EFFECTS:
        raise ValueError(f"no effect {effect!r}{closest(effect, EFFECTS)} (known: {', '.join(EFFECTS)}, or all)")


def alone(look: Look, effect: str) -> Look:
    """Return a look with this effect alone, always and in its full range; for "plain", without any."""
    changes: dict[str, object] = {**dict.fromkeys(CHANCES, 0.0), **NEUTRAL}
    if effect in NEUTRAL:
        changes.pop(effect)
    elif effect in CHANCES:
        changes[effect] = 1.0
    return look.model_copy(update=changes)


class _Sheet:
    def __init__(self, columns: int, rows: int) -> None:
        self.image = Image.new("RGB", (columns * CELL_WIDTH, rows * (CROP_HEIGHT + LABEL_HEIGHT)), "white")
        self._pen = ImageDraw.Draw(self.image)

    def put(self, row: int, column: int, crop: NDArray[np.uint8], label: str) -> None:
        x, y = column * CELL_WIDTH, row * (CROP_HEIGHT + LABEL_HEIGHT)
        factor = min((CELL_WIDTH - 4) / crop.shape[1], CROP_HEIGHT / crop.shape[0])
        size = (max(1, round(factor * crop.shape[1])), max(1, round(factor * crop.shape[0])))
        shown = np.broadcast_to(resize(crop, *size), (*size[::-1], 3))
        self.image.paste(Image.fromarray(shown), (x, y))
        self._pen.text((x, y + CROP_HEIGHT), label, fill="black", font=caption_font(label, 12))
