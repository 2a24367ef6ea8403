"""Sources of labelled words: an LMDB, or a label file beside its images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from grcnn_ocr.config import ENGINE
from grcnn_ocr.datasets.importers.label_file import LabelledPath, Problem, read_label_file
from grcnn_ocr.datasets.lmdb_store import LmdbReader
from grcnn_ocr.datasets.synth.engine import WordEngine
from grcnn_ocr.preprocess import Pixels, decode


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


class LabelFile:
    """A label file and the images it names.

    Raises:
        ValueError: if any line is malformed, naming the first ones: every line counts, since lexicons of one list an
            image go by position. (`grcnn-ocr lmdb create` leaves bad lines out, and says so.)
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        records = list(read_label_file(self.path))
        problems = [record for record in records if isinstance(record, Problem)]
        if problems or not records:
            shown = "".join(f"\n  {problem}" for problem in problems[:10])
            raise ValueError(f"{self.path}: {len(problems)} unusable of {len(records)} lines; mend them{shown}")
        self._records = [record for record in records if isinstance(record, LabelledPath)]

    def __len__(self) -> int:
        return len(self._records)

    def image(self, index: int) -> bytes:
        """Return the encoded image."""
        try:
            return self._records[index].path.read_bytes()
        except OSError as error:
            raise ValueError(f"{self.place(index)}: {error.strerror}") from None

    def label(self, index: int) -> str:
        """Return the label."""
        return self._records[index].label

    def place(self, index: int) -> str:
        """Name the image and its line."""
        return f"{self._records[index].path} ({self._records[index].place})"


def open_words(path: str | Path) -> WordSource:
    """Open an LMDB folder (or its data.mdb) or a label file.

    Raises:
        ValueError: if it is neither.
    """
    path = Path(path)
    if path.is_dir() or path.suffix == ".mdb":
        return LmdbReader(path)
    if path.is_file():
        return LabelFile(path)
    raise ValueError(f"no data at {path}: expected an LMDB folder or a label file")


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
