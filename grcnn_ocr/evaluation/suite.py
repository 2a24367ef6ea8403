"""Test sets with their protocols and lexicons, evaluated one after another with one network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grcnn_ocr.config.suite import SetConfig, load_suite
from grcnn_ocr.datasets.lmdb_store import lexicon_file
from grcnn_ocr.datasets.words import WordSource, open_words
from grcnn_ocr.decoding.decoder import PLAIN, DecodeOptions
from grcnn_ocr.evaluation.protocol import Protocol, find_protocol
from grcnn_ocr.evaluation.words import Result, counted_words, evaluate_words
from grcnn_ocr.loading import Progress
from grcnn_ocr.reader import BaseReader
from grcnn_ocr.text.charset import Charset
from grcnn_ocr.text.lexicon import Lexicon

UNION = ":union"


@dataclass(frozen=True)
class WordSet:
    """A test set and how it is evaluated.

    Attributes:
        name: for reports.
        source: the words.
        protocol: which of them count, and which characters are compared.
        lexicons: to read with, one after another; None means lexicon-free.
    """

    name: str
    source: WordSource
    protocol: Protocol
    lexicons: tuple[Lexicon | None, ...]


@dataclass(frozen=True)
class Measurement:
    """A result, and the test set that it belongs to."""

    words: WordSet
    result: Result

    @property
    def warning(self) -> str | None:
        """A warning if the number of images is not the protocol's, else None."""
        return self.words.protocol.count_warning(self.result.counts.images)


def open_suite(path: Path, charset: Charset) -> list[WordSet]:
    """Open the test sets of a suite file.

    Args:
        path: of the file; see `config/suite.py`.
        charset: of the network.

    Raises:
        ValueError: on anything wrong with the file, the data, a protocol or a lexicon, naming the file and the key.
    """
    sets = []
    for number, config in enumerate(load_suite(path).sets):
        try:
            sets.append(_open_set(config, path.parent, charset))
        except ValueError as error:
            raise ValueError(f"{path}: sets.{number} ({config.name}): {error}") from None
    return sets


def _open_set(config: SetConfig, folder: Path, charset: Charset) -> WordSet:
    protocol = find_protocol(config.protocol, charset)
    data = folder / config.data
    source = open_words(data, config.format)
    lexicons = tuple(find_lexicon(name, source, folder) for name in config.lexicons)
    return WordSet(config.name, source, protocol, lexicons)


def find_lexicon(name: str, source: WordSource, folder: Path) -> Lexicon | None:
    """Find a lexicon by its name.

    Args:
        name: "none", a list that the data's release or LMDB holds, or a path; followed by ":union", the words of all
            lists, one per image, as a single list.
        source: the data.
        folder: where a relative path is looked for first, then in the data's folder, and beside the data; last as
            `lexicon_NAME.txt` in the data's folder.

    Returns:
        The lexicon; None for "none", lexicon-free.

    Raises:
        ValueError: if there is no such lexicon, or it cannot be read.
    """
    if name == "none":
        return None
    if name.endswith(UNION) and (lists := find_lexicon(name.removesuffix(UNION), source, folder)) is not None:
        return lists.union()
    held = getattr(source, "lexicons", {})
    if name in held:
        return held[name]
    home = source.path if source.path.is_dir() else source.path.parent
    paths = [folder / name, home / name, source.path.parent / name, home / lexicon_file(name)]
    found = next((path for path in paths if path.is_file()), paths[0])
    try:
        return Lexicon.load(found)
    except ValueError as error:
        if held and not found.exists():
            raise ValueError(f"{error}; or a list that {source.path} holds: {', '.join(held)}") from None
        raise


def evaluate_sets(
    recognizer: BaseReader,
    sets: Sequence[WordSet],
    progress: Progress = lambda done: None,
    options: DecodeOptions = PLAIN,
) -> tuple[list[Measurement], list[str]]:
    """Read every image of each set once, and decode it under each of the set's lexicons; see `evaluate_words`.

    Returns:
        The measurements, and for each set that could not be measured its name and the unreadable image.

    Raises:
        ValueError: on options that do not fit together, or on a set with a fault that shows before any image is read,
            naming it; see `BaseReader.decoder` and `counted_words`.
    """
    recognizer.decoder(options)  # raises on options that do not fit, whatever the set
    for words in sets:
        try:
            counted_words(recognizer, words.source, words.lexicons, words.protocol, options)
        except ValueError as error:
            raise ValueError(f"{words.name}: {error}") from None
    measurements: list[Measurement] = []
    problems = []
    for words in sets:
        try:
            results = evaluate_words(recognizer, words.source, words.lexicons, words.protocol, progress, options)
        except ValueError as error:
            problems.append(f"{words.name}: {error}")
        else:
            measurements += [Measurement(words, result) for result in results]
    return measurements, problems
