"""Word lists with how often each word occurs: lines of `word` or `word<TAB>count`, or a Hunspell dictionary."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from grcnn_ocr.text.files import read_text
from grcnn_ocr.text.hunspell import dictionary_words


def read_frequencies(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the words of a file in their order, with their counts: 1 for a word without one.

    A word may stand on several lines. White space around a word is removed, and several spaces within it become one.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is not UTF-8 text, plain or gzipped, or a malformed dictionary, or if a count is not a whole
            number above 0.
    """
    found = dictionary_words(path)
    if found is not None:
        yield from ((word, 1) for word in found)
        return
    for number, line in enumerate(read_text(path, "word list").splitlines(), start=1):
        if not line.strip():
            continue
        word, tab, count = line.partition("\t")
        if tab and not (word.strip() and count.strip().isdecimal() and int(count) > 0):
            raise ValueError(
                f"word list {path}, line {number}: {line!r}; expected a word, or a word, a tab and a count above 0"
            )
        yield " ".join(word.split()), int(count) if tab else 1
