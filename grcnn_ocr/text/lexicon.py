"""Lexicons: the words that an answer may be, one list for all images or one list per image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grcnn_ocr.text.files import read_text
from grcnn_ocr.text.hunspell import dictionary_words

SHOWN = 40
"""Characters of a line that are shown in an error."""


@dataclass(frozen=True)
class Lexicon:
    """One list of words for all images, or one list per image in the order of the data.

    Args:
        lists: the lists, as any kind of sequences; a single one serves every image unless `per_image`.
        per_image: whether list i belongs to image i.
        name: for reports.

    Raises:
        ValueError: without a list, on a list that is empty or holds anything but words, or on several lists that are
            not `per_image`.
    """

    lists: tuple[tuple[str, ...], ...]
    per_image: bool = False
    name: str = "lexicon"

    def __post_init__(self) -> None:
        lists = self.lists if isinstance(self.lists, str) else tuple(self.lists)
        if found := [words for words in (lists, *lists) if isinstance(words, str)]:
            raise ValueError(
                f"a lexicon holds lists of words, found the string {found[0]!r}; for one list for all images use "
                "Lexicon.shared(words)"
            )
        lists = tuple(map(tuple, lists))
        if not lists and not self.per_image:
            raise ValueError("a lexicon without a list; to read freely give None")
        for number, words in enumerate(lists, start=1):
            which = f", list {number} of {len(lists)}" if self.per_image else ""
            if not words:
                raise ValueError(f"{self.name}{which}: a lexicon without words; to read freely give None")
            if odd := [word for word in words if not isinstance(word, str)]:
                raise ValueError(
                    f"{self.name}{which}: a lexicon is a list of words, found {odd[0]!r} in it; for one list per image "
                    "use Lexicon(lists, per_image=True)"
                )
        if len(lists) > 1 and not self.per_image:
            raise ValueError(
                f"{len(lists)} lists for all images; for one list per image use Lexicon(lists, per_image=True), for a "
                "single one Lexicon.shared(words)"
            )
        object.__setattr__(self, "lists", lists)

    @classmethod
    def shared(cls, words: Sequence[str], name: str = "lexicon") -> Lexicon:
        """Build from one list for all images."""
        if isinstance(words, str | Path):
            raise ValueError(
                f"a lexicon is a list of words, found {str(words)!r}; to read a file use Lexicon.load(path)"
            )
        return cls((tuple(words),), name=name)

    @classmethod
    def load(cls, path: str | Path) -> Lexicon:
        """Read a list of words from a file.

        The file is UTF-8 text, gzipped or not, with one word per line; or, if every line holds a comma, with one
        comma-separated list per image, where a list of a single word ends in a comma. Or it is a Hunspell dictionary:
        `NAME.dic` for its stems, `NAME.dic:expanded` for every form that its .aff file makes of them.

        Raises:
            ValueError: if the file is missing, empty or unreadable, holds commas in some lines only, or has a blank
                line among per-image lists.
        """
        path = Path(path)
        if (found := dictionary_words(path)) is not None:
            if not found:
                raise ValueError(f"lexicon {path} holds no words")
            return cls((tuple(found),), name=path.name)
        try:
            lines = read_text(path, "lexicon").splitlines()
        except OSError as error:
            raise ValueError(
                f"no lexicon {path} ({error.strerror}): expected one word per line, or one comma list per image"
            ) from None
        if not any("," in line for line in lines):
            words = tuple(line.strip() for line in lines if line.strip())
            if not words:
                raise ValueError(f"lexicon {path} holds no words")
            return cls((words,), name=path.name)
        while lines and not lines[-1].strip():
            lines.pop()
        if bare := [number for number, line in enumerate(lines, start=1) if line.strip() and "," not in line]:
            comma = next(number for number, line in enumerate(lines, start=1) if "," in line)
            raise ValueError(
                f"lexicon {path}: line {bare[0]} ({_shown(lines[bare[0] - 1])}) holds no comma, line {comma} "
                f"({_shown(lines[comma - 1])}) does; for one word per line remove the commas, for one list per image "
                "end a list of a single word with a comma"
            )
        lists = tuple(split_words(line) for line in lines)
        for number, words in enumerate(lists, start=1):
            if not words:
                raise ValueError(f"lexicon {path}, line {number}: no words, where other lines hold one list per image")
        return cls(lists, per_image=True, name=path.name)

    def union(self) -> Lexicon:
        """Return all the words as one list for all images."""
        words = sorted({word for words in self.lists for word in words})
        return Lexicon((tuple(words),), name=f"{self.name}, {len(words)} together")

    def check_length(self, num_images: int) -> None:
        """Raise ValueError unless there is one list for all images or exactly one per image."""
        if self.per_image and len(self.lists) != num_images:
            raise ValueError(
                f"lexicon {self.name} has {len(self.lists)} lists for {num_images} images; it needs one line per "
                "image, in the order of the data before any filtering (or one word per line for all images, without "
                "commas, which make one list per image)"
            )

    def words(self, image: int) -> tuple[str, ...]:
        """Return the words allowed for image number `image`, from 0."""
        return self.lists[image if self.per_image else 0]


def split_words(line: str) -> tuple[str, ...]:
    """Split a comma-separated list."""
    return tuple(word.strip() for word in line.split(",") if word.strip())


def join_words(words: Sequence[str]) -> str:
    """Join words for `split_words`; a single word ends in a comma, which marks it as a list."""
    return ",".join(words) + ("," if len(words) == 1 else "")


def _shown(line: str) -> str:
    return repr(line if len(line) <= SHOWN else line[:SHOWN] + "...")
