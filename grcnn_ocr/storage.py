"""How the tensors of a weights file are stored: as they are, in float16, or in int8 with a scale for each row.

In int8, row o of a matrix or of a convolution's weights, from which one output is computed, is

    W_o ~ s_o q_o,    s_o = max |W_o| / 127,    q_o = round(W_o / s_o) in -127 .. 127

and vectors are in float16. The network still computes in float32; its file is a quarter as large.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

Storage = Literal["float32", "float16", "int8"]
SCALES = ".scales"
"""Suffix: `KEY.scales` holds the scales of the rows of the int8 tensor `KEY`."""


def pack(tensors: dict[str, Tensor], storage: Storage) -> dict[str, Tensor]:
    """Return a network's tensors as a file stores them.

    Raises:
        ValueError: on an unknown kind of storage, or values that overflow in it.
    """
    if storage not in get_args(Storage):
        raise ValueError(f"storage {storage!r}: expected one of {', '.join(get_args(Storage))}")
    packed = {}
    for key, value in tensors.items():
        value = value.detach().cpu().contiguous()
        if storage == "float32" or not value.is_floating_point():
            packed[key] = value
            continue
        if storage == "float16" or value.ndim < 2:
            kept = packed[key] = value.half()
        else:
            kept = packed[key + SCALES] = (value.abs().flatten(1).amax(dim=1) / 127).clamp(min=1e-30)
            packed[key] = (value / _column(kept, value)).round().to(torch.int8)
        if not kept.isfinite().all():
            raise ValueError(
                f"{key} does not fit {storage}: its largest value is {value.abs().max():.3g}; keep float32"
            )
    return packed


def unpack(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a network's tensors from those that a file stores; float16 stays float16.

    Raises:
        ValueError: if an int8 tensor does not have one scale for each row.
    """
    tensors = dict(stored)
    for key, value in stored.items():
        if value.dtype != torch.int8:
            continue
        scales = tensors.pop(key + SCALES, None)
        if scales is None or scales.shape != value.shape[:1]:
            found = "none" if scales is None else f"{tuple(scales.shape)}"
            raise ValueError(f"{key} {tuple(value.shape)} is in int8: expected as many scales as rows, found {found}")
        tensors[key] = value * _column(scales, value)
    return tensors


def _column(scales: Tensor, value: Tensor) -> Tensor:
    """Reshape (rows,) to broadcast over (rows, ...)."""
    return scales.reshape(-1, *[1] * (value.ndim - 1))
