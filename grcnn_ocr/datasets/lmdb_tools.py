"""Building and maintaining LMDBs of words: create, verify, extract, merge, split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from grcnn_ocr.datasets.importers.boxes import WordImages
from grcnn_ocr.datasets.importers.records import LabelledPath, Problem
from grcnn_ocr.datasets.importers.release import read_release
from grcnn_ocr.datasets.lists import lists_of, lists_of_all, text_of
from grcnn_ocr.datasets.lmdb_store import LmdbReader, building, check_dataset_output, lexicon_file
from grcnn_ocr.loading import Progress, batched, loading_threads
from grcnn_ocr.pixels import Pixels, decode
from grcnn_ocr.text.lexicon import join_words
from grcnn_ocr.wording import first_of

T = TypeVar("T")
R = TypeVar("R")

CHUNK = 512
"""Records that are processed together."""
FILE_ENDINGS: dict[tuple[bytes, ...], str] = {
    (b"\xff\xd8",): ".jpg",
    (b"\x89PNG",): ".png",
    (b"GIF8",): ".gif",
    (b"BM",): ".bmp",
    (b"RIFF",): ".webp",
    (b"II*\0", b"MM\0*"): ".tif",
    (b"P1", b"P4"): ".pbm",
    (b"P2", b"P5"): ".pgm",
    (b"P3", b"P6"): ".ppm",
    (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"): ".jp2",
}
"""By the first bytes of a picture; `grcnn-ocr read` accepts all of them."""


@dataclass
class Summary:
    """How many samples passed, and why the others did not.

    Attributes:
        num_samples: samples written, or found sound.
        problems: one for each of the others.
        notes: names of the text files beside the data: the release's lexicons.
    """

    num_samples: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """Number of problems of each kind."""
        return Counter(problem.kind for problem in self.problems)


def create(
    labels: Path,
    output: Path,
    images: Path | None = None,
    strict: bool = False,
    overwrite: bool = False,
    progress: Progress = lambda done: None,
    format: str = "auto",
) -> Summary:
    """Build an LMDB from a label file or a dataset as released; each image is decoded as a check.

    Crops are stored unchanged; words cut from a full image are stored as PNG. A release's per-image lexicons are
    written into the LMDB's folder, for the samples that were stored: lexicon_50.txt, lexicon_1k.txt.

    Args:
        labels: the file that holds the labels.
        output: folder of the new LMDB.
        images: folder that relative paths start from; by default the label file's.
        strict: whether to stop at the first problem and write nothing.
        overwrite: whether to replace a dataset at `output`.
        progress: called as records are done.
        format: of `labels`, see `importers.release`; "auto" goes by name and content.

    Returns:
        How many samples were written, and every problem with its place.

    Raises:
        ValueError: if the label file or the output cannot be used, if no sample is left, or, if `strict`, on the first
            problem.
    """
    summary = Summary()
    word_images = WordImages()
    lines: dict[str, list[str]] = {}
    with building(output, overwrite) as writer:
        for result in parallel(lambda record: _load(record, word_images), read_release(labels, format, images)):
            progress(1)
            if isinstance(result, Problem):
                if strict:
                    raise ValueError(f"{result} (--strict)")
                summary.problems.append(result)
                continue
            data, record = result
            writer.add(data, record.label)
            for name, words in record.lexicons.items():
                lines.setdefault(lexicon_file(name), []).append(join_words(words) + "\n")
        writer.notes |= {name: "".join(lists) for name, lists in lines.items()}
        summary.notes = list(lines)
        summary.num_samples = writer.num_samples
        if summary.num_samples == 0:
            first = "".join(f"\n  {line}" for line in first_of(summary.problems, 10))
            raise ValueError(f"{labels}: no usable sample, nothing written{first or ': the file is empty'}")
    return summary


def verify(path: Path, progress: Progress = lambda done: None) -> Summary:
    """Decode every image and read every label of an LMDB."""
    reader = LmdbReader(path)

    def check(index: int) -> Problem | None:
        try:
            data = reader.image(index)
            label = reader.label(index)
        except ValueError as error:
            return Problem("missing or unreadable key", reader.place(index), str(error))
        picture = picture_or_problem(data, reader.place(index))
        if isinstance(picture, Problem):
            return picture
        return None if label.strip() else Problem("empty label", reader.place(index), "no text")

    summary = Summary()
    for problem in parallel(check, range(len(reader))):
        progress(1)
        if problem is None:
            summary.num_samples += 1
        else:
            summary.problems.append(problem)
    return summary


def extract(path: Path, output: Path, progress: Progress = lambda done: None) -> int:
    """Write an LMDB's images as files, its labels as `labels.tsv` and its lexicons, in order; return how many.

    Raises:
        ValueError: if `output` exists and is not empty, or a label holds a tab or line break.
    """
    if output.exists() and any(output.iterdir()):
        raise ValueError(f"{output} is not empty; name another folder")
    output.mkdir(parents=True, exist_ok=True)
    reader = LmdbReader(path)
    for name, lexicon in lists_of(reader).items():
        (output / name).write_text(text_of(lexicon, range(len(reader))), encoding="utf-8")
    with (output / "labels.tsv").open("w", encoding="utf-8") as labels:
        for index in range(len(reader)):
            data, label = reader.image(index), reader.label(index)
            if any(char in label for char in "\t\r\n"):
                raise ValueError(f"{reader.place(index)}: label {label!r} cannot stand in a TSV file")
            name = f"{index + 1:09d}{_file_ending(data)}"
            (output / name).write_bytes(data)
            labels.write(f"{name}\t{label}\n")
            progress(1)
    return len(reader)


def merge(paths: Sequence[Path], output: Path, overwrite: bool = False, progress: Progress = lambda done: None) -> int:
    """Write the samples of several LMDBs, and the lexicons that all have, to a new one in order; return how many."""
    readers = [LmdbReader(path) for path in paths]
    with building(output, overwrite) as writer:
        writer.notes |= lists_of_all(readers)
        for reader in readers:
            for index in range(len(reader)):
                writer.add(reader.image(index), reader.label(index))
                progress(1)
    return sum(map(len, readers))


def split(
    path: Path,
    outputs: tuple[Path, Path],
    fraction: float,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress = lambda done: None,
) -> tuple[int, int]:
    """Split an LMDB and its lexicons at random into two; the first gets `fraction` of the samples.

    Returns:
        The number of samples of each part.

    Raises:
        ValueError: if `fraction` is not between 0 and 1, or either part would be empty or cannot be written.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction {fraction}: expected a share between 0 and 1, such as 0.95")
    reader = LmdbReader(path)
    first = round(fraction * len(reader))
    if not 0 < first < len(reader):
        raise ValueError(f"{path}: {fraction} of {len(reader)} samples leaves one part empty")
    if outputs[0].resolve() == outputs[1].resolve():
        raise ValueError(f"both parts would be written to {outputs[0]}")
    for output in outputs:
        check_dataset_output(output, overwrite)
    lexicons = lists_of(reader)
    order = np.random.default_rng(seed).permutation(len(reader))
    for output, indices in zip(outputs, (np.sort(order[:first]), np.sort(order[first:])), strict=True):
        with building(output, overwrite) as writer:
            writer.notes |= {name: text_of(lexicon, indices.tolist()) for name, lexicon in lexicons.items()}
            for index in indices.tolist():
                writer.add(reader.image(index), reader.label(index))
                progress(1)
    return first, len(reader) - first


