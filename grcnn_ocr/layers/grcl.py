"""GRCL: the gated recurrent convolution layer.

Wang & Hu, "Gated Recurrent Convolution Neural Network for OCR", NeurIPS 2017, section 3.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Skip = Literal["paper", "released"]


class GRCL(nn.Module):
    """A convolution unrolled over T iterations, its recurrent input gated by its own state.

    With u the layer's input and x(t) its state:

        F    = BN(W_f * u)                      3x3, once
        G    = BN(W_gf * u)                     1x1, once
        x(0) = relu(F)
        x(t) = relu(F~ + BN(BN(W_r * x(t-1)) . sigmoid(G + BN(W_gr * x(t-1)))))

    W_r is 3x3, W_gr is 1x1. All convolutions have a bias. The three BatchNorms of an iteration belong to
    that iteration, even when the convolutions are shared.

    Args:
        in_channels: channels of u.
        channels: channels of the state and of the output.
        iterations: T, at least 1.
        weight_sharing: whether all iterations use one W_r and one W_gr.
        skip: what the skip term F~ is. "paper": F, as the equation has it. "released": relu(F), which is what
            the authors' Lua code computes, since its in-place ReLU of x(0) overwrites F. Weights trained with
            one give other outputs with the other.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        iterations: int,
        weight_sharing: bool = False,
        skip: Skip = "paper",
    ) -> None:
        super().__init__()
        if iterations < 1:
            raise ValueError(f"a GRCL needs at least 1 iteration, found {iterations}")
        self.iterations = iterations
        self.skip = skip
        num_convs = 1 if weight_sharing else iterations
        self.feed_forward = nn.Conv2d(in_channels, channels, 3, padding=1)  # W_f
        self.feed_forward_norm = nn.BatchNorm2d(channels)
        self.gate_feed_forward = nn.Conv2d(in_channels, channels, 1)  # W_gf
        self.gate_feed_forward_norm = nn.BatchNorm2d(channels)
        self.recurrent = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(num_convs))  # W_r
        self.gate_recurrent = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(num_convs))  # W_gr
        self.recurrent_norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(iterations))
        self.gate_recurrent_norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(iterations))
        self.product_norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(iterations))

    def forward(self, u: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, channels, H, W)."""
        f = self.feed_forward_norm(self.feed_forward(u))
        g = self.gate_feed_forward_norm(self.gate_feed_forward(u))
        x = torch.relu(f)
        if self.skip == "released":
            f = x
        for t in range(self.iterations):
            conv = t % len(self.recurrent)
            recurrent = self.recurrent_norm[t](self.recurrent[conv](x))
            gate = torch.sigmoid(g + self.gate_recurrent_norm[t](self.gate_recurrent[conv](x)))
            x = torch.relu(f + self.product_norm[t](recurrent * gate))
        return x
