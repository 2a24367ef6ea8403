"""What --weights, --device and --precision of the commands that read stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from grcnn_ocr.reader import BaseReader
    from grcnn_ocr.reading import Precision

WEIGHTS = "A weights file, a released name (see `models`), or a folder that `export` wrote."
DEVICE = "auto, cpu, cuda, ...; of a folder, the cpu."
CHARSET = (
    "What to read in, where that is less than the network knows: alnum36, for one, without case and punctuation marks. "
    "Confidence stays calibrated for what the network knows."
)
PRECISION = "float32, bf16, or auto: bf16 where the device computes in it; a folder has its own. By default float32."


class Opened(NamedTuple):
    """A reader, and what it is called.

    Attributes:
        reader: ready to read.
        name: of its weights.
        device: that its network runs on.
    """

    reader: BaseReader
    name: str
    device: str


def open_reader(
    weights: str | None = None,
    device: str = "auto",
    batch_size: int = 64,
    precision: str | None = None,
    charset: str | None = None,
) -> Opened:
    """Open weights, or a folder that `grcnn-ocr export` wrote; torch is imported for weights alone.

    Args:
        weights: a path, a released name or a hub id; by default the released weights.
        device: "auto", or a torch device.
        batch_size: images a forward pass.
        precision: of the network, see `Recognizer`; None: float32, or the folder's.
        charset: see `BaseReader`.

    Raises:
        ValueError: if there is nothing to read with, or a folder is asked for another device or precision than its own.
    """
    found = find_reader(weights)
    if found.is_dir():
        unfit = {"--device": device not in ("auto", "cpu"), "--precision": precision is not None}
        if given := [option for option, is_given in unfit.items() if is_given]:
            raise ValueError(
                f"{' and '.join(given)}: the reader in {found} has its own, on the cpu; leave them out, or give the "
                "weights that it was exported from"
            )
        from grcnn_ocr.runtime import Reader

        reader = Reader(found, batch_size, charset=charset)
        return Opened(reader, reader.description.name, "cpu")
    from grcnn_ocr.reading import Recognizer

    recognizer = Recognizer(found, device, batch_size, cast("Precision", precision or "float32"), charset)
    return Opened(recognizer, recognizer.config.name, str(recognizer.device))


def find_reader(weights: str | None = None) -> Path:
    """Return a weights file, or a folder that `grcnn-ocr export` wrote.

    Raises:
        ValueError: if there is neither.
    """
    from grcnn_ocr.runtime import DESCRIPTION

    folder = None if weights is None else Path(weights)
    if folder is not None and (folder / DESCRIPTION).is_file():
        return folder
    if folder is not None and folder.name == DESCRIPTION and folder.is_file():
        return folder.parent
    try:
        from grcnn_ocr.weights import find_weights
    except ImportError as error:
        given = "no --weights" if folder is None else f"--weights {folder}: no folder that `grcnn-ocr export` wrote"
        raise ValueError(
            f"{given}; to read with weights {error.name} is needed, which is not installed: give such a folder, or "
            "install grcnn-ocr with its dependencies"
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
