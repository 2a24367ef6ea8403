"""How far an exported network is from torch's: by its log-probabilities, and by what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from grcnn_ocr.decoding.frames import Frames
from grcnn_ocr.evaluation.protocol import charset_protocol
from grcnn_ocr.pixels import Pixels
from grcnn_ocr.reader import BaseReader

BATCH_SIZES = (1, 3, 16)


@dataclass(frozen=True)
class Agreement:
    """An exported network beside torch's.

    Attributes:
        accuracy: share of the words that it reads right, 0 to 1.
        num_changed: words that it reads differently.
        difference: the largest difference of a log-probability, in nats.
    """

    accuracy: float
    num_changed: int
    difference: float


class Comparison:
    """Compares exported networks with torch's on labelled words.

    Args:
        recognizer: torch's network.
        images: grayscale (H, W), at least one.
        labels: of the images.

    Attributes:
        accuracy: of torch's network, 0 to 1.
    """

    def __init__(self, recognizer: BaseReader, images: Sequence[Pixels], labels: Sequence[str]) -> None:
        protocol = charset_protocol(recognizer.charset)
        self._images = images
        self._labels = [protocol.fold(label) for label in labels]
        self._batch_size = recognizer.batch_size
        self._texts = _texts(recognizer, images)
        self.accuracy = _share_of_equals(self._texts, self._labels)
        preprocessor = recognizer.preprocessor
        self._crops = list(images[: 2 * max(BATCH_SIZES)])
        for width in (1, 3 * preprocessor.height, preprocessor.widest):
            self._crops.append(cv2.resize(self._crops[0], (width, preprocessor.height)))
        self._frames = recognizer.recognise(self._crops)

    def agreement(self, reader: BaseReader) -> Agreement:
        """Compare an exported network; its log-probabilities in batches of several sizes and widths."""
        difference = 0.0
        for reader.batch_size in BATCH_SIZES:
            difference = max(difference, _difference(self._frames, reader.recognise(self._crops)))
        reader.batch_size = self._batch_size
        texts = _texts(reader, self._images)
        num_changed = sum(text != other for text, other in zip(texts, self._texts, strict=True))
        return Agreement(_share_of_equals(texts, self._labels), num_changed, difference)


def _texts(reader: BaseReader, images: Sequence[Pixels]) -> list[str]:
    return [prediction.text for prediction in reader.read_many(images)]


def _share_of_equals(texts: Sequence[str], labels: Sequence[str]) -> float:
    return sum(text == label for text, label in zip(texts, labels, strict=True)) / len(labels)


def _difference(a: Frames, b: Frames) -> float:
    """Return the largest difference within the images' own frames; infinite if their numbers differ."""
    if a.lengths != b.lengths:
        return float("inf")
    return max(float(np.abs(one - other).max()) for one, other in zip(a.each(), b.each(), strict=True))
