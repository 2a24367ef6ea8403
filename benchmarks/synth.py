"""How many words a second does the engine draw, encode and write, by number of processes?

    python benchmarks/synth.py --backgrounds /usr/share/wallpapers

Prints Markdown. The fonts are the system's; drawing alone and drawing with JPEG are measured in one process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import cv2

from grcnn_ocr.datasets.synth.engine import EngineFiles, build_engine
from grcnn_ocr.datasets.synth.write import write
from grcnn_ocr.text.charset import Charset


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backgrounds", type=Path, action="append", default=[])
    parser.add_argument("--num", type=int, default=10_000)
    arguments = parser.parse_args()
    num = arguments.num
    cv2.setNumThreads(0)
    engine, _ = build_engine(EngineFiles(backgrounds=tuple(arguments.backgrounds)), Charset.named("alnum36"))
    git = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    hardware = f"{os.cpu_count()} CPU cores, {len(engine.fonts)} fonts, {len(engine.photos)} photos"
    print(f"# The word engine, words/s\n\n{date.today()}, commit {commit}, {hardware}, {num} words a row\n")
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


if __name__ == "__main__":
    main()
