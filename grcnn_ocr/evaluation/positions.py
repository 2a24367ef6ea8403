"""How well the characters of readings are located, compared with annotated boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from grcnn_ocr.datasets.importers.records import Box
from grcnn_ocr.decoding.decoder import Prediction
from grcnn_ocr.evaluation.protocol import ALPHANUMERIC


class Overlap(NamedTuple):
    """Mean intersection over union of true and found horizontal spans, over the characters of words read right.

    Attributes:
        found: that of the spans of the readings.
        equal_parts: that of spans that divide the crop equally, for comparison.
        num_words: words compared, read right and with as many characters as boxes.
    """

    found: float
    equal_parts: float
    num_words: int


class Placing:
    """Accumulates the overlaps of readings."""

    def __init__(self) -> None:
        self._found: list[float] = []
        self._equal: list[float] = []
        self._num_words = 0

    def add(self, prediction: Prediction, label: str, boxes: Sequence[Box], width: int) -> None:
        """Compare the characters of a prediction with the true ones.

        Args:
            prediction: with characters.
            label: of the image.
            boxes: one per character of the label.
            width: of the image, in pixels.
        """
        characters = prediction.characters or ()
        if ALPHANUMERIC.fold(prediction.text) != ALPHANUMERIC.fold(label) or len(characters) != len(boxes):
            return
        self._num_words += 1
        edges = np.linspace(0, width, len(boxes) + 1)
        for number, (character, (left, _, right, _)) in enumerate(zip(characters, boxes, strict=True)):
            self._found.append(_overlap(character.left, character.right, left, right))
            self._equal.append(_overlap(edges[number], edges[number + 1], left, right))

    def overlap(self) -> Overlap | None:
        """Return the means so far; None without a word."""
        if not self._num_words:
            return None
        return Overlap(float(np.mean(self._found)), float(np.mean(self._equal)), self._num_words)


def _overlap(left: float, right: float, true_left: float, true_right: float) -> float:
    shared = max(0.0, min(right, true_right) - max(left, true_left))
    return shared / (max(right, true_right) - min(left, true_left))
