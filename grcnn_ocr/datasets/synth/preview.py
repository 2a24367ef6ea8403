"""A contact sheet: crops with their labels under them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from grcnn_ocr.datasets.synth.engine import WordEngine

CELL_WIDTH, CROP_HEIGHT, LABEL_HEIGHT = 150, 44, 16


def contact_sheet(engine: WordEngine, columns: int = 8, rows: int = 16) -> NDArray[np.uint8]:
    """Draw samples 0, 1, ... line by line; return (H, W, 3) RGB."""
    sheet = Image.new("RGB", (columns * CELL_WIDTH, rows * (CROP_HEIGHT + LABEL_HEIGHT)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for index in range(columns * rows):
        image, label = engine.sample(index)
        row, column = divmod(index, columns)
        x, y = column * CELL_WIDTH, row * (CROP_HEIGHT + LABEL_HEIGHT)
        factor = min((CELL_WIDTH - 4) / image.shape[1], CROP_HEIGHT / image.shape[0])
        size = (max(1, round(factor * image.shape[1])), max(1, round(factor * image.shape[0])))
        resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        sheet.paste(Image.fromarray(resized).convert("RGB"), (x, y))
        pen.text((x, y + CROP_HEIGHT), label, fill="black", font=font)
    return np.asarray(sheet)
