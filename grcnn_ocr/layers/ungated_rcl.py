"""The recurrent convolution layer that the GRCL is compared with: the same without gates.

Wang & Hu, "Gated Recurrent Convolution Neural Network for OCR", NeurIPS 2017, section 4.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class UngatedRCL(nn.Module):
    """A GRCL whose gate is 1 everywhere.

    With u the layer's input and x(t) its state:

        F    = BN(W_f * u)
        x(0) = relu(F)
        x(t) = relu(F + BN(W_r * x(t-1)))

    Both are 3x3 and have a bias. The BatchNorm of an iteration belongs to that iteration, even when W_r is shared.

    `layers.rcl.RCL` is another layer: it normalises the state after the relu, adds W_f * u as it is, and always shares
    W_r. Compared with that one, a GRCL would differ in more than its gates.

    Args:
        in_channels: channels of u.
        channels: channels of the state and of the output.
        iterations: T, at least 1.
        weight_sharing: whether all iterations use one W_r.

    Raises:
        ValueError: without an iteration.
    """

    def __init__(self, in_channels: int, channels: int, iterations: int, weight_sharing: bool = False) -> None:
        super().__init__()
        if iterations < 1:
            raise ValueError(f"an RCL needs at least 1 iteration, found {iterations}")
        self.iterations = iterations
        num_convs = 1 if weight_sharing else iterations
        self.feed_forward = nn.Conv2d(in_channels, channels, 3, padding=1)  # W_f
        self.feed_forward_norm = nn.BatchNorm2d(channels)
        self.recurrent = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(num_convs))  # W_r
        self.recurrent_norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(iterations))

    def forward(self, u: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, channels, H, W)."""
        f = self.feed_forward_norm(self.feed_forward(u))
        x = torch.relu(f)
        for t in range(self.iterations):
            x = torch.relu(f + self.recurrent_norm[t](self.recurrent[t % len(self.recurrent)](x)))
        return x
