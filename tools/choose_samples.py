"""Choose those of the word engine's samples that a network can still learn from.

    python tools/choose_samples.py --config grcl_lstm_tiny.yaml --num 400000 --set data.engine.seed=71 \
        --output chosen.npz
    python train.py --config grcl_lstm_tiny.yaml --init grcl_lstm_tiny --set data.engine.seed=71 \
        --set data.chosen=chosen.npz

A network that reads well has little left to learn from most samples, and illegible ones teach it noise. So a trained
network reads each sample. With L = -log p(label | image), in nats, and n characters, a sample is illegible if
L > 1.5 n, even without its accents, and otherwise hard if L > 0.3. Each legible sample is chosen once, and hard ones
again until these repetitions are a given share of all; the order is random. The reader's charset may be larger or
smaller than the network's: larger, it reads without telling apart what the labels do not; smaller, labels are folded to
it, such as é to e, and those that it cannot write are chosen unread, as hard ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.build import build_charset, build_model, build_preprocessor
from grcnn_ocr.cli.console import progress_bar
from grcnn_ocr.config import Config, load_config
from grcnn_ocr.datasets.synth.engine import WordEngine, build_engine
from grcnn_ocr.decoding.frames import Frames
from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.decoding.merging import ClassMerging
from grcnn_ocr.loading import num_cores
from grcnn_ocr.pixels import to_grayscale
from grcnn_ocr.releases import DEFAULT, DESCRIPTION, released_readers
from grcnn_ocr.runtime import Reader, ReaderDescription
from grcnn_ocr.text.charset import Charset

ILLEGIBLE = 1.5
"""In nats per character."""
HARD = 0.3
"""In nats per word."""
CHUNK = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="of the training run: a YAML file or a packaged name")
    parser.add_argument(
        "--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE", help="override the configuration"
    )
    parser.add_argument("--reader", help="a folder that `grcnn-ocr export` wrote; by default a released one")
    parser.add_argument("--num", type=int, required=True, help="samples to read: numbers 0 to NUM - 1")
    again = "share of repetitions among the chosen samples; by default %(default)s"
    parser.add_argument("--again", type=float, default=0.45, help=again)
    parser.add_argument("--workers", type=int, default=num_cores(), help="processes; by default one per core")
    parser.add_argument("--output", type=Path, required=True, help="an .npz file, for data.chosen")
    arguments = parser.parse_args()
    if arguments.num < 1 or not 0 <= arguments.again < 1:
        parser.error("--num must be 1 or more, --again at least 0 and less than 1")
    if arguments.output.suffix != ".npz" or not arguments.output.parent.is_dir() or arguments.output.exists():
        parser.error(f"--output {arguments.output}: expected a new .npz file in an existing folder")
    try:
        config = load_config(arguments.config, arguments.overrides)
        charset = build_charset(config.charset)
        reader = arguments.reader or released_reader(charset)
        open_reader(reader, charset)
        engine = engine_of(config, charset)
    except ValueError as error:
        parser.error(str(error))
    chunks = [range(first, min(first + CHUNK, arguments.num)) for first in range(0, arguments.num, CHUNK)]
    found = []
    begin = {"initializer": _begin, "initargs": (engine, reader, charset)}
    with ProcessPoolExecutor(arguments.workers, **begin) as pool, progress_bar() as bar:
        task = bar.add_task("reading", total=arguments.num)
        for losses in pool.map(_losses, chunks):
            found.append(losses)
            bar.advance(task, len(losses))
    is_legible, is_hard = judge(*np.concatenate(found).T)
    print(f"{arguments.num} samples: {is_legible.mean():.1%} legible, {is_hard.mean():.1%} legible but hard")
    if not is_legible.any():
        parser.error("nothing was chosen: no sample is legible to this reader")
    rng = np.random.default_rng(config.data.engine.seed)
    numbers = choose(is_legible, is_hard, arguments.again, rng)
    np.savez(arguments.output, numbers=numbers, engine=np.array(engine.digest()))
    print(f"written: {arguments.output} ({len(numbers)} samples)")


def judge(
    losses: NDArray[np.floating], plain: NDArray[np.floating], lengths: NDArray[np.floating]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which samples are legible, and which of those hard.

    Args:
        losses: (N,) of the labels; NaN where the reader cannot write one.
        plain: (N,) of the labels without accents, read without telling accents apart.
        lengths: (N,) of the labels, in characters.
    """
    is_unread = np.isnan(losses)
    is_legible = is_unread | (np.minimum(losses, plain) <= ILLEGIBLE * lengths)
    return is_legible, is_unread | (is_legible & (losses > HARD))


