"""RCL: the recurrent convolution layer.

Liang & Hu, "Recurrent Convolutional Neural Network for Object Recognition", CVPR 2015, section 3.1.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

RCLNorm = Literal["lrn", "batch_norm"]


class LocalResponseNorm(nn.Module):
    """Divides each value by the energy of neighbouring maps at the same place.

        y_c = x_c / (1 + alpha / N * sum of x_d^2 over the N maps d nearest to c) ^ beta

    The sum is a banded 1x1 convolution, which costs a fraction of `nn.LocalResponseNorm`'s pooling. It is
    taken in float32 at least, whatever autocast says, as squares leave the range of float16.

    Args:
        channels: maps of x.
        size: N, odd.
        alpha: strength.
        beta: exponent.

    Raises:
        ValueError: if N is even.
    """

    band: Tensor

    def __init__(self, channels: int, size: int, alpha: float = 0.001, beta: float = 0.75) -> None:
        super().__init__()
        if size % 2 == 0:
            raise ValueError(f"local response normalisation takes an odd number of maps, found {size}")
        self.scale = alpha / size
        self.beta = beta
        index = torch.arange(channels)
        band = (index[:, None] - index).abs() <= size // 2
        self.register_buffer("band", band.float()[:, :, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape and type."""
        device = "cpu" if x.is_meta else x.device.type  # autocast knows no meta device
        with torch.autocast(device, enabled=False):
            wide = x.to(torch.promote_types(x.dtype, torch.float32))
            total = torch.conv2d(wide.square(), self.band.to(wide.dtype))
            return (wide * (1 + self.scale * total).pow(-self.beta)).to(x.dtype)


class RCL(nn.Module):
    """A convolution unrolled over T iterations, with its input added again at each.

    With u the layer's input and x(t) its state:

        z(0) = W_f * u + b
        z(t) = W_f * u + W_r * x(t-1) + b
        x(t) = LRN(relu(z(t)))

    Both convolutions are 3x3, and the same at every iteration. LRN sums over N maps: C / 8 + 1,
    or C / 8 where that is odd.

    Args:
        in_channels: channels of u.
        channels: C, channels of the state and of the output.
        iterations: T, at least 1.
        norm: "lrn": as in the paper. "batch_norm": a BatchNorm in its place, one for each t from 0 to T.

    Raises:
        ValueError: without an iteration.
    """

    def __init__(self, in_channels: int, channels: int, iterations: int = 3, norm: RCLNorm = "lrn") -> None:
        super().__init__()
        if iterations < 1:
            raise ValueError(f"an RCL needs at least 1 iteration, found {iterations}")
        self.feed_forward = nn.Conv2d(in_channels, channels, 3, padding=1)  # W_f, b
        self.recurrent = nn.Conv2d(channels, channels, 3, padding=1, bias=False)  # W_r
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(channels) if norm == "batch_norm" else LocalResponseNorm(channels, channels // 8 | 1)
            for _ in range(iterations + 1)
        )
        # He's, for the inputs of both: the power of x(t) tends to that of u.
        for conv in (self.feed_forward, self.recurrent):
            nn.init.normal_(conv.weight, std=(2 / (9 * (in_channels + channels))) ** 0.5)

    def forward(self, u: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, C, H, W)."""
        f = self.feed_forward(u)
        x = self.norms[0](torch.relu(f))
        for t in range(1, len(self.norms)):
            x = self.norms[t](torch.relu(f + self.recurrent(x)))
        return x
