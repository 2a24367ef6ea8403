"""Drawing words in several processes, and writing them in order to an LMDB or a folder."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2

from grcnn_ocr.datasets.lmdb_store import building, check_dataset_output
from grcnn_ocr.datasets.synth.engine import WordEngine
from grcnn_ocr.files import check_parent, told_as
from grcnn_ocr.loading import Progress

CHUNK = 64
MANIFEST = "manifest.json"

_engine: WordEngine | None = None
"""The engine of a worker process, too large to be sent with every task."""


def write(
    engine: WordEngine,
    num: int,
    output: Path,
    workers: int = 1,
    ending: str = ".jpg",
    quality: int = 90,
    overwrite: bool = False,
    progress: Progress = lambda done: None,
) -> None:
    """Write samples 0 to num - 1 and `manifest.json`, first under a temporary name.

    Args:
        engine: draws the samples.
        num: number of samples.
        output: an LMDB if its name ends with `.lmdb`, else a folder of images with `labels.tsv`.
        workers: number of processes; the result does not depend on it.
        ending: ".jpg" or ".png".
        quality: of the JPEGs.
        overwrite: whether an LMDB at `output` is replaced.
        progress: called with 1 after each sample.

    Raises:
        ValueError: if `output` exists already or cannot be written, or if a worker dies.
    """
    check_words_output(output, overwrite)
    manifest = {"num_samples": num, "format": ending, "quality": quality if ending == ".jpg" else None}
    note = json.dumps({**manifest, **engine.manifest()}, indent=2) + "\n"
    samples = _drawn(engine, num, workers, ending, quality)
    if output.suffix == ".lmdb":
        with building(output, overwrite) as writer:
            writer.notes[MANIFEST] = note
            for image, label in samples:
                writer.add(image, label)
                progress(1)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    with told_as(output), TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as aside:
        folder = Path(aside) / output.name
        folder.mkdir()
        (folder / MANIFEST).write_text(note, encoding="utf-8")
        with (folder / "labels.tsv").open("w", encoding="utf-8") as labels:
            for number, (image, label) in enumerate(samples, start=1):
                (folder / f"{number:09d}{ending}").write_bytes(image)
                labels.write(f"{number:09d}{ending}\t{label}\n")
                progress(1)
        folder.replace(output)


def check_words_output(output: Path, overwrite: bool) -> None:
    """Check that `write` can write to `output`; needs no engine.

    Raises:
        ValueError: if something exists there that may not be replaced, or no folder can be created there.
    """
    if output.suffix == ".lmdb":
        check_dataset_output(output, overwrite)
    elif output.exists() and not output.is_dir():
        raise ValueError(f"{output} exists and is not a folder; give another name")
    elif output.exists() and any(output.iterdir()):
        raise ValueError(f"{output} is not empty; name another folder")
    check_parent(output)


def _drawn(engine: WordEngine, num: int, workers: int, ending: str, quality: int) -> Iterator[tuple[bytes, str]]:
    """Yield encoded samples in order; at most a few chunks per worker wait to be written."""
    if workers <= 1:
        yield from (engine.encoded(index, ending, quality) for index in range(num))
        return
    with ProcessPoolExecutor(workers, initializer=_begin, initargs=(engine,)) as pool:
        waiting: deque[Future[list[tuple[bytes, str]]]] = deque()
        try:
            for start in range(0, num, CHUNK):
                waiting.append(pool.submit(_encoded, range(start, min(start + CHUNK, num)), ending, quality))
                if len(waiting) > 4 * workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        except BrokenProcessPool:
            raise ValueError("a worker process died (out of memory?); try fewer --workers") from None


def _begin(engine: WordEngine) -> None:
    global _engine
    _engine = engine
    cv2.setNumThreads(0)


def _encoded(indices: range, ending: str, quality: int) -> list[tuple[bytes, str]]:
    assert _engine is not None
    return [_engine.encoded(index, ending, quality) for index in indices]
