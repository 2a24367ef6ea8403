"""Readings drawn on their crops."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from grcnn_ocr.decoding.decoder import Prediction
from grcnn_ocr.lettering import caption_font
from grcnn_ocr.pixels import Pixels, turned

HEIGHT = 96
"""Least height of a drawn crop, in pixels."""
STRIP = 30
"""Height in pixels of the strips above, for the characters, and below, for the text."""
TINTS = ((31, 111, 235), (219, 109, 40))
"""Colours of the spans, in turn; the colour-blind can tell them apart."""


def annotated(image: Pixels, prediction: Prediction) -> np.ndarray:
    """Draw a crop's characters, each over its span, and its text and confidence below.

    A crop that was turned to be read is drawn turned.

    Args:
        image: grayscale (H, W), as it was given.
        prediction: its reading, with characters.

    Returns:
        (H', W', 3) uint8, RGB.
    """
    image = turned(image, prediction.rotation)
    scale = max(HEIGHT / image.shape[0], 1.0)
    crop = Image.fromarray(image).convert("RGB")
    crop = crop.resize((max(round(crop.width * scale), 1), max(round(crop.height * scale), 1)))
    font = caption_font(prediction.text, STRIP * 0.7)
    caption = f"{prediction.text}  {100 * prediction.confidence:.0f} %"
    width = max(crop.width, round(font.getlength(caption)) + 8)
    sheet = Image.new("RGB", (width, crop.height + 2 * STRIP), "white")
    sheet.paste(crop, (0, STRIP))
    draw = ImageDraw.Draw(sheet, "RGBA")
    for number, character in enumerate(prediction.characters or ()):
        left, right = scale * character.left, scale * character.right
        tint = TINTS[number % 2]
        draw.rectangle((left, STRIP, right - 1, STRIP + crop.height - 1), fill=(*tint, 40), outline=(*tint, 255))
        draw.text(((left + right) / 2, STRIP / 2), character.text, fill=tint, font=font, anchor="mm")
    draw.text((4, STRIP * 1.5 + crop.height), caption, fill="black", font=font, anchor="lm")
    return np.asarray(sheet)
