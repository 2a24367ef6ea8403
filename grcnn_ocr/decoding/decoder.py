"""From log-probabilities to readings: chooses the kind of decoding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.beam import BeamOptions, BeamSearch
from grcnn_ocr.decoding.confidence import UNCALIBRATED, Calibration
from grcnn_ocr.decoding.greedy import greedy
from grcnn_ocr.decoding.lexicon import Answer, best_words, listed_charsets
from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.decoding.merging import ClassMerging
from grcnn_ocr.decoding.nearest import near_words
from grcnn_ocr.decoding.positions import Character, centres_and_confidences, characters, occupancies
from grcnn_ocr.pixels import Pixels
from grcnn_ocr.text.charset import Charset


@dataclass(frozen=True)
class DecodeOptions:
    """What a reading may be, and what is returned with it.

    Attributes:
        num_best: how many alternatives to return.
        characters: whether to return the position and confidence of each character.
        is_open: whether the lexicon is open: its answer yields to the lexicon-free one where that is more likely by
            more than `open_gap`.
        open_gap: in nats; None: the one in the weights file, chosen on validation data.
        nearest: whether to consider only the words near the lexicon-free reading, as the CRNN paper does, and to keep
            that reading where there are none; for comparison, as it is slower and not exact.
        match_case: whether an image must show a word of the lexicon as it is spelled. By default case and accents are
            ignored, and so are the punctuation marks that no word of its list has.
        beam: prefix beam search instead of the best path, for constraints or a language model; lexicon-free only.
            Alternatives use one too.
    """

    num_best: int = 1
    characters: bool = False
    is_open: bool = False
    open_gap: float | None = None
    nearest: bool = False
    match_case: bool = False
    beam: BeamOptions | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.num_best, Integral) or self.num_best < 1:
            raise ValueError(f"num_best {self.num_best!r}: expected a whole number from 1")
        if self.nearest and (self.is_open or self.num_best > 1):
            raise ValueError(
                "nearest gives one word of the list, or the lexicon-free reading: it cannot be combined with an open "
                "lexicon or with alternatives"
            )
        if self.open_gap is not None and math.isnan(self.open_gap):
            raise ValueError("open_gap nan: expected a number, of nats")


PLAIN = DecodeOptions()
"""Only the best path, or the best word of a list."""


@dataclass(frozen=True)
class Alternative:
    """One of the likeliest texts.

    Attributes:
        text: as in `Prediction`.
        log_likelihood: log p(text | image) by CTC, summed over all alignments.
        posterior: the word's share of the likelihood of the whole list; None without a lexicon or several alternatives.
    """

    text: str
    log_likelihood: float
    posterior: float | None = None


@dataclass(frozen=True)
class Prediction:
    """What was read.

    Attributes:
        text: the reading, in the characters of the reader's charset; with a lexicon, the word as the list spells it.
            Empty if no text matches a pattern.
        confidence: the probability that the text is right: its likelihood, calibrated on validation data
            (`decoding/confidence.py`). With a lexicon it is that of the chosen word, so it stays low when no word fits.
        log_likelihood: log p(text | image) by CTC, summed over all alignments.
        from_lexicon: whether the text is a word of the lexicon.
        alternatives: the likeliest texts, the reading first; fewer than asked for if there are not that many.
        characters: of the reading, those of a list's word as it is spelled, or in capitals if it was found so (STRASSE
            for Straße), without what the network cannot write, in pixels of the original image turned by `rotation`;
            None unless asked for, or if the text needs more frames than the image has.
        rotation: degrees clockwise, 0, 90 or 270, by which the image was turned to be read. A span from `left` to
            `right` then lies along the original's height H: from H - right to H - left if 90, left to right if 270.
    """

    text: str
    confidence: float
    log_likelihood: float
    from_lexicon: bool = False
    alternatives: tuple[Alternative, ...] = ()
    characters: tuple[Character, ...] | None = None
    rotation: int = 0


class Decoder:
    """Turns log-probabilities into predictions.

    Args:
        charset: the characters of the classes.
        calibration: of the network's confidence.
        options: what a reading may be, and what is returned with it.

    Raises:
        ValueError: on options that cannot be combined, or do not fit the charset.
    """

    def __init__(
        self, charset: Charset, calibration: Calibration = UNCALIBRATED, options: DecodeOptions = PLAIN
    ) -> None:
        if options.match_case and not charset.has_both_cases:
            raise ValueError(f"match_case: charset {charset.name!r} has no upper and lower case; leave that out")
        self.charset = charset
        self.exact = charset.as_listed((), match_case=True)
        self.calibration = calibration
        self.options = options
        beam = options.beam
        if beam is None and options.num_best > 1:
            beam = BeamOptions()
        if beam is not None and beam.num_best < options.num_best:
            beam = replace(beam, num_best=options.num_best, width=max(beam.width, 2 * options.num_best))
        self.beam = None if beam is None else BeamSearch(charset, beam)
        self.open_gap = calibration.open_gap if options.open_gap is None else options.open_gap
        if options.is_open and self.open_gap is None:
            raise ValueError(
                "an open lexicon needs a threshold, and these weights have none: choose one on validation data with "
                "`grcnn-ocr calibrate --lexicon`, or give one in nats (open_gap=5, --open-gap 5)"
            )

    def __call__(
        self,
        log_probs: NDArray[np.floating],
        lengths: Sequence[int],
        lists: Sequence[Sequence[str]] | None = None,
        images: Sequence[Pixels] | None = None,
    ) -> list[Prediction]:
        """Read a batch.

        Args:
            log_probs: (B, T, K) log-softmax, class 0 the blank.
            lengths: (B,) frames of each image.
            lists: (B,) the words allowed for each; None: lexicon-free.
            images: (B,) the originals, grayscale, if characters are asked for.

        Raises:
            ValueError: if no word of a list can be written in the charset, or on a lexicon with a beam search.
        """
        assert images is not None or not self.options.characters, "characters are placed on the images"
        if lists is None:
            return self._free(log_probs, lengths, images)
        if self.options.beam is not None:
            raise ValueError("a word list cannot be combined with a pattern, allowed characters or a language model")
        charsets = listed_charsets(lists, self.charset, self.options.match_case)
        held: dict[int, Prediction] = {}
        for charset in dict.fromkeys(charsets):
            rows = [row for row, other in enumerate(charsets) if other == charset]
            shown = None if images is None else [images[row] for row in rows]
            own = [lists[row] for row in rows]
            found = self._held(charset, log_probs[rows], [lengths[row] for row in rows], own, shown)
            held |= zip(rows, found, strict=True)
        answers = [held[row] for row in range(len(lists))]
        if not self.options.nearest and not self.options.is_open:
            return answers
        return list(map(self._freed, answers, self._free(log_probs, lengths, images)))

    def _free(
        self, log_probs: NDArray[np.floating], lengths: Sequence[int], images: Sequence[Pixels] | None
    ) -> list[Prediction]:
        if self.beam is not None:
            rows = zip(log_probs, lengths, strict=True)
            found = [[(h.text, h.log_likelihood) for h in self.beam(row[:length])] for row, length in rows]
            predictions = [self._prediction([Alternative(*item) for item in items]) for items in found]
        else:
            readings = greedy(log_probs, lengths)
            scores = log_likelihoods(log_probs, lengths, readings, range(len(readings))).tolist()
            texts = map(self.charset.decode, readings)
            predictions = [self._prediction([Alternative(*item)]) for item in zip(texts, scores, strict=True)]
        return self._placed(predictions, [p.text for p in predictions], self.charset, log_probs, lengths, images)

    def _held(
        self,
        charset: Charset,
        log_probs: NDArray[np.floating],
        lengths: Sequence[int],
        lists: Sequence[Sequence[str]],
        images: Sequence[Pixels] | None,
    ) -> list[Prediction]:
        """Answer with words that are looked for in `charset`; without a text where `nearest` finds none."""
        merged = ClassMerging(self.charset, charset)(log_probs)
        num_best = self.options.num_best
        if self.options.nearest:
            answers = [[] if near is None else [near] for near in near_words(merged, lengths, lists, charset)]
        else:
            num_forms = num_best if num_best == 1 else 2 * num_best  # a word has two at most
            answers = best_words(merged, lengths, lists, charset, num_forms, posteriors=num_best > 1)
        predictions, forms = [], []
        for found, row, length in zip(answers, log_probs, lengths, strict=True):
            words = [Alternative(self._spelling(a, row[:length]), a.log_likelihood, a.posterior) for a in found]
            predictions.append(self._prediction(_joined(words), True))
            forms.append(found[0].form if found else "")
        return self._placed(predictions, forms, charset, merged, lengths, images)

    def _spelling(self, answer: Answer, log_probs: NDArray[np.floating]) -> str:
        """Return the spelling of a word of the list that an image, (T, K), shows most likely, with case and marks."""
        if len(answer.spellings) == 1:
            return answer.spellings[0]
        spellings = [text for text in answer.spellings if not self.exact.unknown(self.exact.fold(text))]
        if not spellings:
            return answer.spellings[0]
        classes = [self.exact.encode(text) for text in spellings]
        scores = log_likelihoods(log_probs[None], [len(log_probs)], classes, [0] * len(classes))
        return spellings[int(np.argmax(scores))]

    def _freed(self, held: Prediction, free: Prediction) -> Prediction:
        """Return a word of the list, or the lexicon-free reading where it has to yield."""
        if not held.from_lexicon:
            return free
        yields = self.open_gap is not None and free.log_likelihood > held.log_likelihood + self.open_gap
        return free if self.options.is_open and yields else held

    def _prediction(self, alternatives: list[Alternative], from_lexicon: bool = False) -> Prediction:
        if not alternatives:
            return Prediction("", 0.0, -math.inf)
        best = alternatives[0]
        confidence = self.calibration.confidence(best.log_likelihood)
        shown = tuple(alternatives[: self.options.num_best])
        return Prediction(best.text, confidence, best.log_likelihood, from_lexicon, shown)

    def _placed(
        self,
        predictions: list[Prediction],
        forms: Sequence[str],
        charset: Charset,
        log_probs: NDArray[np.floating],
        lengths: Sequence[int],
        images: Sequence[Pixels] | None,
    ) -> list[Prediction]:
        """Add the characters, if asked for, of texts that are read in a charset, in these forms."""
        possible = [i for i, prediction in enumerate(predictions) if prediction.log_likelihood > -math.inf]
        if not self.options.characters or images is None or not possible:
            return predictions
        words = [charset.encode(forms[i]) for i in possible]
        chances = occupancies(log_probs[possible], [lengths[i] for i in possible], words)
        placed = list(predictions)
        for i, word, chance in zip(possible, words, chances, strict=True):
            text = predictions[i].text
            text = charset.shown(text if charset.fold(text) == forms[i] else text.upper())
            centres, confidences = centres_and_confidences(chance, log_probs[i], word, lengths[i], images[i].shape)
            found = characters(text, confidences, centres, images[i]) if word else ()
            placed[i] = replace(predictions[i], characters=found)
        return placed


def _joined(alternatives: Sequence[Alternative]) -> list[Alternative]:
    """Return each text once, with the likelihood of its likeliest form and the share of all; see `Charset.forms`."""
    found: dict[str, Alternative] = {}
    for other in alternatives:
        first = found.setdefault(other.text, other)
        if first is not other and first.posterior is not None and other.posterior is not None:
            found[other.text] = replace(first, posterior=first.posterior + other.posterior)
    return list(found.values())
