"""Exact lexicon decoding: the word of a list with the highest CTC likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.text.charset import Charset


def best_word(log_probs: NDArray[np.floating], words: Sequence[str], charset: Charset) -> tuple[str, float]:
    """Return the most likely word of a list and its log-likelihood.

    Words are folded to the charset. The list's order plays no part: of equally likely words the alphabetically
    first wins, and when none can be written in the image's frames (-inf for all) that is the answer too.

    Args:
        log_probs: (T, K) of one image.
        words: the list; words with characters outside the charset cannot be the answer.
        charset: of the network that gave `log_probs`.

    Raises:
        ValueError: if no word of the list can be written in the charset.
    """
    texts, classes = writable(tuple(words), charset)
    if not texts:
        raise ValueError(
            f"none of the {len(words)} words of the lexicon can be written in charset {charset.name!r}: "
            f"{', '.join(map(repr, words[:5]))}"
        )
    scores = log_likelihoods(log_probs[None], [len(log_probs)], classes, [0] * len(classes))
    best = int(scores.argmax())  # the first of equals, and `texts` is in alphabetical order
    return texts[best], float(scores[best])


@lru_cache(maxsize=16)
def writable(words: tuple[str, ...], charset: Charset) -> tuple[list[str], list[list[int]]]:
    """Return the words that the charset can write, folded, once each, in alphabetical order, and their classes."""
    folded = sorted({charset.fold(word) for word in words} - {""})
    texts = [word for word in folded if not charset.unknown(word)]
    return texts, [charset.encode(word) for word in texts]