def parallel(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Map in threads, in order, with at most `CHUNK` items in flight; decoding and file reads release the GIL.

    None is in flight when it is abandoned, so that what `function` reads from may then be closed.
    """
    for chunk in batched(items, CHUNK):
        futures = [loading_threads().submit(function, item) for item in chunk]
        try:
            yield from (future.result() for future in futures)
        finally:
            for future in futures:
                future.cancel()
            wait(futures)


def _load(record: LabelledPath | Problem, images: WordImages) -> tuple[bytes, LabelledPath] | Problem:
    if isinstance(record, Problem):
        return record
    place = f"{record.place}: {record.path}"
    try:
        data = images.encoded(record)
    except (OSError, ValueError) as error:  # ValueError: an invalid path, or a picture that cannot be cut
        return Problem.of_image(place, error)
    picture = picture_or_problem(data, place)
    return picture if isinstance(picture, Problem) else (data, record)


def picture_or_problem(data: bytes, place: str) -> Pixels | Problem:
    """Return a picture decoded to grayscale (H, W), or why it cannot be decoded."""
    try:
        return decode(data)
    except ValueError as error:
        return Problem("corrupt image" if data else "empty image", place, str(error))


def _file_ending(data: bytes) -> str:
    return next((ending for starts, ending in FILE_ENDINGS.items() if data.startswith(starts)), ".img")
