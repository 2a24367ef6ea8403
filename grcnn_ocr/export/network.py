"""Networks in ONNX: in float32, with weights stored in float16, and in int8."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grcnn_ocr.models.folding import fold
from grcnn_ocr.models.recognizer import CTCRecognizer
from grcnn_ocr.runtime import FrameCount

OPSET = 17


def to_onnx(model: CTCRecognizer, height: int = 32) -> bytes:
    """Return the ONNX form of a network: images (B, 1, H, W), normalised, to log_probs (B, T, K), for any B and W."""
    with TemporaryDirectory() as temporary, warnings.catch_warnings():
        path = Path(temporary) / "model.onnx"
        # all of torch 2.6 to 2.13 have this exporter, and warn that it is legacy; LSTM batches are compared later
        warnings.simplefilter("ignore")
        torch.onnx.export(
            LogProbabilities(fold(model).cpu()).eval(),
            (torch.zeros(2, 1, height, 96),),
            path,
            input_names=["images"],
            output_names=["log_probs"],
            dynamic_axes={"images": {0: "batch", 3: "width"}, "log_probs": {0: "batch", 1: "frames"}},
            opset_version=OPSET,
            dynamo=False,
        )
        return path.read_bytes()


class LogProbabilities(nn.Module):
    """A network whose only input are the images, with a log-softmax at its end."""

    def __init__(self, model: CTCRecognizer) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 1, H, W) to (B, T, K)."""
        logits, _ = self.model(images, torch.zeros(1, dtype=torch.long))
        return logits.log_softmax(dim=2)


def frame_count(num_frames: Callable[[int], int], widest: int) -> FrameCount:
    """Return the formula for a network's T, which holds for every width up to the widest.

    Raises:
        ValueError: if there is no such formula.
    """
    counts = [(width, num_frames(width)) for width in range(1, max(widest, 128) + 1)]
    for divide in range(1, 65):
        low = max(count * divide - width for width, count in counts)
        high = min((count + 1) * divide - 1 - width for width, count in counts)
        if low <= high:
            return FrameCount(low, divide)
    raise ValueError("the network's number of frames is not (width + add) // divide: a reader cannot compute it")


SMALLEST_HALVED = 256
"""Weights with fewer values stay in float32."""


def halve(network: bytes) -> bytes:
    """Return an ONNX network with its weights stored in float16; onnxruntime converts them to float32 as it starts."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    loaded = onnx.load_from_string(network)
    casts = []
    for weight in loaded.graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < SMALLEST_HALVED:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.float16"))
        casts.append(helper.make_node("Cast", [weight.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *loaded.graph.node]
    del loaded.graph.node[:]
    loaded.graph.node.extend(nodes)
    return loaded.SerializeToString()


@dataclass(frozen=True)
class Quantisation:
    """What is quantised besides the inner convolutions.

    Attributes:
        lstms: the LSTMs: their weights statically, their values dynamically.
        between: the operations between convolutions: sums, products, sigmoids, pooling.
        ends: the first and the last convolution.
    """

    lstms: bool
    between: bool
    ends: bool

    def __str__(self) -> str:
        parts = ["all convolutions" if self.ends else "inner convolutions"]
        parts += ["sums, products, sigmoids, pooling"] * self.between + ["LSTMs"] * self.lstms
        return " + ".join(parts)


QUANTISATIONS = (
    Quantisation(lstms=True, between=True, ends=True),
    Quantisation(lstms=True, between=False, ends=True),
    Quantisation(lstms=False, between=False, ends=True),
    Quantisation(lstms=False, between=False, ends=False),
)
"""In the order they are tried, until the loss is small enough."""

_BETWEEN = ("Add", "Mul", "Sigmoid", "Relu", "MaxPool")
"""ONNX's names of the operations between convolutions."""


def quantise(network: bytes, batches: Sequence[NDArray[np.float32]], quantisation: Quantisation) -> bytes:
    """Return an ONNX network in int8: convolutions by channel, with the ranges of values seen on `batches` of images.

    Weights use all 8 bits: 7 would be safer on processors without VNNI instructions, but lose accuracy.
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_dynamic,
        quantize_static,
    )

    class Batches(CalibrationDataReader):
        def __init__(self) -> None:
            self.left = iter(batches)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            images = next(self.left, None)
            return None if images is None else {"images": images}

    loaded = onnx.load_from_string(network)
    nodes = list(loaded.graph.node)
    convs = [number for number, node in enumerate(nodes) if node.op_type == "Conv"]
    excluded = [node.name for node in nodes[convs[-1] :] if node.op_type == "Add"]  # in the BiLSTMs' joins
    if not quantisation.ends:
        excluded += [nodes[convs[0]].name, nodes[convs[-1]].name]
    common: dict[str, Any] = {"per_channel": True, "weight_type": QuantType.QInt8}
    with TemporaryDirectory() as temporary, _without_warnings():
        path = Path(temporary) / "model.onnx"
        quantize_static(
            loaded, path, Batches(), QuantFormat.QDQ,
            op_types_to_quantize=["Conv", *(_BETWEEN if quantisation.between else ())],
            nodes_to_exclude=excluded,
            activation_type=QuantType.QUInt8, **common,
        )  # fmt: skip
        if quantisation.lstms:
            quantize_dynamic(onnx.load(path), path, op_types_to_quantize=["LSTM"], **common)
        return path.read_bytes()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Silence onnxruntime's quantiser, which logs to the root logger that a model might be preprocessed first."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
