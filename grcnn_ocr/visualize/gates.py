"""The gates of every GRCL at every iteration, recorded by hooks."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grcnn_ocr.layers.grcl import GRCL
from grcnn_ocr.layers.grcl_dtrb import GRCLDTRB
from grcnn_ocr.layers.grcl_t_pami import GRCLTPAMI


@dataclass(frozen=True)
class Gates:
    """The gates of one GRCL.

    Attributes:
        name: of the layer, such as "grcl1".
        maps: (T, C, H, W), 0 to 1: the gate of each iteration and channel.
    """

    name: str
    maps: NDArray[np.float32]


@dataclass(frozen=True)
class _Terms:
    """The two terms of a layer's gates, in the order of the iterations; the first may serve all of them."""

    feed_forward: list[Tensor] = field(default_factory=list)
    recurrent: list[Tensor] = field(default_factory=list)

    def maps(self) -> NDArray[np.float32]:
        """Return sigmoid(G + G_t) of an image, (T, C, H, W)."""
        num_iterations = len(self.recurrent)
        feed_forward = self.feed_forward * num_iterations if len(self.feed_forward) == 1 else self.feed_forward
        gates = [
            torch.sigmoid(own + state)[0] for own, state in zip(feed_forward, self.recurrent, strict=True)
        ]  # T times (C, H, W)
        return torch.stack(gates).float().cpu().numpy()


def gates(front_end: nn.Module, images: Tensor) -> list[Gates]:
    """Run a front end and return the gates of its GRCLs, in the order in which they run.

    Args:
        front_end: in evaluation mode.
        images: (1, 1, H, W), normalised.

    Returns:
        One entry per layer; none for a front end without gates.
    """
    found: dict[str, _Terms] = {}
    with ExitStack() as hooks:
        for name, layer in front_end.named_modules():
            if not isinstance(layer, GRCL | GRCLDTRB | GRCLTPAMI):
                continue
            terms = found[name] = _Terms()
            for modules, calls in zip(_sources(layer), (terms.feed_forward, terms.recurrent), strict=True):
                for module in modules:
                    handle = module.register_forward_hook(lambda _, __, output, calls=calls: calls.append(output))
                    hooks.callback(handle.remove)
        if found:
            with torch.inference_mode():
                front_end(images)
    return [Gates(name, terms.maps()) for name, terms in found.items()]


def _sources(layer: GRCL | GRCLDTRB | GRCLTPAMI) -> tuple[list[nn.Module], list[nn.Module]]:
    """Return the modules whose outputs are the gate's terms: those of the input, and those of the state."""
    if isinstance(layer, GRCLTPAMI):
        return [layer.gate_feed_forward], [layer.gate_recurrent]  # the latter runs once an iteration
    if isinstance(layer, GRCLDTRB):
        return list(layer.gate_feed_forward_norm), list(layer.gate_recurrent_norm)
    return [layer.gate_feed_forward_norm], list(layer.gate_recurrent_norm)
