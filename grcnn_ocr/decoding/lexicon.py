"""Exact lexicon decoding: the word of a list with the highest CTC likelihood."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.text.charset import Charset, min_frames
from grcnn_ocr.text.lexicon import Lexicon

logger = logging.getLogger(__name__)


def best_word(log_probs: NDArray[np.floating], words: Sequence[str], charset: Charset) -> tuple[str, float]:
    """Return the most likely word of a list, folded to the charset, and its log-likelihood.

    The list's order plays no part: of equally likely words the alphabetically first wins, and so it does when none can
    be written in the image's frames (-inf for all).

    Args:
        log_probs: (T, K) of one image.
        words: the list; words with characters outside the charset cannot be the answer, see `check_lexicon`.
        charset: of the network that gave `log_probs`.

    Raises:
        ValueError: if no word of the list can be written in the charset.
    """
    classes = writable(words, charset)
    if not classes:
        raise ValueError(f"none of the {len(words)} words can be written in charset {charset.name!r}")
    texts = sorted(classes)
    scores = log_likelihoods(log_probs[None], [len(log_probs)], [classes[text] for text in texts], [0] * len(texts))
    best = int(scores.argmax())  # the first of equals
    return texts[best], float(scores[best])


@lru_cache(maxsize=64)
def check_lexicon(lexicon: Lexicon, num_images: int, charset: Charset, num_frames: int) -> None:
    """Make sure that a lexicon fits the images and the network, and log a warning of words that can never be answers.

    A lexicon that passed is not looked through, nor warned of, again: readers of one image after another ask each time.

    Raises:
        ValueError: if the number of lists is not that of the images, or no word of a list can be written, naming it.
    """
    lexicon.check_length(num_images)
    unwritable: set[str] = set()
    too_long: set[str] = set()
    for number, words in enumerate(lexicon.lists, start=1):
        classes = writable(words, charset)
        if not classes:
            place = f"{lexicon.name}, line {number}" if lexicon.per_image else lexicon.name
            raise ValueError(
                f"lexicon {place}: none of its {len(words)} words can be written in charset {charset.name!r}: "
                f"{_shown(words)}"
            )
        unwritable.update(word for word in words if _folded(word, charset) not in classes)
        too_long.update(text for text, encoded in classes.items() if min_frames(encoded) > num_frames)
    for kind, found in (
        (f"cannot be written in charset {charset.name!r}", unwritable),
        (f"are too long for {num_frames} frames", too_long),
    ):
        if found:
            shown = _shown(sorted(found))
            logger.warning(
                "lexicon %s: %d words %s and are never the answer: %s", lexicon.name, len(found), kind, shown
            )


def writable(words: Iterable[str], charset: Charset) -> dict[str, tuple[int, ...]]:
    """Return the words that the charset can write, folded, once each, and their classes."""
    encoded = ((_folded(word, charset), _encoded(word, charset)) for word in words)
    return {text: classes for text, classes in encoded if classes}


@lru_cache(maxsize=2**18)
def _folded(word: str, charset: Charset) -> str:
    return charset.fold(word)


@lru_cache(maxsize=2**18)
def _encoded(word: str, charset: Charset) -> tuple[int, ...] | None:
    folded = _folded(word, charset)
    return None if charset.unknown(folded) else tuple(charset.encode(folded))


def _shown(words: Sequence[str]) -> str:
    return ", ".join(map(repr, words[:5])) + (", ..." if len(words) > 5 else "")
