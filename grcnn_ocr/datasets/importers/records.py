"""What every importer yields: a labelled image, or the problem that keeps one out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels from the image's upper left corner; right and bottom lie just outside."""


@dataclass(frozen=True)
class LabelledPath:
    """One well-formed record.

    Attributes:
        path: of the image.
        label: its text, or the text in the box.
        place: where the record stands: file and line number, or file and index.
        box: of the word, where the image is a whole scene; None where it is the word's crop.
        characters: the box of each character of the label, where the release holds them.
        lexicons: the release's own lists of words for this image, by name ("50", "1k").
    """

    path: Path
    label: str
    place: str
    box: Box | None = None
    characters: tuple[Box, ...] | None = None
    lexicons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """Something that keeps one record out.

    Attributes:
        kind: a short name, the same for all problems of a kind, for counting.
        place: where it is: file and line number, or dataset and index.
        detail: what was found.
    """

    kind: str
    place: str
    detail: str

    @classmethod
    def of_image(cls, place: str, error: Exception) -> Problem:
        """Build from why an image's file cannot be loaded."""
        if isinstance(error, FileNotFoundError):
            return cls("missing image", place, "no such file")
        if isinstance(error, IsADirectoryError):
            return cls("unreadable image", place, "this is a folder, expected an image file")
        return cls("unreadable image", place, str(error))

    def __str__(self) -> str:
        return f"{self.place}: {self.kind}: {self.detail}"
