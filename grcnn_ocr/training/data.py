"""The words of a configuration: what is trained on, what is held out."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

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
"""Words of the engine that are held out when there are no others."""


def build_words(config: Config, num_frames: int) -> tuple[TrainingWords, WordSource]:
    """Open what a configuration trains on, and what it validates on.

    Args:
        config: its `data` section says which.
        num_frames: T of the network; a label that needs more is not trained on.

    Raises:
        ValueError: if the data cannot be opened or none of it can be trained on.
    """
    data, preprocessor = config.data, build_preprocessor(config.preprocess)
    validation = open_words(data.validation) if data.validation else None
    streams: list[Stream] = []
    engine: WordEngine | None = None
    for name in data.shares:
        if name == ENGINE:
            engine, passed_over = build_engine(data.engine, build_charset(config.charset), num_frames)
            logger.info("%s", passed_over.report(engine))
            streams.append(DrawnStream(engine, preprocessor))
            continue
        stored, held_out = _stored(name, config, num_frames, holds_out=validation is None)
        validation = validation or held_out
        streams.append(stored)
    if validation is None:
        assert engine is not None
        validation = DrawnWords(engine, NUM_DRAWN_FOR_VALIDATION)
        logger.info("validation on %d words of the engine that are not trained on", len(validation))
    shares = list(data.shares.values())
    stream = streams[0] if len(streams) == 1 else Mixture(streams, shares, config.train.seed)
    return TrainingWords(stream, preprocessor), validation


def hold_out(indices: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide indices at random in (training, validation), each ascending and at least one.

    Raises:
        ValueError: if there are fewer than two.
    """
    if len(indices) < 2:
        raise ValueError("1 usable sample cannot be divided in training and validation; set data.validation")
    shuffled = np.random.default_rng(seed).permutation(indices)
    count = min(max(1, round(fraction * len(indices))), len(indices) - 1)
    return np.sort(shuffled[count:]), np.sort(shuffled[:count])


def _stored(name: str, config: Config, num_frames: int, holds_out: bool) -> tuple[StoredStream, WordSource | None]:
    """Open stored words; return their stream, and those held out if any are to be."""
    charset, source, held_out = build_charset(config.charset), open_words(Path(name)), None
    found = audit(source, charset, num_frames)
    logger.info("%s: %s", name, found.report())
    usable = found.usable
    if holds_out:
        usable, indices = hold_out(usable, config.data.holdout, config.train.seed)
        held_out = Subset(source, indices.tolist())
        logger.info("%d of them held out for validation", len(held_out))
    augmenter = Augmenter(config.data.augment) if config.data.augment else None
    preprocessor = build_preprocessor(config.preprocess)
    return StoredStream(source, usable, charset, preprocessor, augmenter, config.train.seed), held_out
