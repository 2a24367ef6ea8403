"""Exact lexicon decoding: the words of a list with the highest CTC likelihood."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.greedy import greedy
from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.decoding.search import CERTAIN, TIE, Found, search
from grcnn_ocr.decoding.trie import Forest, plant
from grcnn_ocr.text.charset import Charset, min_frames
from grcnn_ocr.text.lexicon import Lexicon
from grcnn_ocr.wording import counted

logger = logging.getLogger(__name__)

FRAMES_APART = 8
"""Images whose frames round up to the same multiple of this are searched together."""
TOGETHER = 2048
"""Frames of the images that are searched together, at most, which bounds the memory."""
CHUNK = 4096
"""Words scored at once without a trie."""


@dataclass(frozen=True)
class Answer:
    """A word of the list.

    Attributes:
        form: of the word that was found, folded; see `Charset.forms`.
        spellings: of the word in the list, several if they fold together; in alphabetical order, with small letters
            before capitals.
        log_likelihood: log p(word | image); -inf if the word cannot be written in the image's frames.
        posterior: p(word | image) over the sum of p for all words of the list, which are equally likely a priori; too
            small by at most 0.1 %. None unless asked for.
    """

    form: str
    spellings: tuple[str, ...]
    log_likelihood: float
    posterior: float | None = None


def best_words(
    log_probs: NDArray[np.floating],
    lengths: Sequence[int],
    lists: Sequence[Sequence[str]],
    charset: Charset,
    num_best: int = 1,
    posteriors: bool = False,
) -> list[list[Answer]]:
    """Find the likeliest words of each image's list, exactly; see `search`.

    The order of a list does not matter: where likelihoods agree to 1e-9, the alphabetically first word, after folding,
    comes first; likewise if none can be written in the image's frames (-inf for all).

    Args:
        log_probs: (B, T, K) log-softmax, class 0 the blank.
        lengths: (B,) frames of each image.
        lists: (B,) the words allowed for each; words with characters outside the charset cannot be the answer, see
            `check_lexicon`.
        charset: of the network that gave `log_probs`.
        num_best: answers per image, fewer if its list has fewer.
        posteriors: whether to compute them.

    Returns:
        For each image its answers, the likeliest first.

    Raises:
        ValueError: if no word of a list can be written in the charset.
    """
    own = {id(words): tuple(words) for words in lists}
    numbers = {key: number for number, key in enumerate(own)}
    which = np.array([numbers[id(words)] for words in lists], dtype=np.int64)
    ready = _ready(_Lists(tuple(own.values())), charset)
    answers: list[list[Answer]] = [[] for _ in lists]
    if num_best == 1 and not posteriors:
        answers = ready.certain(log_probs, lengths, which)
    rounded = -(-np.asarray(lengths) // FRAMES_APART) * FRAMES_APART
    rounded[[bool(answer) for answer in answers]] = 0
    for frames in set(rounded.tolist()) - {0}:
        alike = np.flatnonzero(rounded == frames)
        size = max(1, TOGETHER // frames)
        for together in np.split(alike, range(size, len(alike), size)):
            padded = _silent_beyond(log_probs[together, :frames], [lengths[image] for image in together])
            found = search(padded, ready.forest, which[together], num_best, posteriors)
            for row, image, here in zip(padded, together, found, strict=True):
                answers[image] = ready.answers(row, int(which[image]), here, num_best, posteriors)
    return answers


@lru_cache(maxsize=64)
def check_lexicon(
    lexicon: Lexicon, num_images: int, charset: Charset, num_frames: int, match_case: bool = False
) -> None:
    """Check that a lexicon fits the images and the network, and log which of its words can never be an answer.

    A lexicon that passed is cached, as readers of one image after another ask each time; it is logged only once.

    Raises:
        ValueError: if the number of lists is not that of the images, or if no word of a list can be written in the
            charset or in that many frames, naming the list.
    """
    lexicon.check_length(num_images)
    unwritable: set[str] = set()
    too_long: set[str] = set()
    merged: set[str] = set()
    exact = charset.as_listed((), match_case=True)
    for number, words in enumerate(lexicon.lists, start=1):
        listed = charset.as_listed(words, match_case)
        classes = writable(words, listed)
        place = f"{lexicon.name}, line {number}" if lexicon.per_image else lexicon.name
        if not classes:
            raise ValueError(
                f"lexicon {place}: none of its {len(words)} words can be written in charset {charset.name!r}: "
                f"{_shown(words)}"
            )
        unwritable.update(word for word in set(words) if not writable_forms(word, listed))
        for spellings in (spellings for spellings, _ in classes.values() if len(spellings) > 1):
            first = {exact.fold(word): word for word in reversed(spellings)}
            merged.update(word for word in spellings if first[exact.fold(word)] != word)
        longer = [text for text, (_, encoded) in classes.items() if min_frames(encoded) > num_frames]
        if len(longer) == len(classes):
            raise ValueError(f"lexicon {place}: all its words are too long for {num_frames} frames: {_shown(longer)}")
        too_long.update(longer)
    for log, kind, found in (
        (logger.warning, f"not of charset {charset.name!r}, never the answer", unwritable),
        (logger.warning, f"too long for {num_frames} frames, never the answer", too_long),
        (logger.info, "folded to the same characters as another, whose spelling is the answer", merged),
    ):
        if found:
            log("lexicon %s: %s %s: %s", lexicon.name, counted(len(found), "word"), kind, _shown(sorted(found)))


def listed_charsets(lists: Sequence[Sequence[str]], charset: Charset, match_case: bool = False) -> list[Charset]:
    """Return for each list the charset in which its words are looked for; see `Charset.as_listed`."""
    found = {id(words): _listed_charset(_Lists((tuple(words),)), charset, match_case) for words in lists}
    return [found[id(words)] for words in lists]


def writable(words: Iterable[str], charset: Charset) -> dict[str, tuple[tuple[str, ...], list[int]]]:
    """Return the words that the charset can write: their forms, each with its spellings and its classes."""
    found: dict[str, set[str]] = {}
    for word in words:
        for form in writable_forms(word, charset):
            found.setdefault(form, set()).add(word)
    return {
        folded: (tuple(sorted(found[folded], key=str.swapcase)), charset.encode(folded)) for folded in sorted(found)
    }


def writable_forms(word: str, charset: Charset) -> list[str]:
    """Return the forms of a word that the charset can write; see `Charset.forms`."""
    return [form for form in charset.forms(word) if form and not charset.unknown(form)]


@dataclass(frozen=True)
class _Ready:
    """Lists prepared for the search; words are numbered through all lists, in alphabetical order within each."""

    forest: Forest
    forms: list[str]
    spellings: list[tuple[str, ...]]
    classes: list[list[int]]
    starts: list[int]  # of each list, and the end
    numbers: list[dict[tuple[int, ...], int]]  # of each list's words, by their classes

    def certain(
        self, log_probs: NDArray[np.floating], lengths: Sequence[int], which: NDArray[np.int64]
    ) -> list[list[Answer]]:
        """Answer with the lexicon-free reading where it is in the list and nothing else can be as likely.

        That is the case if its likelihood is above one half; most images then need no search.
        """
        answers: list[list[Answer]] = [[] for _ in which]
        readings = greedy(log_probs, lengths)
        words = [self.numbers[number].get(tuple(reading)) for number, reading in zip(which, readings, strict=True)]
        listed = {image: word for image, word in enumerate(words) if word is not None}
        scores = log_likelihoods(log_probs, lengths, [readings[image] for image in listed], list(listed))
        for (image, word), score in zip(listed.items(), scores.tolist(), strict=True):
            if score > np.log(CERTAIN):
                answers[image] = [Answer(self.forms[word], self.spellings[word], score)]
        return answers

    def answers(
        self, log_probs: NDArray[np.floating], number: int, found: Found, num_best: int, posteriors: bool
    ) -> list[Answer]:
        """Sort what was found for one image, (T, K); if the search lost any word, score the whole list."""
        num_words = self.starts[number + 1] - self.starts[number]
        words, scores, total = found.words, found.log_likelihoods, found.log_total
        if len(words) < min(num_best, num_words):
            words = np.arange(self.starts[number], self.starts[number + 1])
            chunks = [words[first : first + CHUNK] for first in range(0, num_words, CHUNK)]
            scores = np.concatenate(
                [
                    log_likelihoods(
                        log_probs[None], [len(log_probs)], [self.classes[word] for word in chunk], [0] * len(chunk)
                    )
                    for chunk in chunks
                ]
            )
            total = float(np.logaddexp.reduce(scores))
        order = _in_order(words, scores)[:num_best]
        return [
            Answer(
                self.forms[words[place]],
                self.spellings[words[place]],
                float(scores[place]),
                (float(np.exp(scores[place] - total)) if total > -np.inf else 1 / num_words) if posteriors else None,
            )
            for place in order
        ]


@dataclass(frozen=True)
class _Lists:
    """A cache's key, equal if the lists are; its hash is that of their lengths, at once even with 100,000 words."""

    lists: tuple[tuple[str, ...], ...]

    def __hash__(self) -> int:
        return hash(tuple(map(len, self.lists)))


