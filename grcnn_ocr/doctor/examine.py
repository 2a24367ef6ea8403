"""Examining word data before training or evaluation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.build import build_charset, build_model, build_preprocessor
from grcnn_ocr.config import Config
from grcnn_ocr.datasets.audit import Audit, audit
from grcnn_ocr.datasets.words import Subset, WordSource
from grcnn_ocr.doctor.duplicates import same_pictures
from grcnn_ocr.doctor.findings import Findings, Histogram, Level, Pair, Remark
from grcnn_ocr.doctor.labels import propose_charset, too_narrow, unknown_characters
from grcnn_ocr.doctor.remarks import training_stops, validation_stops, warnings
from grcnn_ocr.doctor.timing import time_training
from grcnn_ocr.doctor.words import Words, look
from grcnn_ocr.loading import Progress
from grcnn_ocr.text.charset import Charset

LENGTHS = (0, 1, 2, 3, 4, 5, 7, 9, 12, 16, 24, 32)
PIXELS = (0, 8, 16, 24, 32, 48, 64, 96, 128, 256, 512, 1024)
ASPECTS = (0, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16)
CONTRASTS = (0, 2, 8, 16, 32, 48, 64, 96)


def examine(
    config: Config,
    source: WordSource,
    validation: WordSource | None = None,
    with_timing: bool = True,
    progress: Progress = lambda done: None,
) -> Findings:
    """Check every label and image of word data against a configuration.

    Args:
        config: gives charset, preprocessing, network and training; the data that it names do not matter.
        source: the data.
        validation: the validation data.
        with_timing: whether to time a few training steps, unless training cannot start.
        progress: called as images of both are done.
    """
    charset, preprocessor = build_charset(config.charset), build_preprocessor(config.preprocess)
    model = build_model(config)
    words = look(source, preprocessor, progress)
    others = look(validation, preprocessor, progress) if validation is not None else None

    num_frames = model.num_frames(preprocessor.widest)
    found, stops = _audit(words, charset, num_frames)
    stops += training_stops(words, found.usable, config, validation is not None)
    if others is not None:
        stops += _audit(others, charset, num_frames)[1] + validation_stops(others, charset)
    unknown = unknown_characters(words.known_labels, charset)
    pairs, pairs_complete = _compare(words, others)
    within = [pair for pair, is_overlap in pairs if not is_overlap]
    findings = Findings(
        data=str(source.path),
        validation=str(validation.path) if validation is not None else None,
        config=config.name,
        charset=charset.name,
        num_samples=len(source),
        num_validation=len(validation) if validation is not None else 0,
        num_usable=len(found.usable),
        num_folded=found.num_folded,
        left_out=dict(found.unusable.most_common()),
        problems=words.problems,
        validation_problems=others.problems if others is not None else (),
        unknown=unknown,
        validation_unknown=unknown_characters(others.known_labels, charset) if others is not None else {},
        proposal=propose_charset(list(unknown), words.known_labels, charset),
        too_narrow=tuple(too_narrow(words, found.usable, charset, model.num_frames)),
        blank=tuple(source.place(index) for index in np.flatnonzero(words.images.is_blank).tolist()),
        conflicts=tuple(pair for pair in within if _differ(pair, charset)),
        duplicates=tuple(pair for pair in within if not _differ(pair, charset)),
        overlaps=tuple(
            sorted((pair for pair, is_overlap in pairs if is_overlap), key=lambda pair: not _differ(pair, charset))
        ),
        pairs_complete=pairs_complete,
        histograms=_histograms(words),
        timing=None,
        remarks=(),
    )
    if with_timing and not stops:
        try:
            path = validation.path if validation is not None else None
            findings = replace(findings, timing=time_training(config, source.path, path, findings.num_usable))
        except ValueError as error:
            stops.append(Remark(Level.STOP, str(error)))
    return replace(findings, remarks=(*stops, *warnings(findings)))


def _audit(words: Words, charset: Charset, num_frames: int) -> tuple[Audit, list[Remark]]:
    """Return the audit that training makes, of the readable labels, with indices of the source."""
    readable = np.array([index for index, label in enumerate(words.labels) if label is not None], np.int64)
    try:
        found = audit(Subset(words.source, readable.tolist()), charset, num_frames)
    except ValueError as error:
        return Audit(readable[:0], 0, Counter(), {}), [Remark(Level.STOP, str(error))]
    return replace(found, usable=readable[found.usable]), []


def _compare(words: Words, others: Words | None) -> tuple[list[tuple[Pair, bool]], bool]:
    """Return the pairs within the data and those with the validation data (True), and whether these are all.

    Blank images are all alike and are not paired.
    """
    parts = [words] if others is None else [words, others]
    chosen = [np.flatnonzero(part.images.is_sound & ~part.images.is_blank) for part in parts]
    measures = np.concatenate([part.images.measures[rows] for part, rows in zip(parts, chosen, strict=True)])
    same = same_pictures(measures["digest"], measures["hash"])
    num_own = len(chosen[0])

    def sample(position: int) -> tuple[str, str]:
        part, offset = (0, position) if position < num_own else (1, position - num_own)
        index = int(chosen[part][offset])
        return parts[part].source.place(index), parts[part].labels[index] or ""

    pairs = []
    for (first, second), distance in zip(same.pairs.tolist(), same.distances.tolist(), strict=True):
        if first < num_own:  # else within the validation data
            pair = Pair(*sample(first), *sample(second), distance if distance >= 0 else None)
            pairs.append((pair, second >= num_own))
    return pairs, same.is_complete


def _differ(pair: Pair, charset: Charset) -> bool:
    return charset.fold(pair.first_label) != charset.fold(pair.second_label)


def _histograms(words: Words) -> tuple[Histogram, ...]:
    measures = words.images.measures[words.images.is_sound]
    heights, widths = measures["height"], measures["width"]
    found = [
        _histogram("label length, characters", [len(label) for label in words.known_labels], LENGTHS),
        _histogram("image height, pixels", heights, PIXELS),
        _histogram("image width, pixels", widths, PIXELS),
        _histogram("width / height", widths / heights, ASPECTS),
        _histogram("contrast, standard deviation of gray levels", measures["contrast"], CONTRASTS),
    ]
    return tuple(histogram for histogram in found if histogram is not None)


def _histogram(name: str, values: Sequence[float] | NDArray, edges: tuple[float, ...]) -> Histogram | None:
    if not len(values):
        return None
    array = np.asarray(values, np.float64)
    counts, _ = np.histogram(array, [*edges, np.inf])
    least, median, most = (round(float(value), 2) for value in np.quantile(array, (0, 0.5, 1)))
    return Histogram(name, edges, tuple(counts.tolist()), least, median, most)
