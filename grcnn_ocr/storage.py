"""How the tensors of a weights file are stored: as they are, in float16, or in int8 with a scale for each row.

In int8, row o of a matrix or a convolution's weights, all that one output is computed from, is

    W_o ~ s_o q_o,    s_o = max |W_o| / 127,    q_o = round(W_o / s_o) in -127 .. 127

and vectors are in float16. The network computes in float32 all the same; its file is a quarter as large.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Storage = Literal["float32", "float16", "int8"]
SCALE = ".scale"
"""Follows the key of a tensor in int8, at the scales of its rows."""


def pack(tensors: dict[str, Tensor], storage: Storage) -> dict[str, Tensor]:
    """Return what a file holds of the tensors of a network."""
    packed = {}
    for key, value in tensors.items():
        value = value.detach().cpu().contiguous()
        if storage == "float32" or not value.is_floating_point():
            packed[key] = value
        elif storage == "float16" or value.ndim < 2:
            packed[key] = value.half()
        else:
            largest = value.abs().flatten(1).amax(dim=1).clamp(min=torch.finfo(torch.float32).tiny)
            packed[key + SCALE] = largest / 127
            packed[key] = (value / _column(packed[key + SCALE], value)).round().to(torch.int8)
    return packed


def unpack(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a network from what a file holds; those in float16 are as they are."""
    tensors = {}
    for key, value in stored.items():
        if value.dtype == torch.int8 and key + SCALE in stored:
            tensors[key] = value * _column(stored[key + SCALE], value)
        elif not key.endswith(SCALE):
            tensors[key] = value
    return tensors


def _column(scales: Tensor, value: Tensor) -> Tensor:
    """Shape (rows,) for a product with (rows, ...)."""
    return scales.reshape(-1, *[1] * (value.ndim - 1))
