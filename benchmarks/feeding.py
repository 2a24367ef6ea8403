"""How many words per second, drawn on the fly, reach training, by number of loader processes and by reuse?

    python benchmarks/feeding.py

Words are drawn, collated, moved to the device and, with reuse, distorted there; no network is run. On a GPU machine,
the figure at as many workers as cores is the rate at which a network can be fed.
"""

from __future__ import annotations

import argparse
import os
import time

import torch
from heading import print_heading, synchronise

from grcnn_ocr.build import build_model, build_preprocessor
from grcnn_ocr.config import load_config
from grcnn_ocr.training.data import build_words
from grcnn_ocr.training.feed import Feed
from grcnn_ocr.training.reuse import DISTANCE

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="grcl_lstm")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=40)
    arguments = parser.parse_args()
    print_heading("Feeding, words/s", arguments.preset)
    print("| workers | reuse | words/s |\n|---|---|---|")
    config = load_config(arguments.preset, [f"train.batch_size={arguments.batch_size}"])
    num_frames = build_model(config).num_frames
    words, _ = build_words(config, num_frames(build_preprocessor(config.preprocess).widest))
    for workers in sorted({1, 2, os.cpu_count() or 1}):
        for reuse in (1, 4):
            data = config.data.model_copy(update={"workers": workers, "reuse": reuse})
            feed = Feed(words, config.model_copy(update={"data": data}), 0, 1, DEVICE, num_frames)
            steps = feed.steps(0)
            for _ in range(2 * DISTANCE):  # the first steps wait for the workers, and for batches kept for reuse
                next(steps)
            start = time.perf_counter()
            for _ in range(arguments.steps):
                next(steps)
            synchronise()
            rate = arguments.steps * arguments.batch_size / (time.perf_counter() - start)
            print(f"| {workers} | {reuse} | {rate:.0f} |", flush=True)
            steps.close()


if __name__ == "__main__":
    main()
