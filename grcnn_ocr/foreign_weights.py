"""Checkpoints of other projects, converted to our key layout.

Two layouts are known: the authors' Lua network, transcribed to PyTorch key by key (`c0`, `g1.r.0`, `l1.pf`, ...), for
presets with the `grcl` front end; and the deep-text-recognition-benchmark's (`FeatureExtraction.ConvNet.0`, ...), for
those with `grcl_dtrb`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grcnn_ocr.build import build_model
from grcnn_ocr.config import Config
from grcnn_ocr.weights import Weights, load_tensors

logger = logging.getLogger(__name__)

Renames = list[tuple[str, str]]

LUA: Renames = [
    (r"c0\.", "front_end.stem."),
    (r"c4\.", "front_end.last."),
    (r"b4\.", "front_end.last_norm."),
    (r"g([123])\.f\.", r"front_end.grcl\1.feed_forward."),
    (r"g([123])\.bf\.", r"front_end.grcl\1.feed_forward_norm."),
    (r"g([123])\.gf\.", r"front_end.grcl\1.gate_feed_forward."),
    (r"g([123])\.bgf\.", r"front_end.grcl\1.gate_feed_forward_norm."),
    (r"g([123])\.r\.", r"front_end.grcl\1.recurrent."),
    (r"g([123])\.g\.", r"front_end.grcl\1.gate_recurrent."),
    (r"g([123])\.br\.", r"front_end.grcl\1.recurrent_norm."),
    (r"g([123])\.bg\.", r"front_end.grcl\1.gate_recurrent_norm."),
    (r"g([123])\.bo\.", r"front_end.grcl\1.product_norm."),
    (r"l1\.", "sequence.0."),
    (r"l2\.", "sequence.1."),
    (r"(sequence\.\d+)\.l\.", r"\1.lstm."),
    (r"(sequence\.\d+)\.pf\.", r"\1.join_forward."),
    (r"(sequence\.\d+)\.pb\.", r"\1.join_backward."),
]

DTRB: Renames = [
    (r"module\.", ""),
    (r"FeatureExtraction\.", ""),
    (r"ConvNet\.0\.", "front_end.stem."),
    (r"ConvNet\.3\.", "front_end.grcl1."),
    (r"ConvNet\.5\.", "front_end.grcl2."),
    (r"ConvNet\.7\.", "front_end.grcl3."),
    (r"ConvNet\.9\.", "front_end.last."),
    (r"ConvNet\.10\.", "front_end.last_norm."),
    (r"(front_end\.grcl\d)\.wf_u\.", r"\1.feed_forward."),
    (r"(front_end\.grcl\d)\.wgf_u\.", r"\1.gate_feed_forward."),
    (r"(front_end\.grcl\d)\.wr_x\.", r"\1.recurrent."),
    (r"(front_end\.grcl\d)\.wgr_x\.", r"\1.gate_recurrent."),
    (r"(front_end\.grcl\d)\.BN_x_init\.", r"\1.initial_norm."),
    (r"(front_end\.grcl\d)\.GRCL\.(\d+)\.BN_fu\.", r"\1.feed_forward_norm.\2."),
    (r"(front_end\.grcl\d)\.GRCL\.(\d+)\.BN_gfu\.", r"\1.gate_feed_forward_norm.\2."),
    (r"(front_end\.grcl\d)\.GRCL\.(\d+)\.BN_rx\.", r"\1.recurrent_norm.\2."),
    (r"(front_end\.grcl\d)\.GRCL\.(\d+)\.BN_grx\.", r"\1.gate_recurrent_norm.\2."),
    (r"(front_end\.grcl\d)\.GRCL\.(\d+)\.BN_Gx\.", r"\1.product_norm.\2."),
    (r"SequenceModeling\.(\d+)\.rnn\.", r"sequence.\1.lstm."),
    (r"SequenceModeling\.(\d+)\.linear\.", r"sequence.\1.linear."),
]


def import_weights(path: Path, config: Config) -> Weights:
    """Read a PyTorch checkpoint of another project into the network of `config`.

    Nothing in the file is executed (`weights_only=True`). A `state_dict` entry around the tensors and a `module.`
    before the keys are removed. A file of the DTRB front end alone is accepted: the BiLSTMs are then untrained, and a
    warning says so.

    Raises:
        ValueError: if the file is not a checkpoint, no layout is known for the network, or keys are missing, unexpected
            or of the wrong shape, naming each.
    """
    tensors = load_state_dict(path)
    front_end = config.model.front_end.name
    if front_end == "grcl":
        renamed = _rename(tensors, LUA)
    elif front_end == "grcl_dtrb":
        renamed = _join_dtrb_linears(_rename(tensors, DTRB))
    else:
        raise ValueError(f"no other project's key layout is known for front end {front_end!r} (model {config.name!r})")

    model = build_model(config)
    own = model.state_dict()
    is_known = any(key in own for key in renamed)
    if (
        is_known
        and front_end == "grcl_dtrb"
        and not any(key.startswith(("sequence.", "Prediction.")) for key in renamed)
    ):
        logger.warning("%s holds a front end alone: the BiLSTMs are untrained; train before reading", path)
        renamed |= {key: value for key, value in own.items() if key.startswith("sequence.")}
    for key in own:  # PyTorch before 0.4.1 did not count batches
        if key.endswith("num_batches_tracked"):
            renamed.setdefault(key, torch.tensor(0))
    load_tensors(model, renamed, source=str(path))
    return Weights(model, config, training={"imported_from": path.name})


def load_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a PyTorch checkpoint without executing any code in it.

    Raises:
        ValueError: if there is no such file, or it is no checkpoint of plain tensors.
    """
    if not path.is_file():
        raise ValueError(f"no file {path}")
    try:
        loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds on files that are not checkpoints
        raise ValueError(f"{path} is not a PyTorch checkpoint of plain tensors ({type(error).__name__})") from error
    for wrapper in ("state_dict", "model"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(wrapper), Mapping):
            loaded = loaded[wrapper]
    if not isinstance(loaded, Mapping) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in loaded.items()
    ):
        raise ValueError(f"{path} holds no state dict: expected names and tensors")
    return dict(loaded)


