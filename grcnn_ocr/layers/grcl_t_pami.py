"""The GRCL of the journal paper: a residual bottleneck, unrolled over T iterations and gated by its own state.

Wang & Hu, "Convolutional Neural Networks with Gated Recurrent Connections", T-PAMI 2021, as in the authors' code,
and the downsampling that its networks have between two of them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Stride = tuple[int, int]
"""Along the height and the width."""

MakeSelective = Callable[[int, Stride], nn.Module]
"""Builds an `SKConv`, which replaces a 3x3 convolution and the BatchNorm and relu after it."""


class GRCLTPAMI(nn.Module):
    """A grouped convolution, then T gated residual steps.

    With x the layer's input and s(t) its state, of C channels:

        s(0) = W_f * relu(BN(x))                              3x3, grouped
        G    = W_gf * relu(BN(x))                             1x1, grouped; with a bias, and a BatchNorm of its own
        s(t) = B_t(s(t-1)) . sigmoid(W_gr * relu(BN_t(s(t-1))) + G) + s(t-1)
        B_t(s) = W_e * relu(BN_t(W_s * relu(BN_t(W_r * relu(BN_t(s))))))

    In B_t, W_r reduces C to P channels by 1x1, W_s is 3x3 and not grouped, W_e expands P to C by 1x1. W_gr is 1x1,
    grouped, and one for all iterations. All BatchNorms belong to their iteration, also when the weights are shared.
    With a selective kernel, W_s and the BatchNorm and relu after it are one `SKConv`; if shared, whole.

    The initialisation is the authors': He's for the convolutions, a small one for the gate. W_s keeps PyTorch's
    unless it is shared.

    Args:
        in_channels: channels of x.
        width: P.
        channels: C.
        iterations: T, at least 1.
        groups: of W_f, W_gf and W_gr.
        weight_sharing: whether all iterations use one W_r, W_s and W_e.
        make_selective: builds the selective kernel, of P channels and a stride; None: there is none.

    Raises:
        ValueError: without an iteration, or if the groups do not divide the channels.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        channels: int,
        iterations: int,
        groups: int,
        weight_sharing: bool = False,
        make_selective: MakeSelective | None = None,
    ) -> None:
        super().__init__()
        if iterations < 1:
            raise ValueError(f"a GRCL needs at least 1 iteration, found {iterations}")
        if in_channels % groups or channels % groups:
            raise ValueError(
                f"{in_channels} channels in and {channels} out do not divide into {groups} groups: choose other "
                "widths or fewer groups"
            )
        self.iterations = iterations
        num_convs = 1 if weight_sharing else iterations
        self.feed_forward_norm = nn.BatchNorm2d(in_channels)
        self.feed_forward = nn.Conv2d(in_channels, channels, 3, padding=1, groups=groups, bias=False)  # W_f
        self.gate_feed_forward_norm = nn.BatchNorm2d(in_channels)
        self.gate_feed_forward = nn.Conv2d(in_channels, channels, 1, groups=groups)  # W_gf
        self.gate_recurrent_norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(iterations))
        self.gate_recurrent = nn.Conv2d(channels, channels, 1, groups=groups, bias=False)  # W_gr
        self.reduce_norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(iterations))
        self.reduce = nn.ModuleList(_conv1x1(channels, width) for _ in range(num_convs))  # W_r
        self.spatial_norm = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(iterations))
        self.spatial = nn.ModuleList(  # W_s
            make_selective(width, (1, 1)) if make_selective else nn.Conv2d(width, width, 3, padding=1, bias=False)
            for _ in range(num_convs)
        )
        self.expand_norm = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(iterations) if make_selective is None)
        self.expand = nn.ModuleList(_conv1x1(width, channels) for _ in range(num_convs))  # W_e

        nn.init.kaiming_normal_(self.feed_forward.weight)
        nn.init.normal_(self.gate_feed_forward.weight, std=0.01)
        assert self.gate_feed_forward.bias is not None
        nn.init.zeros_(self.gate_feed_forward.bias)
        nn.init.normal_(self.gate_recurrent.weight, std=0.01)
        if weight_sharing and isinstance(self.spatial[0], nn.Conv2d):
            nn.init.kaiming_normal_(self.spatial[0].weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, C, H, W)."""
        s = self.feed_forward(torch.relu(self.feed_forward_norm(x)))
        g = self.gate_feed_forward(torch.relu(self.gate_feed_forward_norm(x)))
        for t in range(self.iterations):
            gate = torch.sigmoid(self.gate_recurrent(torch.relu(self.gate_recurrent_norm[t](s))) + g)
            s = self._branch(s, t) * gate + s
        return s

    def _branch(self, s: Tensor, t: int) -> Tensor:
        """Return B_t(s)."""
        conv = t % len(self.reduce)
        b = self.reduce[conv](torch.relu(self.reduce_norm[t](s)))
        b = self.spatial[conv](torch.relu(self.spatial_norm[t](b)))
        if self.expand_norm:
            b = torch.relu(self.expand_norm[t](b))
        return self.expand[conv](b)


class Downsampling(nn.Module):
    """A pooled shortcut and a bottleneck, which both divide the size, summed.

        y = W * mean_pool(relu(BN(s))) + W_e * W_s * relu(BN(W_r * relu(BN(s))))

    W, W_r and W_e are 1x1, W_s is 3x3 and has the stride; between W_s and W_e there is nothing. With a selective
    kernel W_s is an `SKConv`. A size that the stride does not divide is rounded up.

    Args:
        channels: C, of s and of y.
        width: P, channels inside the bottleneck.
        stride: of both paths.
        make_selective: builds the selective kernel; None: there is none.
        unused_norm: registers a BatchNorm of P channels that is never applied nor trained. The authors' CIFAR
            networks without selective kernels have it, so their parameter counts and checkpoints do.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        stride: Stride = (2, 2),
        make_selective: MakeSelective | None = None,
        unused_norm: bool = False,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.shortcut_norm = nn.BatchNorm2d(channels)
        self.shortcut = _conv1x1(channels, channels)  # W
        self.reduce_norm = nn.BatchNorm2d(channels)
        self.reduce = _conv1x1(channels, width)  # W_r
        self.spatial_norm = nn.BatchNorm2d(width)
        self.spatial = make_selective(width, stride) if make_selective else _conv3x3(width, stride)  # W_s
        self.expand = _conv1x1(width, channels)  # W_e
        if unused_norm:
            self.unused_norm = nn.BatchNorm2d(width).requires_grad_(False)

    def forward(self, s: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H / stride, W / stride)."""
        pooled = F.avg_pool2d(torch.relu(self.shortcut_norm(s)), self.stride, ceil_mode=True)
        b = self.reduce(torch.relu(self.reduce_norm(s)))
        b = self.expand(self.spatial(torch.relu(self.spatial_norm(b))))
        return self.shortcut(pooled) + b


def _conv1x1(in_channels: int, out_channels: int) -> nn.Conv2d:
    """Build a 1x1 convolution without bias, with He's initialisation."""
    conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
    nn.init.kaiming_normal_(conv.weight)
    return conv


def _conv3x3(channels: int, stride: Stride) -> nn.Conv2d:
    """Build a 3x3 convolution without bias, with He's initialisation."""
    conv = nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False)
    nn.init.kaiming_normal_(conv.weight)
    return conv