@lru_cache(maxsize=4)
def _listed_charset(lists: _Lists, charset: Charset, match_case: bool) -> Charset:
    return charset.as_listed(chain.from_iterable(lists.lists), match_case)


@lru_cache(maxsize=4)
def _ready(lists: _Lists, charset: Charset) -> _Ready:
    forms: list[str] = []
    spellings: list[tuple[str, ...]] = []
    classes: list[list[list[int]]] = []
    starts = [0]
    numbers: list[dict[tuple[int, ...], int]] = []
    for words in lists.lists:
        here = writable(words, charset)
        if not here:
            raise ValueError(f"none of the {len(words)} words can be written in charset {charset.name!r}")
        forms += here
        spellings += [spelling for spelling, _ in here.values()]
        classes.append([encoded for _, encoded in here.values()])
        numbers.append({tuple(encoded): number for number, encoded in enumerate(classes[-1], start=starts[-1])})
        starts.append(len(spellings))
    return _Ready(plant(classes), forms, spellings, [word for words in classes for word in words], starts, numbers)


def _in_order(words: NDArray[np.int64], scores: NDArray[np.float64]) -> list[int]:
    """Sort positions by falling score; scores that agree to `TIE` with the first of them, by rising word."""
    order = sorted(range(len(words)), key=lambda place: (-scores[place], words[place]))
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or scores[order[end]] < scores[order[start]] - TIE:
            order[start:end] = sorted(order[start:end], key=lambda place: words[place])
            start = end
    return order


def _silent_beyond(log_probs: NDArray[np.floating], lengths: Sequence[int]) -> NDArray[np.floating]:
    """Make the blank certain beyond each image's own frames, which does not change its likelihoods."""
    beyond = np.arange(log_probs.shape[1]) >= np.asarray(lengths)[:, None]
    certain = np.where(np.arange(log_probs.shape[2]) == 0, 0.0, -np.inf)
    return np.where(beyond[:, :, None], certain, log_probs)


def _shown(words: Sequence[str]) -> str:
    return ", ".join(map(repr, words[:5])) + (", ..." if len(words) > 5 else "")
