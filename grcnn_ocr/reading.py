"""Reading with torch: images in, predictions out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from grcnn_ocr.build import build_charset, build_preprocessor
from grcnn_ocr.models.folding import fold
from grcnn_ocr.reader import BaseReader
from grcnn_ocr.text.charset import Charset
from grcnn_ocr.weights import Weights, find_weights, load_weights

Precision = Literal["float32", "bf16", "auto"]


class Recognizer(BaseReader):
    """Reads cropped word images.

    Args:
        weights: a weights file, the name of released ones, a hub id, or `Weights` in memory, which are copied; by
            default the released `releases.DEFAULT`.
        device: "auto" (a GPU if there is one), or a torch device.
        batch_size: images per forward pass.
        precision: of the network. "bf16" takes half to three quarters of the time on a CPU with bf16 instructions, and
            changes 2 answers of 2,000 (IIIT5K train, `grcl_lstm_tiny`, one look; accuracy 95.9 for both). "auto":
            "bf16" where the device has such instructions, else "float32".
        charset: the charset to read in, such as "alnum36"; by default the network's. See `BaseReader`.
        second_look: whether to look again at crops that were not read confidently; see `BaseReader`.

    Raises:
        ValueError: if there are no such weights, or they cannot read in that charset.

    Example:
        >>> recognizer = Recognizer()
        >>> recognizer.read("sign.png").text
        >>> recognizer.read("sign.png", lexicon=["open", "closed"]).text
    """

    def __init__(
        self,
        weights: str | Path | Weights | None = None,
        device: str | torch.device = "auto",
        batch_size: int = 64,
        precision: Precision = "float32",
        charset: str | Charset | None = None,
        second_look: bool = True,
    ) -> None:
        if not isinstance(weights, Weights):
            weights = load_weights(find_weights(weights))
        super().__init__(
            build_charset(weights.config.charset),
            build_preprocessor(weights.config.preprocess),
            weights.calibration,
            batch_size,
            charset,
            second_look,
        )
        self.config = weights.config
        self.device = find_device(device)
        self.dtype = find_dtype(precision, self.device)
        model = fold(weights.model)
        self.model = model.to(self.device, self.dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def num_frames(self, width: int) -> int:
        """Return T for an image of `width` pixels."""
        return self.model.num_frames(width)

    @torch.inference_mode()
    def _forward(self, images: NDArray[np.float32], widths: NDArray[np.int64]) -> tuple[NDArray[np.float32], list[int]]:
        inputs = torch.from_numpy(images).to(self.device, self.dtype, memory_format=torch.channels_last)
        logits, lengths = self.model(inputs, torch.from_numpy(widths).to(self.device))
        return logits.float().log_softmax(dim=2).cpu().numpy(), lengths.tolist()


def find_device(name: str | torch.device) -> torch.device:
    """Return the device of a name; "auto" is a GPU if there is one.

    Raises:
        ValueError: if this machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"no device {str(name)!r} here: {str(error).splitlines()[0]}") from None
    return device


def find_dtype(precision: str, device: torch.device) -> torch.dtype:
    """Return the torch type of a precision; "auto" is bf16 where the device has instructions for it.

    Raises:
        ValueError: on an unknown precision.
    """
    if precision not in get_args(Precision):
        raise ValueError(f"precision {precision!r}: expected one of {', '.join(get_args(Precision))}")
    if precision == "auto":
        precision = "bf16" if _computes_in_bf16(device) else "float32"
    return torch.bfloat16 if precision == "bf16" else torch.float32


def _computes_in_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
