"""Measuring every image once; only a few numbers of each are kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.datasets.importers.records import Problem
from grcnn_ocr.datasets.lmdb_tools import parallel, picture_or_problem
from grcnn_ocr.datasets.words import WordSource
from grcnn_ocr.doctor.duplicates import perceptual_hash
from grcnn_ocr.loading import Progress
from grcnn_ocr.preprocess import Preprocessor

BLANK_CONTRAST = 2.0
"""Standard deviation of gray levels below which an image is blank."""

FIELDS = [
    ("digest", np.uint64),
    ("hash", np.uint64),
    ("height", np.int32),
    ("width", np.int32),
    ("resized_width", np.int32),
    ("contrast", np.float32),
]


@dataclass(frozen=True)
class Images:
    """Measurements of a source's images.

    Attributes:
        measures: (N,) of `FIELDS`, zeros where an image cannot be decoded: a 64-bit digest of the file, the perceptual
            hash, the size in pixels, the width once resized for the network, the standard deviation of gray levels.
        problems: what keeps each of the other images out, by index.
    """

    measures: NDArray[np.void]
    problems: dict[int, Problem]

    @property
    def is_sound(self) -> NDArray[np.bool_]:
        """(N,) whether each can be decoded."""
        return self.measures["height"] > 0

    @property
    def is_blank(self) -> NDArray[np.bool_]:
        """(N,) whether each can be decoded but has no contrast."""
        return self.is_sound & (self.measures["contrast"] < BLANK_CONTRAST)


def look_at_images(source: WordSource, preprocessor: Preprocessor, progress: Progress) -> Images:
    """Decode and measure every image, in threads.

    Args:
        source: the words.
        preprocessor: that the network's images go through.
        progress: called with the number of images done since the last call.
    """

    def look(index: int) -> tuple[int, int, int, int, int, float] | Problem:
        place = source.place(index)
        try:
            data = source.image(index)
        except ValueError as error:
            return Problem("unreadable image", place, str(error).removeprefix(f"{place}: "))
        image = picture_or_problem(data, place)
        if isinstance(image, Problem):
            return image
        digest = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
        contrast = float(cv2.meanStdDev(image)[1][0, 0])
        return digest, perceptual_hash(image), *image.shape, preprocessor.resized_width(*image.shape), contrast

    measures, problems = np.zeros(len(source), FIELDS), {}
    for index, found in enumerate(parallel(look, range(len(source)))):
        progress(1)
        if isinstance(found, Problem):
            problems[index] = found
        else:
            measures[index] = found
    return Images(measures, problems)
