"""The inference form of a recogniser: the same function in fewer operations.

A BatchNorm after a convolution scales and shifts its maps, which the convolution's weights can do as well. The
BatchNorms of a GRCL belong to their iteration, so each iteration gets its own folded copy of shared convolutions. The
scale of the product's BatchNorm moves into r, which leaves of an iteration

    x(t) = relu(F~ + s_t + r . sigmoid(G + q)),     r = W'_r * x(t-1) + b'_r,     q = W'_gr * x(t-1) + b'_gr

As one 3x3 convolution, the 1x1 one among zeros, the two take 1.5 times as long (`grcl_lstm_tiny`, one core).
"""

from __future__ import annotations

import copy
from functools import singledispatch

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from grcnn_ocr.layers.bilstm import BiLSTM
from grcnn_ocr.layers.grcl import GRCL
from grcnn_ocr.layers.grcl_dtrb import GRCLDTRB
from grcnn_ocr.layers.grcl_t_pami import GRCLTPAMI
from grcnn_ocr.layers.ungated_rcl import UngatedRCL
from grcnn_ocr.models.front_ends.base import FrontEnd
from grcnn_ocr.models.front_ends.densenet import DenseLayer
from grcnn_ocr.models.recognizer import CTCRecognizer


def fold(model: CTCRecognizer) -> CTCRecognizer:
    """Return the inference form of a network, on its device; the network itself is not changed.

    It computes the same function, up to rounding. It is not for training, and its state dict has other keys.
    """
    parameter = next(model.parameters())
    with torch.no_grad():
        inference = _folded(copy.deepcopy(model).eval().cpu().double())  # rounded once, at the end
    assert isinstance(inference, CTCRecognizer)
    return inference.to(parameter.device, parameter.dtype).eval().requires_grad_(False)


