"""Lexicons: the words an answer may be, one list for all images or one list an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grcnn_ocr.text.files import read_text
from grcnn_ocr.text.hunspell import read_hunspell

EXPANDED = ":expanded"
"""After the path of a Hunspell dictionary: all forms of its stems."""


@dataclass(frozen=True)
class Lexicon:
    """One list of words for all images, or one list an image in the order of the data.

    Args:
        lists: the lists; a single one serves every image unless `per_image`.
        per_image: whether list i belongs to image i.
        name: for reports.
    """

    lists: tuple[tuple[str, ...], ...]
    per_image: bool = False
    name: str = "lexicon"

    @classmethod
    def shared(cls, words: Sequence[str], name: str = "lexicon") -> Lexicon:
        """Build from one list for all images."""
        if isinstance(words, str):
            raise ValueError(f"a lexicon is a list of words, found the string {words!r}")
        words = tuple(words)
        if not words:
            raise ValueError("a lexicon of no words; to read freely give None")
        if odd := [word for word in words if not isinstance(word, str)]:
            raise ValueError(
                f"a lexicon is a list of words, found {odd[0]!r} in it; one list an image is "
                "Lexicon(lists, per_image=True)"
            )
        return cls((words,), name=name)

    @classmethod
    def load(cls, path: str | Path) -> Lexicon:
        """Read a list of words from a file.

        Of UTF-8 text, packed with gzip or not, one word a line; or, where lines hold commas, one comma-separated list
        an image. Of a Hunspell dictionary, `NAME.dic`, the stems, or with `NAME.dic:expanded` every form that its .aff
        file makes of them.

        Raises:
            ValueError: on a missing, empty or unreadable file, or a blank line among per-image lists.
        """
        name, expanded, rest = str(path).partition(EXPANDED)
        if expanded and not rest and not Path(path).exists():
            return cls._hunspell(Path(name), expand=True)
        path = Path(path)
        if path.suffix == ".dic":
            return cls._hunspell(path, expand=False)
        if path.suffixes[-2:] == [".dic", ".gz"]:
            raise ValueError(f"lexicon {path} is a packed Hunspell dictionary: unpack it, its .aff file beside it")
        try:
            lines = read_text(path, "lexicon").splitlines()
        except OSError as error:
            raise ValueError(
                f"no lexicon {path} ({error.strerror}): expected one word a line, or one comma list an image"
            ) from None
        if not any("," in line for line in lines):
            words = tuple(line.strip() for line in lines if line.strip())
            if not words:
                raise ValueError(f"lexicon {path} holds no words")
            return cls((words,), name=path.name)
        while lines and not lines[-1].strip():
            lines.pop()
        lists = tuple(split_words(line) for line in lines)
        for number, words in enumerate(lists, start=1):
            if not words:
                raise ValueError(f"lexicon {path}, line {number}: no words, where other lines hold one list an image")
        return cls(lists, per_image=True, name=path.name)

    @classmethod
    def _hunspell(cls, path: Path, expand: bool) -> Lexicon:
        words = tuple(read_hunspell(path, expand))
        if not words:
            raise ValueError(f"lexicon {path} holds no words")
        return cls((words,), name=path.name + (EXPANDED if expand else ""))

    def union(self) -> Lexicon:
        """Return all the words as one list for all images."""
        words = sorted({word for words in self.lists for word in words})
        return Lexicon((tuple(words),), name=f"{self.name}, {len(words)} together")

    def check_length(self, num_images: int) -> None:
        """Raise ValueError unless there is one list for all images or exactly one an image."""
        if self.per_image and len(self.lists) != num_images:
            raise ValueError(
                f"lexicon {self.name} has {len(self.lists)} lists for {num_images} images; it needs one line an "
                "image, in the order of the data before any filtering (or one word a line for all images)"
            )

    def words(self, image: int) -> tuple[str, ...]:
        """Return the words allowed for image number `image`, from 0."""
        return self.lists[image if self.per_image else 0]


def split_words(line: str) -> tuple[str, ...]:
    """Take a comma-separated list apart."""
    return tuple(word.strip() for word in line.split(",") if word.strip())
