"""What every importer yields: a labelled image, or the problem that excludes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels from the image's upper left corner; right and bottom are exclusive."""


@dataclass(frozen=True)
class LabelledPath:
    """One well-formed record.

    Attributes:
        path: of the image.
        label: its text, or the text in the box.
        place: where the record stands: file and line number, or file and index.
        box: of the word, if the image is a whole scene; None if it is a crop of the word.
        characters: the box of each character of the label, if the release has them.
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
    """Something that excludes one record.

    Attributes:
        kind: a short name, for counting problems of the same kind.
        place: where it is: file and line number, or dataset and index.
        detail: what was found.
    """

    kind: str
    place: str
    detail: str

    @classmethod
    def of_image(cls, place: str, error: Exception) -> Problem:
        """Build from the error of loading an image file."""
        if isinstance(error, FileNotFoundError):
            return cls("missing image", place, "no such file")
        if isinstance(error, IsADirectoryError):
            return cls("unreadable image", place, "this is a folder, expected an image file")
        return cls("unreadable image", place, str(error))

    def __str__(self) -> str:
        return f"{self.place}: {self.kind}: {self.detail}"