def choose(
    is_legible: NDArray[np.bool_], is_hard: NDArray[np.bool_], again: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the numbers of the chosen samples, in the order in which to draw them.

    Args:
        is_legible: (N,) whether each sample is legible.
        is_hard: (N,) whether each is hard; hard samples are legible.
        again: share of repetitions among the returned numbers.
        rng: all randomness.
    """
    legible, hard = np.flatnonzero(is_legible), np.flatnonzero(is_hard)
    num_again = round(len(legible) * again / (1 - again)) if len(hard) else 0
    repeated = [rng.permutation(hard) for _ in range(-(-num_again // max(len(hard), 1)))]
    return rng.permutation(np.concatenate([legible, *repeated])[: len(legible) + num_again]).astype(np.int64)


def released_reader(charset: Charset) -> str:
    """Return the name of a released reader of a charset; if there is none, that of the default."""
    for name, folder in released_readers().items():
        description = ReaderDescription.from_json((folder / DESCRIPTION).read_text(encoding="utf-8"))
        if description.charset.characters == charset.characters:
            return name
    return DEFAULT


def open_reader(reader: str, charset: Charset) -> Reader:
    """Open a reader, in its own charset or, if that tells more characters apart, in that of the labels.

    Raises:
        ValueError: if there is no such reader, or it does not read in the charset of the labels.
    """
    found = Reader(reader, threads=1)
    if set(found.charset.characters) <= set(charset.characters):
        return found
    return Reader(reader, threads=1, charset=replace(charset, drop_punctuation=True))  # marks that no label has


def engine_of(config: Config, charset: Charset) -> WordEngine:
    """Return the engine that draws for a training run with labels of a charset.

    Raises:
        ValueError: if there is nothing to draw from.
    """
    num_frames = build_model(config).num_frames(build_preprocessor(config.preprocess).widest)
    return build_engine(config.data.engine, charset, num_frames)[0]


class Worker(NamedTuple):
    """What a worker process keeps, as it is too large to be sent with every task."""

    engine: WordEngine
    reader: Reader
    without_accents: ClassMerging


_worker: Worker | None = None


def _begin(engine: WordEngine, reader: str, charset: Charset) -> None:
    global _worker
    opened = open_reader(reader, charset)
    _worker = Worker(engine, opened, ClassMerging(opened.charset, opened.charset.without_accents()))


def _losses(numbers: range) -> NDArray[np.float64]:
    """Draw samples and read them; return each one's arguments of `judge`, (N, 3), NaN if unwritable."""
    assert _worker is not None
    engine, reader, without_accents = _worker
    images, labels = zip(*map(engine.sample, numbers), strict=True)
    charset = reader.charset
    folded = [charset.fold(label) for label in labels]
    found = np.full((len(labels), 3), np.nan)
    read = [number for number, label in enumerate(folded) if not charset.unknown(label)]
    if read:
        frames = reader.recognise([to_grayscale(images[number]) for number in read])
        plain = Frames(without_accents(frames.log_probs), frames.lengths)
        words = [folded[number] for number in read]
        found[read, 0] = _of_words(frames, words, charset)
        found[read, 1] = _of_words(plain, words, without_accents.charset)
        found[read, 2] = [len(word) for word in words]
    return found


def _of_words(frames: Frames, words: Sequence[str], charset: Charset) -> NDArray[np.floating]:
    """Return the loss of each image's word, folded to the charset of the frames."""
    encoded = [charset.encode(charset.fold(word)) for word in words]
    return -log_likelihoods(frames.log_probs, frames.lengths, encoded, range(len(encoded)))


if __name__ == "__main__":
    main()
