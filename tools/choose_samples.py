"""Choose the word engine's samples that still teach a network something.

    python tools/choose_samples.py --config grcl_lstm_tiny.yaml --num 400000 --set data.engine.seed=71 \
        --output chosen.npy
    python train.py --config grcl_lstm_tiny.yaml --init grcl_lstm_tiny --set data.engine.seed=71 \
        --set data.chosen=chosen.npy

A network that reads well has nothing left to learn from most of what is drawn, and what nobody could read teaches it
noise. So each sample is read by a trained network. Of L = -log p(label | image), in nats, and n characters, a sample is
illegible if L > 1.5 n, and left out; else hard if L > 0.3. So many of each 100 samples are hard ones, chosen at random
and again once all were; the others are chosen at random from all that are legible, each of which comes once.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.build import build_charset
from grcnn_ocr.config import Config, load_config
from grcnn_ocr.datasets.synth.engine import WordEngine, build_engine
from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.loading import num_cores
from grcnn_ocr.preprocess import to_grayscale
from grcnn_ocr.runtime import Reader

ILLEGIBLE = 1.5
"""Nats a character."""
HARD = 0.3
"""Nats a word."""
CHUNK = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="of the training: a YAML file, or the name of a packaged one")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    parser.add_argument("--reader", help="a folder that `grcnn-ocr export` wrote; by default the released one")
    parser.add_argument("--num", type=int, required=True, help="samples to look at: numbers 0 to NUM - 1")
    parser.add_argument("--hard", type=float, default=0.45, help="share of hard ones in what is chosen")
    parser.add_argument("--workers", type=int, default=num_cores())
    parser.add_argument("--output", type=Path, required=True, help="for `data.chosen`")
    arguments = parser.parse_args()
    config = load_config(arguments.config, arguments.overrides)
    chunks = [range(first, min(first + CHUNK, arguments.num)) for first in range(0, arguments.num, CHUNK)]
    with ProcessPoolExecutor(arguments.workers, initializer=_begin, initargs=(config, arguments.reader)) as pool:
        losses = np.concatenate(list(pool.map(_losses, chunks)))
    is_legible, is_hard = legible_and_hard(*losses.T)
    print(f"{arguments.num} samples: {is_legible.mean():.1%} legible, {(is_legible & is_hard).mean():.1%} hard ones")
    chosen = choose(is_legible, is_hard, arguments.hard, np.random.default_rng(config.data.engine.seed))
    np.save(arguments.output, chosen)
    print(f"written: {arguments.output} ({len(chosen)} samples)")


def legible_and_hard(
    losses: NDArray[np.floating], lengths: NDArray[np.floating]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Judge samples by their loss and their label's length, each (N,)."""
    return losses <= ILLEGIBLE * lengths, losses > HARD


def choose(
    is_legible: NDArray[np.bool_], is_hard: NDArray[np.bool_], share: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the numbers to draw, in order.

    Args:
        is_legible: (N,) of each sample.
        is_hard: (N,)
        share: of hard ones among the rest.
        rng: all randomness.
    """
    rest, hard = np.flatnonzero(is_legible), np.flatnonzero(is_legible & is_hard)
    num_hard = round(len(rest) * share / (1 - share)) if len(hard) else 0
    again = [rng.permutation(hard) for _ in range(-(-num_hard // max(len(hard), 1)))]
    return rng.permutation(np.concatenate([rest, *again])[: len(rest) + num_hard]).astype(np.int64)


@dataclass(frozen=True)
class _Worker:
    engine: WordEngine
    reader: Reader


_worker: _Worker | None = None
"""Of a worker process: too large to be sent with every task."""


def _begin(config: Config, folder: str | None) -> None:
    global _worker
    reader = Reader(folder, threads=1, second_look=False)
    if reader.charset.characters != build_charset(config.charset).characters:
        raise ValueError(f"the reader knows {reader.charset.name}, the labels are in {config.charset.characters}")
    engine, _ = build_engine(
        config.data.engine, build_charset(config.charset), reader.num_frames(reader.preprocessor.widest)
    )
    _worker = _Worker(engine, reader)


def _losses(numbers: range) -> NDArray[np.float64]:
    """Return (N, 2) losses and label lengths."""
    assert _worker is not None
    reader = _worker.reader
    images, labels = zip(*map(_worker.engine.sample, numbers), strict=True)
    frames = reader.recognise([to_grayscale(image) for image in images])
    words = [reader.charset.encode(label) for label in labels]
    found = -log_likelihoods(frames.log_probs, frames.lengths, words, range(len(words)))
    return np.stack([found, [len(word) for word in words]], axis=1)


if __name__ == "__main__":
    main()
