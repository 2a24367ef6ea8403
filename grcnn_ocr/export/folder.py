"""The folder of a `runtime.Reader`.

The network is written as ONNX, of any batch and width, in its folded form, and compared with the network as it was
trained, on words of several widths in batches of several sizes, before anything is written.
"""

from __future__ import annotations

import copy
import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

import grcnn_ocr
from grcnn_ocr.datasets.words import WordSource, decoded
from grcnn_ocr.decoding.frames import Frames
from grcnn_ocr.evaluation.protocol import charset_protocol
from grcnn_ocr.export.network import QUANTISATIONS, Quantisation, frame_count, halve, quantise, to_onnx
from grcnn_ocr.files import bring_back, flush_to_disk, replace_folder, told_as
from grcnn_ocr.preprocess import Pixels
from grcnn_ocr.reader import BaseReader
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.releases import DESCRIPTION
from grcnn_ocr.runtime import Reader, ReaderDescription
from grcnn_ocr.weights import Weights

NUM_WORDS = 2000
"""At most so many, drawn at random, are read for the comparison."""
NUM_CALIBRATION = 128
"""So many give the ranges of quantised values."""
LARGEST_DIFFERENCE = 1e-3
"""In nats, of a log-probability, between the float32 network and torch's."""
LARGEST_LOSS = 0.003
"""Of word accuracy, by quantisation; one word may always be lost."""
BATCH_SIZES = (1, 3, 16)

Precision = Literal["float32", "float16", "int8"]


def export_reader(
    weights: Weights, folder: Path, words: WordSource, precision: Precision = "float32", overwrite: bool = False
) -> ReaderDescription:
    """Write the folder of a `runtime.Reader`, aside and renamed.

    Killing the process at any moment leaves a complete reader in `folder`, or none; one that is being replaced may lie
    aside then, and the next export to the same folder brings it back.

    Args:
        weights: they stay as they are.
        folder: to be written.
        words: labelled, for the comparison and, with "int8", for the ranges of values.
        precision: of the network. "float16" stores its weights in float16, half the size, and computes in float32.
            "int8" quantises convolutions by channel, what stands between them, and the LSTMs, as far as the accuracy on
            `words` is kept.
        overwrite: whether a reader in `folder` is replaced.

    Returns:
        What was written; its `checks` tell how far the network is from torch's.

    Raises:
        ValueError: if there is no such precision, the folder exists, a package for it is not installed, or the network
            is not near enough.
    """
    if precision not in get_args(Precision):
        raise ValueError(f"precision {precision!r}: expected one of {', '.join(get_args(Precision))}")
    resolved = folder.resolve()
    bring_back(resolved, _aside(resolved, "previous"))
    _check_folder(folder, overwrite)
    _check_installed()
    recognizer = Recognizer(weights, "cpu", second_look=False)
    recognizer.model = copy.deepcopy(weights.model).eval().cpu()  # as it was trained: folding is tested, too
    ranging, measured = _chosen(len(words))
    images = [decoded(words, index) for index in measured]
    labels = [words.label(index) for index in measured]
    network = to_onnx(weights.model, recognizer.preprocessor.height)
    description = ReaderDescription(
        name=weights.config.name,
        network="model.onnx",
        sha256="",
        precision="float32",
        charset=recognizer.charset,
        preprocessor=recognizer.preprocessor,
        calibration=weights.calibration,
        frames=frame_count(weights.model.num_frames, recognizer.preprocessor.widest),
        made_by=_versions(),
        checks={},
    )
    reader = Reader.of(description, network, second_look=False)
    difference = _difference(recognizer, reader, images)
    reference = _Readings(recognizer, images, labels)
    readings = _Readings(reader, images, labels)
    changed = readings.num_other_than(reference)
    if not difference <= LARGEST_DIFFERENCE or changed:
        raise ValueError(
            f"the exported network is not torch's: log-probabilities differ by up to {difference:.1e} (at most "
            f"{LARGEST_DIFFERENCE:.0e} is rounding) and {changed} of {len(images)} texts do; nothing was written"
        )
    checks: dict[str, Any] = {"words": len(images), "words_from": str(words.path), "torch_accuracy": reference.accuracy}
    if precision == "float16":
        network = halve(network)
        description = replace(description, precision="float16")
        halved = Reader.of(description, network, second_look=False)
        difference, readings = _difference(recognizer, halved, images), _Readings(halved, images, labels)
        loss = readings.loss_against(reference)
        if loss > _may_be_lost(len(images)):
            raise ValueError(
                f"float16 loses {100 * loss:.2f} points of word accuracy on {len(images)} words; export float32"
            )
    elif precision == "int8":
        batches = [_batch(recognizer, decoded(words, index)) for index in ranging]
        network, quantisation, readings = _quantised(description, network, batches, images, labels, readings)
        description = replace(description, network="model_int8.onnx", precision="int8")
        checks["quantised"] = str(quantisation)
        difference = _difference(recognizer, Reader.of(description, network, second_look=False), images)
    checks |= {
        "accuracy": readings.accuracy,
        "texts_changed": readings.num_other_than(reference),
        "largest_difference": difference,
    }
    description = replace(description, sha256=hashlib.sha256(network).hexdigest(), checks=checks)
    _write(folder, {DESCRIPTION: description.to_json().encode(), description.network: network})
    return description


