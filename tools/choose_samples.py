"""Choose the word engine's samples that still teach a network something.

    python tools/choose_samples.py --config grcl_lstm_tiny.yaml --num 400000 --set data.engine.seed=71 \
        --output chosen.npz
    python train.py --config grcl_lstm_tiny.yaml --init grcl_lstm_tiny --set data.engine.seed=71 \
        --set data.chosen=chosen.npz

A network that reads well has nothing left to learn from most of what is drawn, and what nobody could read teaches it
noise. So each sample is read by a trained network. Of L = -log p(label | image), in nats, and n characters, a sample is
illegible if L > 1.5 n; else hard if L > 0.3. Every legible sample is drawn once, and hard ones again, until these
repetitions are a given share of all; in random order.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.build import build_charset, build_model, build_preprocessor
from grcnn_ocr.cli.console import progress_bar
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
    parser.add_argument("--again", type=float, default=0.45, help="share of repeated hard samples in what is chosen")
    parser.add_argument("--workers", type=int, default=num_cores())
    parser.add_argument("--output", type=Path, required=True, help="an .npz file, for data.chosen")
    arguments = parser.parse_args()
    if arguments.num < 1 or not 0 <= arguments.again < 1:
        parser.error("--num is 1 or more, --again from 0 to less than 1")
    if arguments.output.suffix != ".npz" or not arguments.output.parent.is_dir() or arguments.output.exists():
        parser.error(f"--output {arguments.output}: expected a new .npz file in a folder that is there")
    try:
        job = Job(load_config(arguments.config, arguments.overrides), arguments.reader)
        worker = Worker(job)
    except ValueError as error:
        parser.error(str(error))
    chunks = [range(first, min(first + CHUNK, arguments.num)) for first in range(0, arguments.num, CHUNK)]
    found = []
    with ProcessPoolExecutor(arguments.workers, initializer=_begin, initargs=(job,)) as pool, progress_bar() as bar:
        task = bar.add_task("reading", total=arguments.num)
        for losses in pool.map(_losses, chunks):
            found.append(losses)
            bar.advance(task, len(losses))
    is_legible, is_hard = judge(*np.concatenate(found).T)
    print(f"{arguments.num} samples: {is_legible.mean():.1%} legible, {is_hard.mean():.1%} of all hard")
    if not is_legible.any():
        parser.error("nothing was chosen: no sample is legible to this reader")
    rng = np.random.default_rng(job.config.data.engine.seed)
    numbers = choose(is_legible, is_hard, arguments.again, rng)
    np.savez(arguments.output, numbers=numbers, engine=np.array(worker.engine.digest()))
    print(f"written: {arguments.output} ({len(numbers)} samples)")


def judge(losses: NDArray[np.floating], lengths: NDArray[np.floating]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell by their losses and their labels' lengths, each (N,), which samples are legible, and which of these hard."""
    is_legible = losses <= ILLEGIBLE * lengths
    return is_legible, is_legible & (losses > HARD)


def choose(
    is_legible: NDArray[np.bool_], is_hard: NDArray[np.bool_], again: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the numbers to draw, in order.

    Args:
        is_legible: (N,) of each sample.
        is_hard: (N,), likewise; hard samples are legible.
        again: share of repetitions in what is returned.
        rng: all randomness.
    """
    legible, hard = np.flatnonzero(is_legible), np.flatnonzero(is_hard)
    num_again = round(len(legible) * again / (1 - again)) if len(hard) else 0
    repeated = [rng.permutation(hard) for _ in range(-(-num_again // max(len(hard), 1)))]
    return rng.permutation(np.concatenate([legible, *repeated])[: len(legible) + num_again]).astype(np.int64)


@dataclass(frozen=True)
class Job:
    """A training's configuration, and the reader that judges its samples; None for the released one."""

    config: Config
    reader: str | None


class Worker:
    """Draws samples as the training would, and reads them.

    Raises:
        ValueError: if there is no such reader, it has another charset, or there is nothing to draw from.
    """

    def __init__(self, job: Job) -> None:
        charset = build_charset(job.config.charset)
        self.reader = Reader(job.reader, threads=1)
        if self.reader.charset.characters != charset.characters:
            raise ValueError(
                f"the reader knows {self.reader.charset.name}, the training {charset.name}; give --reader, a folder "
                "that `grcnn-ocr export` wrote of weights of that charset"
            )
        num_frames = build_model(job.config).num_frames(build_preprocessor(job.config.preprocess).widest)
        self.engine: WordEngine = build_engine(job.config.data.engine, charset, num_frames)[0]

    def losses(self, numbers: range) -> NDArray[np.float64]:
        """Return the loss and the label's length of each sample, (N, 2)."""
        images, labels = zip(*map(self.engine.sample, numbers), strict=True)
        frames = self.reader.recognise([to_grayscale(image) for image in images])
        words = [self.reader.charset.encode(label) for label in labels]
        found = -log_likelihoods(frames.log_probs, frames.lengths, words, range(len(words)))
        return np.stack([found, [len(word) for word in words]], axis=1)


_worker: Worker | None = None
"""Of a worker process: too large to be sent with every task."""


def _begin(job: Job) -> None:
    global _worker
    _worker = Worker(job)


def _losses(numbers: range) -> NDArray[np.float64]:
    assert _worker is not None
    return _worker.losses(numbers)


if __name__ == "__main__":
    main()