def _rename(tensors: Mapping[str, Tensor], renames: Renames) -> dict[str, Tensor]:
    renamed = {}
    for key, tensor in tensors.items():
        for pattern, replacement in renames:
            key = re.sub(f"^{pattern}", replacement, key)
        renamed[key] = tensor
    return renamed


def _join_dtrb_linears(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Write each BiLSTM's one linear map as our two, and fold the benchmark's `Prediction` into the last.

    Prediction(linear(h)) = P (W h + b) + p = (P W) h + (P b + p): there is no nonlinearity between them.
    """
    layers = [key.removesuffix(".linear.weight") for key in tensors if key.endswith(".linear.weight")]
    for layer in layers:
        weight, bias = tensors.pop(f"{layer}.linear.weight"), tensors.pop(f"{layer}.linear.bias", None)
        if bias is None:
            raise ValueError(f"missing {layer}.linear.bias")
        if layer == layers[-1] and {"Prediction.weight", "Prediction.bias"} <= tensors.keys():
            prediction = tensors.pop("Prediction.weight").double()
            if prediction.ndim != 2 or prediction.shape[1] != weight.shape[0]:
                raise ValueError(
                    f"Prediction.weight has shape {tuple(prediction.shape)}, which does not follow "
                    f"{layer}.linear.weight of {tuple(weight.shape)}"
                )
            bias = (prediction @ bias.double() + tensors.pop("Prediction.bias").double()).to(weight.dtype)
            weight = (prediction @ weight.double()).to(weight.dtype)
        forward, backward = weight.chunk(2, dim=1)
        tensors[f"{layer}.join_forward.weight"], tensors[f"{layer}.join_forward.bias"] = forward, bias
        tensors[f"{layer}.join_backward.weight"], tensors[f"{layer}.join_backward.bias"] = (
            backward,
            torch.zeros_like(bias),
        )
    return tensors
