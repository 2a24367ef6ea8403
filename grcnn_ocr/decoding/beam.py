"""CTC prefix beam search: the best texts, with a language model, allowed characters or a pattern.

Prefix probabilities of Graves et al., "Connectionist Temporal Classification", ICML 2006, section 3.2, in the beam
search of Hannun et al., "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent
DNNs", arXiv:1408.2873, 2014.
T frames; K classes, 0 the blank; N prefixes in the beam. All in logarithms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.confidence import log_odds
from grcnn_ocr.decoding.greedy import greedy
from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.decoding.search import best_of_each
from grcnn_ocr.text.charset import Charset

if TYPE_CHECKING:
    import regex

    from grcnn_ocr.text.ngram import NGram

Floats = NDArray[np.float64]
Prefix = tuple[int, ...]

CACHE_SIZE = 2**14
"""Prefixes whose possible continuations are cached from image to image."""
TRIED_PREFIXES = 30_000
"""How many to try for a text that matches the pattern, before assuming that there is one."""
LONGEST_TRIED = 16
"""Characters of the longest prefix that is tried."""
NATS_AHEAD, CHARACTERS_AHEAD = 6.0, 2.0
"""How far a language model and the length bonus may prefer another text to a sure one. With the default weight and
bonus, readings likelier than 0.98 are kept without a search: of 6,000 crops of IIIT5K train, as they are, turned,
shrunk, cut and compressed, three fifths or more are such, and the search would change none of them."""


@dataclass(frozen=True)
class BeamOptions:
    """How to search; the default `weight` and `length_bonus` are the best of a grid on IIIT5K train, English words.

    Attributes:
        width: prefixes kept per frame.
        num_best: how many hypotheses to return.
        allowed: characters that a text may hold, folded to the charset; by default all.
        pattern: regular expression, in the syntax of the package `regex`, that the whole text must match; its
            case is ignored if the charset has only one case.
        language_model: one to whose charset the network's folds.
        weight: of log p of the language model against log p of the image.
        length_bonus: added for each character that the model rates, since the model prefers short texts.

    Raises:
        ValueError: if `num_best` is not from 1 to `width`, or `weight` is negative.
    """

    width: int = 16
    num_best: int = 1
    allowed: frozenset[str] | None = None
    pattern: str | None = None
    language_model: NGram | None = None
    weight: float = 0.35
    length_bonus: float = 0.9

    def __post_init__(self) -> None:
        if not 1 <= self.num_best <= self.width:
            raise ValueError(
                f"num_best {self.num_best} and width {self.width}: a beam gives from 1 to `width` hypotheses"
            )
        if self.weight < 0:
            raise ValueError(f"weight {self.weight} of the language model: expected 0 or more")


@dataclass(frozen=True)
class Hypothesis:
    """A possible reading of an image.

    Attributes:
        classes: the classes of its characters.
        text: its characters.
        log_likelihood: log p(text | image) by CTC, summed over all alignments.
        language_score: log p(folded text) by the language model; 0 without one.
        score: log_likelihood + weight * language_score + length_bonus * length of the folded text, by which hypotheses
            are ranked.
    """

    classes: Prefix
    text: str
    log_likelihood: float
    language_score: float
    score: float


class BeamSearch:
    """Finds the best texts of images, one after another.

    Args:
        charset: of the network.
        options: how to search.

    Raises:
        ValueError: on a language model that lacks a character of the network, an allowed character outside
            the charset, a pattern that is not a regular expression, or one that matches no text of the charset.
    """

    def __init__(self, charset: Charset, options: BeamOptions = BeamOptions()) -> None:
        self.charset = charset
        self.options = options
        model = options.language_model
        no_classes = np.zeros(charset.num_classes, dtype=np.intp)
        self._folded = no_classes if model is None else model.classes_of(charset)  # (K,) the model's, 0: not rated
        allowed = range(1, charset.num_classes) if options.allowed is None else _classes(options.allowed, charset)
        self.allowed = np.full(charset.num_classes, -np.inf)
        self.allowed[allowed] = 0.0  # (K,)
        self.pattern = None if options.pattern is None else _compile(options.pattern, charset)
        self._cache: dict[Prefix, Floats] = {}
        if not self._has_match():
            raise ValueError(
                f"pattern {options.pattern!r} matches no text of the characters "
                f"{''.join(charset.characters[c - 1] for c in sorted(allowed))!r}; write it in the characters of "
                f"charset {charset.name!r}, to which labels are folded, without punctuation that it lacks"
            )

    def __call__(self, log_probs: NDArray[np.floating]) -> list[Hypothesis]:
        """Return up to `num_best` hypotheses, the best first; of equal ones the alphabetically first.

        The greedy reading, if it is allowed, is always a candidate. If one hypothesis is wanted and that reading is
        sure, no search is made: without a language model, a reading of p > 0.5 is the best of all. If no prefix in the
        beam matches the pattern, the search is repeated with one beam per prefix length, then with four times the
        width.

        Args:
            log_probs: (T, K) log-softmax of one image.

        Returns:
            The hypotheses; fewer than `num_best` if there are not that many, none if nothing matches.
        """
        emissions = np.asarray(log_probs, dtype=np.float64)
        best_path = tuple(greedy((emissions + np.append(0.0, self.allowed[1:]))[None], [len(emissions)])[0])
        if self.options.num_best == 1:
            greedily = self._ranked(emissions, self._matching([best_path]))
            if greedily and self._is_sure(greedily[0]):
                return greedily
        found = self._matching([*self._search(emissions, self.options.width), best_path])
        for factor in (1, 4) if self.pattern is not None else ():
            found = found or self._matching(self._search(emissions, factor * self.options.width, each_length=True))
        return self._ranked(emissions, found)

    def _is_sure(self, reading: Hypothesis) -> bool:
        ahead = 0.0
        if self.options.language_model is not None:
            ahead = NATS_AHEAD * self.options.weight + CHARACTERS_AHEAD * abs(self.options.length_bonus)
        return log_odds(reading.log_likelihood) > ahead

    def _search(self, emissions: Floats, width: int, each_length: bool = False) -> list[Prefix]:
        """Return the prefixes left after the last frame.

        With p_b and p_c the probabilities of a prefix whose last frame is a blank or its last character l, y the frame:

            p_b'(h) = y_blank (p_b(h) + p_c(h))
            p_c'(h) = y_l p_c(h) + p'(h), the last if h without l is in the beam too
            p'(hc) = y_c (p_b(h) + [c not l] p_c(h))
        """
        prefixes: list[Prefix] = [()]
        last = np.zeros(1, dtype=np.intp)  # (N,) class, 0 of the empty prefix
        blank, character = np.zeros(1), np.full(1, -np.inf)
        earned = np.zeros(1)  # (N,) from the language model and the length
        following = self._following(())[None]  # (N, K) what a class would earn
        for frame in emissions:
            total = np.logaddexp(blank, character)
            extended = total[:, None] + frame  # (N, K)
            spoken = frame[last]
            extended[np.arange(len(last)), last] = blank + spoken
            blank, character = total + frame[0], character + spoken
            rows = {prefix: row for row, prefix in enumerate(prefixes)}
            pairs = [(rows[p[:-1]], row) for row, p in enumerate(prefixes) if p and p[:-1] in rows]
            if pairs:
                parents, children = np.array(pairs).T
                merged = last[children]
                character[children] = np.logaddexp(character[children], extended[parents, merged])
                extended[parents, merged] = -np.inf
            gains = earned[:, None] + following
            ranks = np.concatenate([np.logaddexp(blank, character) + earned, (extended + gains).ravel()])
            if each_length:
                lengths = np.array([len(prefix) for prefix in prefixes])
                kept = best_of_each(np.append(lengths, np.repeat(lengths + 1, len(frame))), ranks, width)
            else:
                kept = np.arange(len(ranks)) if len(ranks) <= width else np.argpartition(-ranks, width - 1)[:width]
            kept = kept[ranks[kept] > -np.inf]
            old = kept[kept < len(last)]
            parents, classes = np.divmod(kept[kept >= len(last)] - len(last), len(frame))
            new = [(*prefixes[row], c) for row, c in zip(parents.tolist(), classes.tolist(), strict=True)]
            prefixes = [prefixes[row] for row in old.tolist()] + new
            last = np.concatenate([last[old], classes])
            blank = np.concatenate([blank[old], np.full(len(new), -np.inf)])
            character = np.concatenate([character[old], extended[parents, classes]])
            earned = np.concatenate([earned[old], gains[parents, classes]])
            rows_of_new = np.reshape([self._following(prefix) for prefix in new], (-1, len(frame)))
            following = np.concatenate([following[old], rows_of_new])
        return prefixes

    def _following(self, prefix: Prefix) -> Floats:
        """Return (K,) the score that each class adds after a prefix; -inf for the blank and for what may not follow."""
        if self.pattern is None and self.options.language_model is None:
            return self.allowed
        found = self._cache.get(prefix)
        if found is None:
            found = self.allowed
            if self.options.language_model is not None:
                language = self.options.language_model.log_following(self._said(prefix))[self._folded]
                earned = self.options.weight * language + self.options.length_bonus
                found = found + np.where(self._folded > 0, earned, 0.0)
            if self.pattern is not None:
                text = self.charset.decode(prefix)
                may_follow = [self._match(text + char, partial=True) for char in self.charset.characters]
                found = np.where([False, *may_follow], found, -np.inf)
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            self._cache[prefix] = found
        return found

    def _said(self, classes: Prefix) -> Prefix:
        """Return a prefix in the classes of the language model, without what it does not rate."""
        return tuple(c for c in self._folded[list(classes)].tolist() if c)

    def _matching(self, found: Iterable[Prefix]) -> list[Prefix]:
        return [classes for classes in dict.fromkeys(found) if self._match(self.charset.decode(classes))]

    def _match(self, text: str, partial: bool = False) -> bool:
        """Return whether the text matches, or, if `partial`, may once continued (`regex` errs after some `??`)."""
        return self.pattern is None or self.pattern.fullmatch(text, partial=partial) is not None

    def _has_match(self) -> bool:
        """Return whether the pattern matches a text of the allowed characters, as far as is tried."""
        prefixes: list[Prefix] = [()]
        for _ in range(TRIED_PREFIXES):
            if not prefixes:
                return False
            prefix = prefixes.pop()
            if len(prefix) > LONGEST_TRIED or self._matching([prefix]):
                return True
            prefixes += [(*prefix, int(c)) for c in np.flatnonzero(self._following(prefix) > -np.inf)]
        return True

    def _ranked(self, emissions: Floats, found: list[Prefix]) -> list[Hypothesis]:
        """Score hypotheses exactly and return the best."""
        model, hypotheses = self.options.language_model, []
        scores = log_likelihoods(emissions[None], [len(emissions)], found, [0] * len(found))
        for classes, log_likelihood in zip(found, scores.tolist(), strict=True):
            said = self._said(classes)
            language = 0.0 if model is None else model.log_probability(said)
            bonus = self.options.length_bonus * len(said)
            score = log_likelihood + self.options.weight * language + bonus
            hypotheses.append(Hypothesis(classes, self.charset.decode(classes), log_likelihood, language, score))
        possible = [hypothesis for hypothesis in hypotheses if hypothesis.log_likelihood > -np.inf]
        return sorted(possible, key=lambda hypothesis: (-hypothesis.score, hypothesis.text))[: self.options.num_best]


def _classes(allowed: Iterable[str], charset: Charset) -> list[int]:
    """Return the classes of allowed characters."""
    folded = {char: charset.fold(char) for char in allowed}
    if not folded:
        raise ValueError(
            f"allowed characters (--allow): none given; name one or more of {charset.characters}, or leave the option "
            "out to allow all"
        )
    outside = sorted(char for char, base in folded.items() if not base or charset.unknown(base))
    if outside:
        raise ValueError(
            f"allowed characters {''.join(sorted(folded))!r}: {''.join(outside)!r} not in charset {charset.name!r} "
            f"({charset.characters}); name one or more of these, and leave out what it lacks"
        )
    return sorted({c for base in folded.values() for c in charset.encode(base)})


def _compile(pattern: str, charset: Charset) -> regex.Pattern[str]:
    import regex

    try:
        return regex.compile(pattern, regex.IGNORECASE if charset.is_caseless else 0)
    except regex.error as error:
        raise ValueError(f"pattern {pattern!r} is not a regular expression: {error}") from None
