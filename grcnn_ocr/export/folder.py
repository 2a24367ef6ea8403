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

import numpy as np
import torch
from numpy.typing import NDArray

import grcnn_ocr
from grcnn_ocr.datasets.words import WordSource, decoded
from grcnn_ocr.export.comparison import Agreement, Comparison
from grcnn_ocr.export.network import QUANTISATIONS, Quantisation, frame_count, halve, quantise, to_onnx
from grcnn_ocr.files import bring_back, flush_to_disk, replace_folder, told_as
from grcnn_ocr.pixels import Pixels
from grcnn_ocr.reader import BaseReader
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.releases import DESCRIPTION
from grcnn_ocr.runtime import Reader, ReaderDescription
from grcnn_ocr.weights import Weights

NUM_WORDS = 2000
"""At most this many, drawn at random, are read for the comparison."""
NUM_CALIBRATION = 128
"""This many give the ranges of quantised values."""
LARGEST_DIFFERENCE = 1e-3
"""In nats, of a log-probability, between the float32 network and torch's."""
LARGEST_LOSS = 0.003
"""Of word accuracy, by float16 or int8; one word may always be lost."""

Precision = Literal["float32", "float16", "int8"]


def export_reader(
    weights: Weights, folder: Path, words: WordSource, precision: Precision = "float32", overwrite: bool = False
) -> ReaderDescription:
    """Write the folder of a `runtime.Reader` atomically.

    Killing the process at any moment leaves a complete reader in `folder`, or none; a reader that was being replaced
    may then lie beside it, and the next export to the same folder brings it back.

    Args:
        weights: not modified.
        folder: to be written.
        words: labelled, for the comparison and, with "int8", for the ranges of values.
        precision: of the network. "float16" stores its weights in float16, half the size, and computes in float32.
            "int8" quantises convolutions by channel, the operations between them, and the LSTMs, as far as the accuracy
            on `words` allows.
        overwrite: whether to replace a reader in `folder`.

    Returns:
        What was written; its `checks` say how far the network is from torch's.

    Raises:
        ValueError: on an unknown precision, if the folder exists, if a package that exporting needs is not installed,
            or if the network is too far from torch's.
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
    comparison = Comparison(recognizer, images, [words.label(index) for index in measured])
    network = to_onnx(weights.model, recognizer.preprocessor.height)
    description = ReaderDescription(
        name=weights.config.name,
        network="model.onnx",
        sha256="",
        precision=precision,
        charset=recognizer.charset,
        preprocessor=recognizer.preprocessor,
        calibration=weights.calibration,
        frames=frame_count(weights.model.num_frames, recognizer.preprocessor.widest),
        made_by=_versions(),
        checks={},
    )
    found = comparison.agreement(Reader.of(description, network))
    if not found.difference <= LARGEST_DIFFERENCE or found.num_changed:
        raise ValueError(
            f"the exported network is not torch's: log-probabilities differ by up to {found.difference:.1e} (at most "
            f"{LARGEST_DIFFERENCE:.0e} is rounding) and {found.num_changed} of {len(images)} texts do; nothing was "
            "written"
        )
    checks: dict[str, Any] = {
        "words": len(images),
        "words_from": str(words.path),
        "torch_accuracy": comparison.accuracy,
    }
    largest_loss = max(LARGEST_LOSS, 1.01 / len(images))
    if precision == "float16":
        network = halve(network)
        found = comparison.agreement(Reader.of(description, network))
        if (loss := comparison.accuracy - found.accuracy) > largest_loss:
            raise ValueError(
                f"float16 loses {100 * loss:.2f} points of word accuracy on {len(images)} words; export float32"
            )
    elif precision == "int8":
        description = replace(description, network="model_int8.onnx")
        batches = [_batch(recognizer, decoded(words, index)) for index in ranging]
        network, quantisation, found = _quantised(description, network, batches, comparison, largest_loss)
        checks["quantised"] = str(quantisation)
    checks["accuracy"] = found.accuracy
    checks["texts_changed"] = found.num_changed
    checks["largest_difference"] = found.difference
    description = replace(description, sha256=hashlib.sha256(network).hexdigest(), checks=checks)
    _write(folder, {DESCRIPTION: description.to_json().encode(), description.network: network})
    return description


def _chosen(num_words: int) -> tuple[list[int], list[int]]:
    """Return which words give the ranges of values, and which measure accuracy: other ones, unless there are few."""
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
    comparison: Comparison,
    largest_loss: float,
) -> tuple[bytes, Quantisation, Agreement]:
    """Quantise as much as the accuracy allows; return the network, what was quantised, and how it compares."""
    losses = []
    for quantisation in QUANTISATIONS:
        quantised = quantise(network, batches, quantisation)
        found = comparison.agreement(Reader.of(description, quantised))
        loss = comparison.accuracy - found.accuracy
        if loss <= largest_loss:
            return quantised, quantisation, found
        losses.append(f"{quantisation} {100 * loss:.2f}")
    raise ValueError(
        f"int8 loses more than {100 * LARGEST_LOSS:.1f} points of word accuracy: {', '.join(losses)}; export float32, "
        "or give more words, more like those to be read"
    )


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
    """Write a folder aside, then put it in the place of what was there."""
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
