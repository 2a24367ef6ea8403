"""The CRNN paper's approximate lexicon decoding, for comparison with the exact search.

Shi et al., "An End-to-End Trainable Neural Network for Image-based Sequence Recognition", T-PAMI 2017, section 2.3.2:
only the words within a small edit distance of the lexicon-free reading are scored.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.greedy import greedy
from grcnn_ocr.decoding.lexicon import Answer, best_words, writable_forms
from grcnn_ocr.text.charset import Charset

DISTANCE = 3
"""Largest edit distance; the paper's choice."""


def near_words(
    log_probs: NDArray[np.floating], lengths: Sequence[int], lists: Sequence[Sequence[str]], charset: Charset
) -> list[Answer | None]:
    """Find the likeliest word within `DISTANCE` of each image's lexicon-free reading; see `best_words`.

    Needs the package rapidfuzz.

    Returns:
        For each image its answer; None where no word of its list is near.
    """
    readings = [charset.decode(classes) for classes in greedy(log_probs, lengths)]
    near = [_near(reading, words, charset) for reading, words in zip(readings, lists, strict=True)]
    some = [image for image, words in enumerate(near) if words]
    answers: list[Answer | None] = [None] * len(near)
    if some:
        found = best_words(log_probs[some], [lengths[i] for i in some], [near[i] for i in some], charset)
        for image, (answer,) in zip(some, found, strict=True):
            answers[image] = answer
    return answers


def _near(reading: str, words: Sequence[str], charset: Charset) -> list[str]:
    try:
        from rapidfuzz import process
        from rapidfuzz.distance import Levenshtein
    except ImportError:
        raise ValueError("nearest words need the package rapidfuzz: pip install rapidfuzz") from None

    found = process.extract(
        reading, words, scorer=Levenshtein.distance, processor=charset.fold, score_cutoff=DISTANCE, limit=None
    )
    return [word for word, _, _ in found if writable_forms(word, charset)]
