"""Evaluating a recogniser on labelled words, with and without lexicons."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from grcnn_ocr.datasets.words import WordSource, decoded
from grcnn_ocr.decoding.decoder import PLAIN, DecodeOptions
from grcnn_ocr.evaluation.metrics import Counts, compare
from grcnn_ocr.evaluation.positions import Overlap, Placing
from grcnn_ocr.evaluation.protocol import ALPHANUMERIC, Protocol
from grcnn_ocr.loading import Progress, batched
from grcnn_ocr.reader import BaseReader
from grcnn_ocr.text.lexicon import Lexicon

BEAM_SEARCH = "none, beam search"
"""Given instead of the name of a lexicon."""


@dataclass(frozen=True)
class Example:
    """One reading beside its label.

    Attributes:
        index: of the sample in its source.
        place: names the sample in messages.
        label: as stored.
        text: the reading.
        confidence: 0 to 1.
        log_likelihood: log p(text | image), not calibrated.
        height: of the crop, in pixels.
    """

    index: int
    place: str
    label: str
    text: str
    confidence: float
    log_likelihood: float
    height: int


@dataclass(frozen=True)
class Result:
    """The figures of one dataset under one lexicon.

    Attributes:
        data: name of the dataset.
        lexicon: name of the lexicon, and how it was used if not in the usual way; None if lexicon-free.
        counts: the sums.
        seconds: spent on loading, the network and decoding.
        examples: every reading, in the data's order.
        overlap: how well the characters are located, if the data have their boxes; lexicon-free only.
    """

    data: str
    lexicon: str | None
    counts: Counts
    seconds: float
    examples: list[Example]
    overlap: Overlap | None = None


def counted_words(
    recognizer: BaseReader,
    source: WordSource,
    lexicons: Sequence[Lexicon | None],
    protocol: Protocol,
    options: DecodeOptions = PLAIN,
) -> list[int]:
    """Return the indices of the words that count, after all checks that need no image.

    Raises:
        ValueError: if a lexicon does not fit, a label cannot be read, or the protocol leaves out every image.
    """
    for lexicon in lexicons:
        if lexicon is not None:
            recognizer.check_lexicon(lexicon, len(source), options.match_case)
    counted = [index for index in range(len(source)) if protocol.keep(source.label(index))]
    if not counted:
        raise ValueError(f"{source.path}: protocol {protocol.name!r} leaves nothing of any of its {len(source)} labels")
    return counted


def evaluate_words(
    recognizer: BaseReader,
    source: WordSource,
    lexicons: Sequence[Lexicon | None] = (None,),
    protocol: Protocol = ALPHANUMERIC,
    progress: Progress = lambda done: None,
    options: DecodeOptions = PLAIN,
    at_one_look: Collection[int] = (),
) -> list[Result]:
    """Read every image once and decode it under each lexicon (None: lexicon-free).

    A lexicon with one list per image goes by position in `source`, including the images that the protocol leaves out.
    The options of a beam search apply to lexicon-free decoding, the others to lexicons. The lexicons whose numbers
    (from 0) are in `at_one_look` are answered by the first look alone, even if the recogniser takes a second.

    Raises:
        ValueError: if a lexicon does not fit, an image cannot be read (naming it), or the protocol leaves out every
            image.
    """
    counted = counted_words(recognizer, source, lexicons, protocol, options)
    examples: list[list[Example]] = [[] for _ in lexicons]
    seconds = [0.0 for _ in lexicons]
    boxes = getattr(source, "characters", None)
    free = recognizer.decoder(options if boxes is None else replace(options, characters=True))
    held = recognizer.decoder(replace(options, beam=None))
    placing = Placing()
    for batch in batched(counted, recognizer.window):
        start = time.perf_counter()
        images = [decoded(source, index) for index in batch]
        frames = recognizer.recognise(images)
        network_seconds = time.perf_counter() - start
        for number, lexicon in enumerate(lexicons):
            start = time.perf_counter()
            lists = None if lexicon is None else [lexicon.words(index) for index in batch]
            decoder = free if lexicon is None else held
            predictions = decoder(frames.log_probs, frames.lengths, lists, images)
            if number not in at_one_look:
                predictions = recognizer.look_again(decoder, images, predictions, lists)
            seconds[number] += network_seconds + time.perf_counter() - start
            for index, image, found in zip(batch, images, predictions, strict=True):
                place, label, (height, width) = source.place(index), source.label(index), image.shape
                examples[number].append(
                    Example(index, place, label, found.text, found.confidence, found.log_likelihood, height)
                )
                if boxes is not None and lexicon is None:
                    placing.add(found, label, boxes[index], width)
        progress(len(batch))
    return [
        Result(
            str(source.path),
            _way(lexicon, options),
            sum(
                (compare(protocol.fold(example.text), protocol.fold(example.label)) for example in examples[number]),
                Counts(left_out=len(source) - len(counted)),
            ),
            seconds[number],
            examples[number],
            placing.overlap() if lexicon is None else None,
        )
        for number, lexicon in enumerate(lexicons)
    ]


def _way(lexicon: Lexicon | None, options: DecodeOptions) -> str | None:
    if lexicon is None:
        return BEAM_SEARCH if options.beam is not None else None
    ways = {", open": options.is_open, ", near words": options.nearest, ", with case": options.match_case}
    return lexicon.name + "".join(way for way, is_used in ways.items() if is_used)
