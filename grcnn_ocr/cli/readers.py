"""What --weights, --device, --precision and other options of several commands stand for."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from grcnn_ocr.reader import BaseReader
    from grcnn_ocr.reading import Precision

WEIGHTS = "A weights file, a released name (see `models`), a folder that `export` wrote, or a hub id, owner/repository."
DEVICE = "auto, cpu, cuda, ...; of a folder, the cpu."
DEVICE_OR_FASTEST = (
    "auto, cpu, cuda, ... for torch; by default onnxruntime on the cpu, which is faster there, if a reader exported "
    "from the weights comes with the package, else auto."
)
CHARSET = (
    "What to read in, where that is less than the network knows: alnum36, for one, without case and punctuation marks. "
    "Confidence stays calibrated for what the network knows."
)
PRECISION = (
    "float32, bf16, or auto: bf16 where the device computes in it; a folder has its own. By default float32; giving it "
    "asks for torch."
)
SECOND_LOOK = (
    "Look again at crops that were not read surely, turned level and cut to their text, inverted, from farther and "
    "from nearer: better, and slower by a sixth or more."
)
FORMAT = (
    "Of the data: label_file, space_separated, icdar2003, icdar2013, icdar2015, iiit5k, svt or synth90k; auto goes by "
    "name and content."
)


class Opened(NamedTuple):
    """A reader, and what it is called.

    Attributes:
        reader: ready to read.
        name: of its weights.
        device: that its network runs on.
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
    """Open weights, or a folder that `grcnn-ocr export` wrote; torch is imported for weights alone.

    Args:
        weights: a path, a released name or a hub id; by default the released weights.
        device: "auto", or a torch device; None: of a released name the reader that was exported from its weights, which
            is faster on the cpu, if there is one and no precision is asked for, else "auto".
        batch_size: images a forward pass.
        precision: of the network, see `Recognizer`; None: float32, or the folder's.
        charset: see `BaseReader`.
        second_look: see `BaseReader`.

    Raises:
        ValueError: if there is nothing to read with, or a folder is asked for another device or precision than its own.
    """
    found = (_exported(weights) if device is None and precision is None else None) or find_reader(weights)
    device = device or "auto"
    if found.is_dir():
        unfit = {"--device": device not in ("auto", "cpu"), "--precision": precision is not None}
        if given := [option for option, is_given in unfit.items() if is_given]:
            raise ValueError(
                f"{' and '.join(given)}: the reader in {found} has its own, on the cpu; leave that out, or give the "
                "weights that it was exported from"
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
    """Return the released reader of a released name, if that is what is meant; without onnxruntime there is none."""
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
