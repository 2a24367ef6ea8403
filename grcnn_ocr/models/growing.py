"""Growing: a trained recogniser becomes a wider one, with more iterations, that reads exactly as before.

Chen, Goodfellow & Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016. A new channel is a copy
of an old one, and a layer that reads the copies of a channel divides its weight among them. With m(c) the channel that
c is a copy of:

    W'[o, i] = W[m(o), m(i)] . s[o, i],    the sum of s[o, i] over all copies i of a channel = 1

The shares are drawn separately for each o, so that the copies get different gradients and diverge. The new iterations
of a GRCL come before the old ones; the last BatchNorm of each starts at 0, so that x(t) = relu(F~) = x(0).
"""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from grcnn_ocr.layers.bilstm import BiLSTM
from grcnn_ocr.layers.grcl import GRCL
from grcnn_ocr.models.front_ends.base import FrontEnd
from grcnn_ocr.models.front_ends.grcl import GRCLFrontEnd
from grcnn_ocr.models.recognizer import CTCRecognizer


def can_grow(trained: CTCRecognizer, into: CTCRecognizer) -> bool:
    """Tell whether both have a front end of GRCLs, and `into` is larger in some size and smaller in none."""
    small, large = _sizes(trained), _sizes(into)
    if not small or len(small) != len(large) or small == large:
        return False
    skips = [[layer.skip for layer in _grcls(model.front_end)] for model in (trained, into)]
    return skips[0] == skips[1] and all(a <= b for a, b in zip(small, large, strict=True))


@torch.no_grad()
def grow(trained: CTCRecognizer, into: CTCRecognizer) -> CTCRecognizer:
    """Return a network with the sizes of `into` that reads as `trained` does, with its classes; see `can_grow`."""
    assert can_grow(trained, into)
    classes = torch.arange(_lstms(trained)[-1].join_forward.out_features)
    hidden = [layer.lstm.hidden_size for layer in _lstms(into)]
    grown = CTCRecognizer(deepcopy(into.front_end), hidden, len(classes))
    channels = _grow_front_end(trained.front_end, grown.front_end)
    for old, new in zip(_lstms(trained), _lstms(grown), strict=True):
        is_last = new is grown.sequence[-1]
        outputs = classes if is_last else _copies(old.join_forward.out_features, new.join_forward.out_features)
        _grow_bilstm(old, new, outputs, channels)
        channels = outputs
    return grown


def _grcls(front_end: FrontEnd) -> list[GRCL]:
    return [module for module in front_end.children() if isinstance(module, GRCL)]


def _lstms(model: CTCRecognizer) -> list[BiLSTM]:
    return [layer for layer in model.sequence if isinstance(layer, BiLSTM)]


def _sizes(model: CTCRecognizer) -> list[int]:
    """Return channels, iterations, convolutions for them, LSTM units; nothing if the front end is not one of GRCLs."""
    front_end, grcls = model.front_end, _grcls(model.front_end)
    if not isinstance(front_end, GRCLFrontEnd) or not grcls:
        return []
    widths = [
        front_end.stem.out_channels,
        *(layer.feed_forward.out_channels for layer in grcls),
        front_end.out_channels,
    ]
    depths = [number for layer in grcls for number in (layer.iterations, len(layer.recurrent))]
    return [*widths, *depths, *(layer.lstm.hidden_size for layer in _lstms(model))]


def _copies(old: int, new: int) -> Tensor:
    """Return m: (new,) the old channel that each new one is a copy of; some may have one copy more than others."""
    return torch.arange(new) % old


def _grow_map(old: nn.Conv2d | nn.Linear, new: nn.Conv2d | nn.Linear, outputs: Tensor, inputs: Tensor) -> None:
    """Fill a convolution or a linear map and its bias."""
    new.weight.copy_(_shared_out(old.weight, outputs, inputs))
    if old.bias is not None and new.bias is not None:
        new.bias.copy_(old.bias[outputs])


def _shared_out(weight: Tensor, outputs: Tensor, inputs: Tensor) -> Tensor:
    """Return W' of W (outputs, inputs, ...)."""
    drawn = torch.empty(len(outputs), len(inputs)).exponential_()
    totals = torch.zeros(len(outputs), weight.shape[1]).index_add_(1, inputs, drawn)
    shares = drawn / totals[:, inputs]  # uniform among all that sum to 1
    return weight[outputs][:, inputs] * shares.reshape(*shares.shape, *[1] * (weight.ndim - 2))


def _grow_norm(old: nn.BatchNorm2d, new: nn.BatchNorm2d, channels: Tensor) -> None:
    """Copy a BatchNorm."""
    for key, value in old.state_dict().items():
        new.state_dict()[key].copy_(value[channels] if value.ndim else value)


def _grow_front_end(old: FrontEnd, new: FrontEnd) -> Tensor:
    """Fill a front end; return m of its channels."""
    assert isinstance(old, GRCLFrontEnd) and isinstance(new, GRCLFrontEnd)
    channels = _copies(old.stem.out_channels, new.stem.out_channels)
    _grow_map(old.stem, new.stem, channels, torch.arange(1))
    for layer, larger in zip(_grcls(old), _grcls(new), strict=True):
        inputs, channels = channels, _copies(layer.feed_forward.out_channels, larger.feed_forward.out_channels)
        _grow_grcl(layer, larger, channels, inputs)
    inputs, channels = channels, _copies(old.out_channels, new.out_channels)
    _grow_map(old.last, new.last, channels, inputs)
    _grow_norm(old.last_norm, new.last_norm, channels)
    return channels


def _grow_grcl(old: GRCL, new: GRCL, outputs: Tensor, inputs: Tensor) -> None:
    """Fill a GRCL; its new iterations have no effect."""
    for name in ("feed_forward", "gate_feed_forward"):
        _grow_map(getattr(old, name), getattr(new, name), outputs, inputs)
        _grow_norm(getattr(old, f"{name}_norm"), getattr(new, f"{name}_norm"), outputs)
    added = new.iterations - old.iterations
    for norm in new.product_norm[:added]:
        assert isinstance(norm, nn.BatchNorm2d)
        nn.init.zeros_(norm.weight)
        nn.init.zeros_(norm.bias)
    for t in range(old.iterations):
        for name in ("recurrent", "gate_recurrent"):
            convs, larger = getattr(old, name), getattr(new, name)
            _grow_map(convs[t % len(convs)], larger[(added + t) % len(larger)], outputs, outputs)
        for name in ("recurrent_norm", "gate_recurrent_norm", "product_norm"):
            _grow_norm(getattr(old, name)[t], getattr(new, name)[added + t], outputs)


def _grow_bilstm(old: BiLSTM, new: BiLSTM, outputs: Tensor, inputs: Tensor) -> None:
    """Fill a bidirectional LSTM and its join."""
    units = _copies(old.lstm.hidden_size, new.lstm.hidden_size)
    rows = (torch.arange(4)[:, None] * old.lstm.hidden_size + units).flatten()  # of the four gates
    for key, value in old.lstm.named_parameters():
        if key.startswith("bias"):
            grown = value[rows]
        else:
            grown = _shared_out(value, rows, inputs if key.startswith("weight_ih") else units)
        new.lstm.get_parameter(key).copy_(grown)
    _grow_map(old.join_forward, new.join_forward, outputs, units)
    _grow_map(old.join_backward, new.join_backward, outputs, units)
