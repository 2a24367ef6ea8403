"""Writing drawn words to an LMDB or a folder, by several processes, in order."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2

from grcnn_ocr.datasets.lmdb_store import building
from grcnn_ocr.datasets.synth.engine import WordEngine
from grcnn_ocr.files import written_aside

CHUNK = 64
MANIFEST = "manifest.json"

_engine: WordEngine | None = None
"""The engine of a worker process: it is too large to be sent with every task."""


def write(
    engine: WordEngine,
    num: int,
    output: Path,
    workers: int = 1,
    ending: str = ".jpg",
    quality: int = 90,
    overwrite: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Write samples 0 to num - 1 and `manifest.json`.

    Args:
        engine: draws them.
        num: how many.
        output: an LMDB if its name ends with `.lmdb`, else a folder of images with `labels.tsv`.
        workers: processes; the result does not depend on it.
        ending: ".jpg" or ".png".
        quality: of the JPEGs.
        overwrite: whether an LMDB at `output` is replaced.
        progress: called as samples are done.

    Raises:
        ValueError: if `output` is there already.
    """
    samples = _drawn(engine, num, workers, ending, quality)
    if output.suffix == ".lmdb":
        with building(output, overwrite) as writer:
            for image, label in samples:
                writer.add(image, label)
                progress(1)
    else:
        if output.exists() and any(output.iterdir()):
            raise ValueError(f"{output} is not empty; name another folder")
        output.mkdir(parents=True, exist_ok=True)
        with written_aside(output / "labels.tsv") as aside, aside.open("w", encoding="utf-8") as labels:
            for number, (image, label) in enumerate(samples, start=1):
                (output / f"{number:09d}{ending}").write_bytes(image)
                labels.write(f"{number:09d}{ending}\t{label}\n")
                progress(1)
    with written_aside(output / MANIFEST) as aside:
        aside.write_text(json.dumps({"num_samples": num, **engine.manifest()}, indent=2) + "\n", encoding="utf-8")


def _drawn(engine: WordEngine, num: int, workers: int, ending: str, quality: int) -> Iterator[tuple[bytes, str]]:
    if workers <= 1:
        yield from (engine.encoded(index, ending, quality) for index in range(num))
        return
    with multiprocessing.Pool(workers, _begin, (engine,)) as pool:
        yield from pool.imap(partial(_encoded, ending=ending, quality=quality), range(num), chunksize=CHUNK)


def _begin(engine: WordEngine) -> None:
    global _engine
    _engine = engine
    cv2.setNumThreads(0)


def _encoded(index: int, ending: str, quality: int) -> tuple[bytes, str]:
    assert _engine is not None
    return _engine.encoded(index, ending, quality)
