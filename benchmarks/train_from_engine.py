"""How many words per second does training on the word engine reach, drawing and all else included?

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 benchmarks/train_from_engine.py --set data.workers=1

Takes real training steps on words of every width, which `train_throughput.py` leaves out. What oneDNN's cache of
compiled kernels is worth on a CPU shows if it is set to its default: ONEDNN_PRIMITIVE_CACHE_CAPACITY=1024.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from heading import print_heading, synchronise

from grcnn_ocr.config import load_config
from grcnn_ocr.training.trainer import Trainer


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="grcl_lstm_tiny")
    parser.add_argument("--warm-up", type=int, default=128, help="steps before the first one measured")
    parser.add_argument("--steps", type=int, default=256)
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    arguments = parser.parse_args()
    config = load_config(arguments.preset, [*arguments.overrides, f"train.steps={arguments.steps}"])
    with TemporaryDirectory() as folder:
        trainer = Trainer(config, Path(folder))
    trainer.train_mode()
    steps: Iterator[list[Any]] = trainer.feed.steps(0)
    for _ in range(arguments.warm_up):
        trainer.take_step(next(steps), config.train.lr)
    synchronise()
    started, cpu_started, waited, num_parts = time.perf_counter(), time.process_time(), 0.0, 0
    for _ in range(arguments.steps):
        waiting_since = time.perf_counter()
        parts = next(steps)
        waited += time.perf_counter() - waiting_since
        num_parts += len(parts)
        trainer.take_step(parts, config.train.lr)
    synchronise()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    words = arguments.steps * config.train.batch_size
    if trainer.accelerator.is_main_process:
        num_processes = trainer.accelerator.num_processes
        print_heading("Training on the word engine", f"{num_processes} processes")
        row = (
            arguments.preset,
            os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"],
            f"{num_parts / arguments.steps:.2f}",
            f"{num_processes * words / seconds:.0f}",
            f"{waited / seconds:.0%}",
            f"{1000 * cpu_seconds / words:.1f}",
        )
        print("| preset | kernels kept | widths per step | words/s | data wait | CPU ms per word, without drawing |")
        print("|---|---|---|---|---|---|")
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
