"""The GRCL of the deep-text-recognition-benchmark: in every iteration, each term has a BatchNorm of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GRCLDTRB(nn.Module):
    """A GRCL with five BatchNorms per step and shared, bias-free convolutions.

        x(0) = relu(BN(W_f * u))
        x(t) = relu(BN_t(W_f * u) + BN_t(BN_t(W_r * x(t-1)) . sigmoid(BN_t(W_gf * u) + BN_t(W_gr * x(t-1)))))

    Where `grcl.GRCL` normalises the two input terms once, here each step has a BatchNorm of its own for them.

    Args:
        in_channels: channels of the input u.
        channels: channels of the state and of the output.
        iterations: number of steps.
    """

    def __init__(self, in_channels: int, channels: int, iterations: int) -> None:
        super().__init__()
        self.iterations = iterations
        self.feed_forward = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)  # W_f
        self.gate_feed_forward = nn.Conv2d(in_channels, channels, 1, bias=False)  # W_gf
        self.recurrent = nn.Conv2d(channels, channels, 3, padding=1, bias=False)  # W_r
        self.gate_recurrent = nn.Conv2d(channels, channels, 1, bias=False)  # W_gr
        self.initial_norm = nn.BatchNorm2d(channels)
        self.feed_forward_norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(iterations))
        self.gate_feed_forward_norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(iterations))
        self.recurrent_norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(iterations))
        self.gate_recurrent_norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(iterations))
        self.product_norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(iterations))

    def forward(self, u: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, channels, H, W)."""
        f = self.feed_forward(u)
        g = self.gate_feed_forward(u)
        x = torch.relu(self.initial_norm(f))
        for t in range(self.iterations):
            recurrent = self.recurrent_norm[t](self.recurrent(x))
            gate = torch.sigmoid(
                self.gate_feed_forward_norm[t](g) + self.gate_recurrent_norm[t](self.gate_recurrent(x))
            )
            x = torch.relu(self.feed_forward_norm[t](f) + self.product_norm[t](recurrent * gate))
        return x
