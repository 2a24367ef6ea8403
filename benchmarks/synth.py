"""How many words per second does the engine draw, encode and write, by stage and by number of processes?

    python benchmarks/synth.py

Prints Markdown. Fonts, words and photos are the system's. The stages are timed in one process, with clocks around their
functions.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
from heading import print_heading

from grcnn_ocr.config import EngineConfig
from grcnn_ocr.datasets.synth import effects, render
from grcnn_ocr.datasets.synth.engine import WordEngine, build_engine
from grcnn_ocr.datasets.synth.text import TextSampler
from grcnn_ocr.datasets.synth.write import write
from grcnn_ocr.text.charset import Charset

STAGES: list[tuple[str, list[tuple[Any, str]]]] = [
    ("text", [(TextSampler, "draw")]),
    ("layout of glyphs", [(render, "lay_out"), (effects, "change_weight")]),
    ("size", [(render, "resize")]),
    ("outline, shadow, edge", [(render, "_under")]),
    ("geometry", [(effects, "warp"), (render, "_crop")]),
    ("ground", [(render, "_ground")]),
    ("ink, composition", [(render, "_ink"), (render, "_over")]),
    ("light, camera", [(render, "_photograph")]),
]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=10_000)
    num = parser.parse_args().num
    cv2.setNumThreads(0)
    engine, _ = build_engine(EngineConfig(), Charset.named("alnum36"))
    print_heading(
        "The word engine, words/s", f"{len(engine.fonts)} fonts", f"{len(engine.photos)} photos", f"{num} words per row"
    )
    print("| what | processes | words/s |\n|---|---|---|")

    def row(what: str, processes: int, run: Callable[[], object]) -> None:
        start = time.perf_counter()
        run()
        print(f"| {what} | {processes} | {num / (time.perf_counter() - start):.0f} |", flush=True)

    row("drawing", 1, lambda: [engine.sample(index) for index in range(num)])
    row("drawing, JPEG", 1, lambda: [engine.encoded(index) for index in range(num)])
    with tempfile.TemporaryDirectory() as folder:
        for processes in range(1, (os.cpu_count() or 1) + 1):
            output = Path(folder) / f"{processes}.lmdb"
            row("drawing, JPEG, LMDB", processes, lambda out=output, n=processes: write(engine, num, out, n))
    print("\n| stage | microseconds per word |\n|---|---|")
    for stage, seconds in stage_seconds(engine, num).items():
        print(f"| {stage} | {1e6 * seconds / num:.0f} |")


def stage_seconds(engine: WordEngine, num: int) -> dict[str, float]:
    """Draw `num` words with a clock around each stage; the time of a nested stage counts for that stage alone."""
    seconds: Counter[str] = Counter()
    running: list[str] = []
    since = 0.0

    def turn() -> None:
        """Credit the time since the last turn to the innermost stage."""
        nonlocal since
        now = time.perf_counter()
        seconds[running[-1]] += now - since
        since = now

    def clocked(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            turn()
            running.append(stage)
            try:
                return function(*arguments)
            finally:
                turn()
                running.pop()

        return call

    for stage, functions in STAGES:
        for owner, name in functions:
            setattr(owner, name, clocked(stage, getattr(owner, name)))
    running.append("the rest")
    since = time.perf_counter()
    for index in range(num):
        engine.sample(index)
    turn()
    return dict(seconds)


if __name__ == "__main__":
    main()