class Affine(nn.Module):
    """What is left of a BatchNorm: y = scale x + shift, by map; `more` is added to the shift."""

    scale: Tensor
    shift: Tensor

    def __init__(self, norm: nn.Module, more: Tensor | float = 0.0) -> None:
        super().__init__()
        scale, shift = _scale_and_shift(norm)
        self.register_buffer("scale", scale.view(-1, 1, 1))
        self.register_buffer("shift", (shift + more).view(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        return torch.addcmul(self.shift, self.scale, x)


class Shift(nn.Module):
    """y = x + shift, by map."""

    shift: Tensor

    def __init__(self, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("shift", shift.view(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        return x + self.shift


class FoldedGRCL(nn.Module):
    """The inference form of `GRCL` and of `GRCLDTRB`.

    Iterations are as above. `GRCLDTRB` scales and shifts F and G differently in each, so its W_f and W_gf stay.
    """

    def __init__(self, grcl: GRCL | GRCLDTRB) -> None:
        super().__init__()
        steps = range(grcl.iterations)
        if isinstance(grcl, GRCL):
            self.skips_state = grcl.skip == "released"
            recurrent = [grcl.recurrent[t % len(grcl.recurrent)] for t in steps]
            gate_recurrent = [grcl.gate_recurrent[t % len(grcl.gate_recurrent)] for t in steps]
            self.feed_forward = _fused(grcl.feed_forward, grcl.feed_forward_norm)
            self.gate_feed_forward = _fused(grcl.gate_feed_forward, grcl.gate_feed_forward_norm)
            self.initial: nn.Module = nn.Identity()
            self.gate_terms = nn.ModuleList(nn.Identity() for _ in steps)
        else:
            self.skips_state = False
            recurrent = [grcl.recurrent for _ in steps]
            gate_recurrent = [grcl.gate_recurrent for _ in steps]
            self.feed_forward = grcl.feed_forward
            self.gate_feed_forward = grcl.gate_feed_forward
            self.initial = Affine(grcl.initial_norm)
            self.gate_terms = nn.ModuleList(map(Affine, grcl.gate_feed_forward_norm))
        self.skip_terms = nn.ModuleList()
        self.recurrent = nn.ModuleList()
        self.gate_recurrent = nn.ModuleList()
        for t in steps:
            scale, shift = _scale_and_shift(grcl.product_norm[t])
            folded = _fused(recurrent[t], grcl.recurrent_norm[t])
            folded.weight.mul_(scale.view(-1, 1, 1, 1))
            assert folded.bias is not None
            folded.bias.mul_(scale)
            self.recurrent.append(folded)
            self.gate_recurrent.append(_fused(gate_recurrent[t], grcl.gate_recurrent_norm[t]))
            if isinstance(grcl, GRCLDTRB):
                self.skip_terms.append(Affine(grcl.feed_forward_norm[t], shift))
            else:
                self.skip_terms.append(Shift(shift))

    def forward(self, u: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, channels, H, W)."""
        f = self.feed_forward(u)
        g = self.gate_feed_forward(u)
        x = torch.relu(self.initial(f))
        if self.skips_state:
            f = x
        steps = zip(self.skip_terms, self.gate_terms, self.recurrent, self.gate_recurrent, strict=True)
        for skip_term, gate_term, recurrent, gate_recurrent in steps:
            gate = gate_recurrent(x).add_(gate_term(g)).sigmoid_()  # in place, to stay in the cache
            x = recurrent(x).mul_(gate).add_(skip_term(f)).relu_()
        return x


class FoldedBiLSTM(nn.Module):
    """A `BiLSTM` whose join is one linear map."""

    def __init__(self, layer: BiLSTM) -> None:
        super().__init__()
        forward, backward = layer.join_forward, layer.join_backward
        self.lstm = layer.lstm
        self.join = nn.Linear(2 * forward.in_features, forward.out_features, dtype=forward.weight.dtype)
        self.join.weight.copy_(torch.cat([forward.weight, backward.weight], dim=1))
        self.join.bias.copy_(forward.bias + backward.bias)

    def forward(self, frames: Tensor) -> Tensor:
        """Map (B, T, in_features) to (B, T, out_features)."""
        return self.join(self.lstm(frames)[0])


@singledispatch
def _folded(layer: nn.Module) -> nn.Module:
    """Return the inference form of a layer, perhaps the layer itself, changed; by default its parts are folded."""
    for name, part in layer.named_children():
        setattr(layer, name, _folded(part))
    return layer


@_folded.register(GRCL)
@_folded.register(GRCLDTRB)
def _(layer: GRCL | GRCLDTRB) -> nn.Module:
    return FoldedGRCL(layer)


@_folded.register
def _(layer: BiLSTM) -> nn.Module:
    return FoldedBiLSTM(layer)


@_folded.register
def _(layer: nn.Sequential) -> nn.Module:
    parts: list[nn.Module] = []
    for part in layer:
        if isinstance(part, nn.BatchNorm2d) and parts and isinstance(parts[-1], nn.Conv2d):
            parts[-1] = _fused(parts[-1], part)
        else:
            parts.append(_folded(part))
    return nn.Sequential(*parts)


@_folded.register
def _(layer: FrontEnd) -> nn.Module:
    if hasattr(layer, "last_norm"):
        _fuse(layer, "last", "last_norm")
    return _folded.dispatch(nn.Module)(layer)


@_folded.register
def _(layer: UngatedRCL) -> nn.Module:
    steps = range(layer.iterations)
    _fuse(layer, "feed_forward", "feed_forward_norm")
    convs = [_fused(layer.recurrent[t % len(layer.recurrent)], layer.recurrent_norm[t]) for t in steps]
    layer.recurrent = nn.ModuleList(convs)
    layer.recurrent_norm = nn.ModuleList(nn.Identity() for _ in steps)
    return layer


@_folded.register
def _(layer: DenseLayer) -> nn.Module:
    _fuse(layer, "bottleneck", "norm")
    return layer


@_folded.register
def _(layer: GRCLTPAMI) -> nn.Module:
    """Two of a step's four BatchNorms follow a convolution; without selective kernels, which a recogniser never has."""
    shared, steps = len(layer.reduce), range(layer.iterations)
    reduce, spatial = [
        nn.ModuleList(_fused(convs[t % shared], norms[t]) for t in steps)
        for convs, norms in ((layer.reduce, layer.spatial_norm), (layer.spatial, layer.expand_norm))
    ]
    layer.expand = nn.ModuleList(layer.expand[t % shared] for t in steps)
    layer.reduce, layer.spatial = reduce, spatial
    layer.spatial_norm = layer.expand_norm = nn.ModuleList(nn.Identity() for _ in steps)
    return layer


def _fuse(layer: nn.Module, conv: str, norm: str) -> None:
    """Fold a BatchNorm of a layer into a convolution of the same layer."""
    setattr(layer, conv, _fused(layer.get_submodule(conv), layer.get_submodule(norm)))
    setattr(layer, norm, nn.Identity())


def _fused(conv: nn.Module, norm: nn.Module) -> nn.Conv2d:
    """Return one convolution, with a bias, that replaces a convolution and a BatchNorm."""
    assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    return fuse_conv_bn_eval(conv, norm)


def _scale_and_shift(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Return what a BatchNorm multiplies by and adds, (C,)."""
    assert isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale
