"""The words of a configuration: those to train on and those to validate on."""

from __future__ import annotations

import logging
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.build import build_charset, build_preprocessor
from grcnn_ocr.config import ENGINE, Config
from grcnn_ocr.datasets.audit import audit
from grcnn_ocr.datasets.augment import Augmenter
from grcnn_ocr.datasets.batch import TrainingWords
from grcnn_ocr.datasets.streams import DrawnStream, Mixture, StoredStream, Stream
from grcnn_ocr.datasets.synth.engine import WordEngine, build_engine
from grcnn_ocr.datasets.words import DrawnWords, Subset, WordSource, open_words

logger = logging.getLogger(__name__)

NUM_DRAWN_FOR_VALIDATION = 500
"""Words of the engine to validate on if there are no others."""


def build_words(config: Config, num_frames: int) -> tuple[TrainingWords, WordSource]:
    """Open the training and validation words of a configuration.

    Args:
        config: its `data` section says which.
        num_frames: T of the network; a label that needs more is not trained on.

    Raises:
        ValueError: if the data cannot be opened, or no word can be used for training or be read correctly.
    """
    data, charset, preprocessor = config.data, build_charset(config.charset), build_preprocessor(config.preprocess)
    validation: WordSource | None = None
    if data.validation:
        validation = open_words(data.validation)
        found = audit(validation, charset, num_frames)
        logger.info("validation on %s: %s", data.validation, found.report("left out or always misread"))
    streams: list[Stream] = []
    engine: WordEngine | None = None
    for name in data.shares:
        if name == ENGINE:
            engine, passed_over = build_engine(data.engine, charset, num_frames)
            logger.info("%s", passed_over.report(engine))
            chosen = load_chosen(Path(data.chosen), engine) if data.chosen else None
            streams.append(DrawnStream(engine, preprocessor, chosen))
            continue
        source = open_words(Path(name))
        found = audit(source, charset, num_frames)
        logger.info("%s: %s", name, found.report())
        usable = found.usable
        if validation is None:
            usable, held_out = hold_out(usable, data.holdout, config.train.seed)
            validation = Subset(source, held_out.tolist())
            logger.info("%d of them held out for validation", len(validation))
        augmenter = Augmenter(data.augment) if data.augment else None
        streams.append(StoredStream(source, usable, charset, preprocessor, augmenter, config.train.seed))
    if validation is None:
        assert engine is not None
        validation = DrawnWords(engine, NUM_DRAWN_FOR_VALIDATION)
        logger.info("validation on %d words of the engine that are not trained on", len(validation))
    shares = list(data.shares.values())
    stream = streams[0] if len(streams) == 1 else Mixture(streams, shares, config.train.seed)
    return TrainingWords(stream, preprocessor), validation


def load_chosen(path: Path, engine: WordEngine) -> NDArray[np.int64]:
    """Read the numbers of the engine's samples that `tools/choose_samples.py` chose.

    Raises:
        ValueError: if the file cannot be read, or is about another engine.
    """
    try:
        with path.open("rb") as stream, np.load(stream) as file:
            numbers, of_engine = file["numbers"], str(file["engine"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, AttributeError, TypeError) as error:
        raise ValueError(f"data.chosen: {path} cannot be used ({error}); tools/choose_samples.py writes it") from None
    if of_engine != engine.digest():
        raise ValueError(
            f"data.chosen: {path} is about another word engine's samples (its seed, look, fonts, words or photos "
            "differ); choose again, with the same data.engine"
        )
    return numbers


def hold_out(indices: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split indices at random into (training, validation), each ascending and not empty.

    Raises:
        ValueError: if there are fewer than two.
    """
    if len(indices) < 2:
        raise ValueError("1 usable sample cannot be split into training and validation; set data.validation")
    shuffled = np.random.default_rng(seed).permutation(indices)
    count = min(max(1, round(fraction * len(indices))), len(indices) - 1)
    return np.sort(shuffled[count:]), np.sort(shuffled[:count])
