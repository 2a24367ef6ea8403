"""Options that several commands share (--weights, --device, ...), and opening a reader by them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from grcnn_ocr.reader import BaseReader
    from grcnn_ocr.reading import Precision

WEIGHTS = "A weights file, a released name (see `models`), a folder written by `export`, or a hub id, owner/repository."
DEVICE = "auto, cpu, cuda, ...; an exported reader runs on the cpu."
DEVICE_OR_FASTEST = (
    "auto, cpu, cuda, ...: read in torch on this device. By default the reader exported from the weights, in "
    "onnxruntime on the cpu, which is faster there, if the package comes with one; else auto."
)
CHARSET = (
    "A smaller charset than the network's to read in, such as alnum36, without case, accents and punctuation (lists "
    "ignore case and accents anyway). Confidence stays calibrated for the network's own charset."
)
PRECISION = (
    "float32, bf16, or auto: bf16 where the device has instructions for it. By default float32. Selects torch; an "
    "exported reader has its own precision."
)
MATCH_CASE = (
    "The image must show a word of the list in its own case and with its own accents and punctuation marks. By default "
    "case and accents are ignored, and so are the marks that no word of the list has."
)
SECOND_LOOK = (
    "Look again at crops that were not read confidently: levelled and cut to their text, inverted, zoomed out and in. "
    "More accurate, and slower by a sixth or more."
)
FORMAT = (
    "Format of the data: label_file, space_separated, icdar2003, icdar2013, icdar2015, iiit5k, svt or synth90k; auto "
    "recognises it by name and content."
)


class Opened(NamedTuple):
    """A reader and what it runs.

    Attributes:
        reader: ready to read.
        name: of its weights.
        device: on which its network runs.
        precision: of its network.
    """

    reader: BaseReader
    name: str
    device: str
    precision: str


def open_reader(
    weights: str | None,
    device: str | None,
    batch_size: int = 64,
    precision: str | None = None,
    charset: str | None = None,
    second_look: bool = True,
) -> Opened:
    """Open weights, or a folder that `grcnn-ocr export` wrote; torch is imported only for weights.

    Args:
        weights: a path, a released name or a hub id; by default the released weights.
        device: "auto", or a torch device. None: the reader exported from the released weights, which is faster on the
            cpu, if there is one and no precision is given; else "auto".
        batch_size: images per forward pass.
        precision: of the network, see `Recognizer`; None: float32, or that of the exported reader.
        charset: see `BaseReader`.
        second_look: see `BaseReader`.

    Raises:
        ValueError: if there is nothing to read with, or a device or precision is given for an exported reader.
    """
    found = (_exported(weights) if device is None and precision is None else None) or find_reader(weights)
    device = device or "auto"
    if found.is_dir():
        unfit = {"--device": device not in ("auto", "cpu"), "--precision": precision is not None}
        if given := [option for option, is_given in unfit.items() if is_given]:
            raise ValueError(
                f"{' and '.join(given)}: the exported reader in {found} has its own, on the cpu; leave that out, or "
                "give the weights that it was exported from"
            )
        from grcnn_ocr.runtime import Reader

        reader = Reader(found, batch_size, charset=charset, second_look=second_look)
        return Opened(reader, reader.description.name, "cpu", reader.description.precision)
    from grcnn_ocr.reading import Recognizer

    chosen = cast("Precision", precision or "float32")
    recognizer = Recognizer(found, device, batch_size, chosen, charset, second_look)
    computed_in = "bf16" if recognizer.dtype.itemsize == 2 else "float32"
    return Opened(recognizer, recognizer.config.name, str(recognizer.device), computed_in)


def _exported(weights: str | None) -> Path | None:
    """Return the released reader of a released name; None for other weights, or without onnxruntime."""
    from grcnn_ocr.releases import DEFAULT, released_readers
    from grcnn_ocr.runtime import reader_folder

    if find_spec("onnxruntime") is None:
        return None
    if weights is None:
        return released_readers().get(DEFAULT)
    is_other = Path(weights).is_file() or reader_folder(Path(weights)) is not None
    return None if is_other else released_readers().get(weights)


def find_reader(weights: str | None) -> Path:
    """Return a weights file, or a folder that `grcnn-ocr export` wrote.

    Raises:
        ValueError: if there is neither.
    """
    from grcnn_ocr.releases import DESCRIPTION, released_readers
    from grcnn_ocr.runtime import reader_folder

    folder = None if weights is None else Path(weights)
    if folder is not None and (found := reader_folder(folder)) is not None:
        return found
    try:
        from grcnn_ocr.weights import find_weights
    except ImportError as error:
        given = "no --weights" if folder is None else f"--weights {folder}: no folder that `grcnn-ocr export` wrote"
        raise ValueError(
            f"{given}; weights need torch and what comes with it ({error}): pip install grcnn-ocr. Without it give a "
            f"folder that `grcnn-ocr export` wrote, or {' or '.join(released_readers())} without --device and "
            "--precision"
        ) from None
    try:
        return find_weights(weights)
    except ValueError:
        if folder is None or not folder.is_dir():
            raise
        raise ValueError(
            f"--weights {folder}: a folder without {DESCRIPTION}; expected a weights file, such as "
            f"{folder / 'best.safetensors'}, or a folder that `grcnn-ocr export` wrote"
        ) from None
