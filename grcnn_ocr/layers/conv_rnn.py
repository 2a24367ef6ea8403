"""Convolutional RNNs, in the lightweight form of RegNet's regulators.

Xu et al., "RegNet: Self-Regulated Network for Image Classification", arXiv 2101.00590, section III-B. The paper
prints the equation of the plain one; the others are the usual GRU and LSTM (Shi et al., NeurIPS 2015, without
peepholes) with its convolution. X is the input, H the hidden state, both of N maps; `.` is elementwise.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]
"""What a step passes to the next: the hidden state first, then whatever else the cell keeps."""

GateKernel = Literal["light", "dense"]


class GateConv(nn.Module):
    """W * [X, H] + b for some gates at once.

    "light" (12 N values a gate): a grouped 1x1 convolution mixes map c of X with map c of H, then a depthwise 3x3
    convolution mixes neighbouring pixels. The paper forms the N groups of [X, H]; taken literally, on the plain
    concatenation, these would pair neighbouring maps of the same tensor and no gate would see both.
    "dense" (18 N^2 + N values a gate): a 3x3 convolution, the paper's comparison (table I).

    Args:
        channels: N.
        num_gates: gates G.
        kernel: "light" or "dense".
    """

    def __init__(self, channels: int, num_gates: int, kernel: GateKernel = "light") -> None:
        super().__init__()
        self.num_gates = num_gates
        out_channels = num_gates * channels
        if kernel == "dense":
            self.convs = nn.Sequential(nn.Conv2d(2 * channels, out_channels, 3, padding=1))
        else:
            self.convs = nn.Sequential(
                nn.Conv2d(2 * channels, out_channels, 1, groups=channels, bias=False),
                nn.Conv2d(out_channels, out_channels, 3, padding=1, groups=out_channels),
            )

    def forward(self, x: Tensor, h: Tensor) -> State:
        """Map X and H (B, N, H, W) to the net input of each gate, G times (B, N, H, W)."""
        pairs = torch.stack([x, h], dim=2).flatten(1, 2)  # (B, 2 N, H, W): x_0, h_0, x_1, h_1, ...
        return self.convs(pairs).unflatten(1, (-1, self.num_gates)).unbind(2)  # channel c G + g is map c of gate g


class ConvRNN(nn.Module):
    """H(t) = tanh(W_h * [X(t), H(t-1)] + b_h).

    Args:
        channels: N.
        kernel: form of the convolutions, see `GateConv`.
    """

    def __init__(self, channels: int, kernel: GateKernel = "light") -> None:
        super().__init__()
        self.gates = GateConv(channels, 1, kernel)

    def forward(self, x: Tensor, state: State | None = None) -> State:
        """Map X (B, N, H, W) and the previous state, zero if None, to the state (H,)."""
        (h,) = state or (torch.zeros_like(x),)
        return (torch.tanh(*self.gates(x, h)),)


class ConvGRU(nn.Module):
    """A gated recurrent unit of convolutions.

        Z = sigmoid(W_z * [X(t), H(t-1)] + b_z)
        R = sigmoid(W_r * [X(t), H(t-1)] + b_r)
        H~ = tanh(W_h * [X(t), R . H(t-1)] + b_h)
        H(t) = (1 - Z) . H(t-1) + Z . H~

    Args:
        channels: N.
        kernel: form of the convolutions, see `GateConv`.
    """

    def __init__(self, channels: int, kernel: GateKernel = "light") -> None:
        super().__init__()
        self.gates = GateConv(channels, 2, kernel)  # Z, R
        self.candidate = GateConv(channels, 1, kernel)  # H~

    def forward(self, x: Tensor, state: State | None = None) -> State:
        """Map X (B, N, H, W) and the previous state, zero if None, to the state (H,)."""
        (h,) = state or (torch.zeros_like(x),)
        z, r = map(torch.sigmoid, self.gates(x, h))
        candidate = torch.tanh(*self.candidate(x, r * h))
        return ((1 - z) * h + z * candidate,)


class ConvLSTM(nn.Module):
    """A long short-term memory of convolutions, with a cell C beside the hidden state.

        I = sigmoid(W_i * [X(t), H(t-1)] + b_i)
        F = sigmoid(W_f * [X(t), H(t-1)] + b_f)
        O = sigmoid(W_o * [X(t), H(t-1)] + b_o)
        C(t) = F . C(t-1) + I . tanh(W_c * [X(t), H(t-1)] + b_c)
        H(t) = O . tanh(C(t))

    Args:
        channels: N.
        kernel: form of the convolutions, see `GateConv`.
    """

    def __init__(self, channels: int, kernel: GateKernel = "light") -> None:
        super().__init__()
        self.gates = GateConv(channels, 4, kernel)  # I, F, O, C

    def forward(self, x: Tensor, state: State | None = None) -> State:
        """Map X (B, N, H, W) and the previous state, zero if None, to the state (H, C)."""
        h, c = state or (torch.zeros_like(x), torch.zeros_like(x))
        i, f, o, g = self.gates(x, h)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


Regulator = Literal["rnn", "gru", "lstm"]

REGULATORS: dict[Regulator, type[ConvRNN] | type[ConvGRU] | type[ConvLSTM]] = {
    "rnn": ConvRNN,
    "gru": ConvGRU,
    "lstm": ConvLSTM,
}
