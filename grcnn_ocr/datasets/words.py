"""Sources of labelled words: an LMDB, a label file beside its images, or a dataset as released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from grcnn_ocr.config import ENGINE
from grcnn_ocr.datasets.importers.boxes import WordImages
from grcnn_ocr.datasets.importers.records import Box, LabelledPath, Problem
from grcnn_ocr.datasets.importers.release import read_release
from grcnn_ocr.datasets.lmdb_store import LmdbReader
from grcnn_ocr.datasets.synth.engine import WordEngine
from grcnn_ocr.pixels import Pixels, decode
from grcnn_ocr.text.lexicon import Lexicon


class WordSource(Protocol):
    """Labelled words, indexed from 0, in a fixed order."""

    path: Path

    def __len__(self) -> int: ...

    def image(self, index: int) -> bytes:
        """Return the encoded image."""
        ...

    def label(self, index: int) -> str:
        """Return the label as stored."""
        ...

    def place(self, index: int) -> str:
        """Name the sample in a message."""
        ...


class ReleasedWords:
    """The words of a label file or of a dataset as released, in its order.

    Args:
        path: the file that holds the labels.
        format: see `importers.release.FORMATS`; "auto" goes by name and content.

    Attributes:
        lexicons: the release's per-image lexicons, by name ("50", "1k").
        characters: the boxes of each word's characters in its crop, if the release has them; else None.

    Raises:
        ValueError: if any record is unusable, naming the first ones: all are needed, since per-image lexicons go by
            position. (`grcnn-ocr lmdb create` leaves bad records out, and says so.)
    """

    def __init__(self, path: Path, format: str) -> None:
        self.path = path
        found = list(read_release(self.path, format))
        self._records = [record for record in found if isinstance(record, LabelledPath)]
        problems = [record for record in found if isinstance(record, Problem)]
        if not found:
            raise ValueError(f"{self.path} is empty: it holds no record of an image and its label")
        if problems:
            shown = "".join(f"\n  {problem}" for problem in problems[:10])
            raise ValueError(
                f"{self.path}: {len(problems)} unusable of {len(found)} records; fix them, or let `lmdb create` leave "
                f"them out{shown}"
            )
        self._images = WordImages()
        self.lexicons: Mapping[str, Lexicon] = {
            name: Lexicon(tuple(record.lexicons[name] for record in self._records), per_image=True, name=name)
            for name in self._records[0].lexicons
        }
        boxes = [record.characters for record in self._records if record.characters is not None]
        self.characters: list[tuple[Box, ...]] | None = boxes if len(boxes) == len(self) else None

    def __len__(self) -> int:
        return len(self._records)

    def image(self, index: int) -> bytes:
        """Return the encoded image: the bytes of the file, or the contents of the box as PNG."""
        try:
            return self._images.encoded(self._records[index])
        except OSError as error:
            raise ValueError(f"{self.place(index)}: {error.strerror}") from None
        except ValueError as error:
            raise ValueError(f"{self.place(index)}: {error}") from None

    def label(self, index: int) -> str:
        """Return the label."""
        return self._records[index].label

    def place(self, index: int) -> str:
        """Name the image and the record's place."""
        return f"{self._records[index].path} ({self._records[index].place})"


def open_words(path: str | Path, format: str = "auto") -> WordSource:
    """Open an LMDB folder (or its data.mdb), a label file, or a dataset as released.

    Args:
        path: the LMDB, or the file that holds the labels.
        format: see `importers.release.FORMATS`; only for files.

    Raises:
        ValueError: if it is none of these.
    """
    path = Path(path)
    if path.is_dir() or path.suffix == ".mdb":
        return LmdbReader(path)
    if path.is_file():
        return ReleasedWords(path, format)
    raise ValueError(f"no data at {path}: expected an LMDB folder, a label file or the label file of a release")


class Subset:
    """Some samples of a source, in the order of `indices`."""

    def __init__(self, source: WordSource, indices: Sequence[int]) -> None:
        self.path = source.path
        self._source = source
        self._indices = [int(index) for index in indices]

    def __len__(self) -> int:
        return len(self._indices)

    def image(self, index: int) -> bytes:
        """Return the encoded image."""
        return self._source.image(self._indices[index])

    def label(self, index: int) -> str:
        """Return the label as stored."""
        return self._source.label(self._indices[index])

    def place(self, index: int) -> str:
        """Name the sample in the source it comes from."""
        return self._source.place(self._indices[index])


class DrawnWords:
    """Words of the engine that training never sees: its samples number -1, -2, ..."""

    path = Path(ENGINE)

    def __init__(self, engine: WordEngine, num: int) -> None:
        self._words = [engine.encoded(-1 - index, ".png") for index in range(num)]

    def __len__(self) -> int:
        return len(self._words)

    def image(self, index: int) -> bytes:
        """Return the word as PNG."""
        return self._words[index][0]

    def label(self, index: int) -> str:
        """Return the label."""
        return self._words[index][1]

    def place(self, index: int) -> str:
        """Name the sample."""
        return f"sample {-1 - index} of the word engine"


def decoded(source: WordSource, index: int) -> Pixels:
    """Return the grayscale image (H, W) at `index`.

    Raises:
        ValueError: if it cannot be read or decoded, naming it.
    """
    data = source.image(index)
    try:
        return decode(data)
    except ValueError as error:
        raise ValueError(f"{source.place(index)}: {error}") from None
