"""How well the characters of readings are placed, against boxes that people drew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from grcnn_ocr.datasets.importers.records import Box
from grcnn_ocr.decoding.decoder import Prediction
from grcnn_ocr.evaluation.protocol import ALPHANUMERIC


class Overlap(NamedTuple):
    """Mean intersection over union of true and found horizontal spans, over all characters of words read right.

    Attributes:
        found: of the spans of the readings.
        equal_parts: of the crop divided into as many equal parts, for comparison.
        num_words: the words compared: read right, and every character of the label in the reading.
    """

    found: float
    equal_parts: float
    num_words: int


def mean_overlap(
    predictions: Sequence[Prediction],
    labels: Sequence[str],
    boxes: Sequence[Sequence[Box]],
    widths: Sequence[int],
) -> Overlap:
    """Compare the characters of predictions, which must hold them, with boxes (one a character of the label).

    Args:
        predictions: of `Recognizer.read_many(..., characters=True)`.
        labels: of the images.
        boxes: of their characters.
        widths: of the images, in pixels.
    """
    found, equal = [], []
    num_words = 0
    for prediction, label, of_word, width in zip(predictions, labels, boxes, widths, strict=True):
        characters = prediction.characters or ()
        if ALPHANUMERIC.fold(prediction.text) != ALPHANUMERIC.fold(label) or len(characters) != len(of_word):
            continue
        num_words += 1
        edges = np.linspace(0, width, len(of_word) + 1)
        for number, (character, (left, _, right, _)) in enumerate(zip(characters, of_word, strict=True)):
            found.append(_overlap(character.left, character.right, left, right))
            equal.append(_overlap(edges[number], edges[number + 1], left, right))
    if not num_words:
        return Overlap(float("nan"), float("nan"), 0)
    return Overlap(float(np.mean(found)), float(np.mean(equal)), num_words)


def _overlap(left: float, right: float, true_left: float, true_right: float) -> float:
    shared = max(0.0, min(right, true_right) - max(left, true_left))
    return shared / (max(right, true_right) - min(left, true_left))