class _Readings:
    """What a reader reads of labelled words."""

    def __init__(self, reader: BaseReader, images: Sequence[Pixels], labels: Sequence[str]) -> None:
        protocol = charset_protocol(reader.charset)
        self.texts = [prediction.text for prediction in reader.read_many(images)]
        right = [text == protocol.fold(label) for text, label in zip(self.texts, labels, strict=True)]
        self.accuracy = sum(right) / len(right)

    def loss_against(self, other: _Readings) -> float:
        """Return how much more of the words the other reads right, -1 to 1."""
        return other.accuracy - self.accuracy

    def num_other_than(self, other: _Readings) -> int:
        """Return how many texts are not the other's."""
        return sum(a != b for a, b in zip(self.texts, other.texts, strict=True))


def _chosen(num_words: int) -> tuple[list[int], list[int]]:
    """Return which words give ranges of values and which are measured on: others, unless there are few."""
    if not num_words:
        raise ValueError("there are no words to compare on")
    order = np.random.default_rng(0).permutation(num_words).tolist()
    first = NUM_CALIBRATION if num_words >= 3 * NUM_CALIBRATION else 0
    return order[:NUM_CALIBRATION], order[first : first + NUM_WORDS]


def _batch(reader: BaseReader, image: Pixels) -> NDArray[np.float32]:
    """Return an image as a batch of its own, (1, 1, H, W)."""
    pixels, _ = reader.preprocessor.stack([reader.preprocessor.resize(image)])
    return reader.preprocessor.normalise(pixels)


def _quantised(
    description: ReaderDescription,
    network: bytes,
    batches: Sequence[NDArray[np.float32]],
    images: Sequence[Pixels],
    labels: Sequence[str],
    exact: _Readings,
) -> tuple[bytes, Quantisation, _Readings]:
    """Quantise as much as the accuracy allows; return the network, what was quantised, and what it reads."""
    losses = []
    for quantisation in QUANTISATIONS:
        quantised = quantise(network, batches, quantisation)
        readings = _Readings(Reader.of(description, quantised, second_look=False), images, labels)
        loss = readings.loss_against(exact)
        if loss <= _may_be_lost(len(images)):
            return quantised, quantisation, readings
        losses.append(f"{quantisation} {100 * loss:.2f}")
    raise ValueError(
        f"int8 loses more than {100 * LARGEST_LOSS:.1f} points of word accuracy on {len(images)} words: "
        f"{', '.join(losses)}; export float32, or give more and truer words"
    )


def _may_be_lost(num_words: int) -> float:
    """Return the largest loss of word accuracy that is accepted: one word may always be lost."""
    return max(LARGEST_LOSS, 1.01 / num_words)


def _difference(recognizer: BaseReader, reader: BaseReader, images: Sequence[Pixels]) -> float:
    """Return the largest difference of a log-probability, over widths and batch sizes."""
    some = list(images[: 2 * max(BATCH_SIZES)])
    preprocessor = recognizer.preprocessor
    for width in (1, 3 * preprocessor.height, preprocessor.widest):
        some.append(cv2.resize(some[0], (width, preprocessor.height)))
    exact = recognizer.recognise(some)
    largest = 0.0
    for size in BATCH_SIZES:
        reader.batch_size = size
        largest = max(largest, _apart(exact, reader.recognise(some)))
    reader.batch_size = recognizer.batch_size
    return largest


def _apart(a: Frames, b: Frames) -> float:
    """Return the largest difference within the images' own frames, infinite if these are not as many."""
    if a.lengths != b.lengths:
        return float("inf")
    rows = zip(a.log_probs, b.log_probs, a.lengths, strict=True)
    return max(float(np.abs(one[:length] - other[:length]).max()) for one, other, length in rows)


def _check_folder(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--output {folder}: this is a file, expected the name of a folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / DESCRIPTION).is_file():
        raise ValueError(f"--output {folder}: this folder holds other things; give a new one")
    if not overwrite:
        raise ValueError(f"{folder} exists; give --overwrite to replace it")


def _check_installed() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ValueError(f"exporting needs {error.name}: pip install 'grcnn-ocr[export]'") from None


def _versions() -> dict[str, str]:
    import onnx
    import onnxruntime

    return {
        "grcnn-ocr": grcnn_ocr.__version__,
        "torch": torch.__version__,
        "onnx": onnx.__version__,
        "onnxruntime": onnxruntime.__version__,
    }


def _aside(folder: Path, what: str) -> Path:
    return folder.with_name(f".{folder.name}.{what}")


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write a folder aside, and let it take the place of what was there."""
    folder = folder.resolve()
    aside, previous = _aside(folder, "writing"), _aside(folder, "previous")
    bring_back(folder, previous)
    for old in (aside, previous):
        shutil.rmtree(old, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with told_as(folder):
        aside.mkdir()
    try:
        for name, content in files.items():
            (aside / name).write_bytes(content)
            flush_to_disk(aside / name)
        replace_folder(folder, aside, previous)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(previous, ignore_errors=True)
