"""SKConv: a convolution that weighs kernels of several sizes by the content of the whole map.

Li, Wang, Hu & Yang, "Selective Kernel Networks", CVPR 2019, section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Kernel = tuple[int, int]
"""A branch's kernel size, odd, and its dilation."""

MIN_FEATURES = 32
"""L, the least number of features from which the weights are computed."""


class SelectiveBranch(nn.Module):
    """relu(BN(W * x)), W a grouped convolution without bias, padded to keep the size at stride 1."""

    def __init__(self, channels: int, stride: tuple[int, int], kernel: Kernel, groups: int) -> None:
        super().__init__()
        size, dilation = kernel
        padding = dilation * (size // 2)
        self.conv = nn.Conv2d(channels, channels, size, stride, padding, dilation, groups, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.kaiming_normal_(self.conv.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H / stride, W / stride)."""
        return torch.relu(self.norm(self.conv(x)))


class SKConv(nn.Module):
    """Branches b of different kernels, summed with weights of each image and channel.

        U_b = relu(BN(W_b * x))
        z   = relu(BN(W_z mean(sum of U_b)))      d features
        a   = softmax over b of A_b z             a weight of each branch for each channel
        y   = sum of a_b . U_b

    No map has a bias; d = max(C // r, 32). The BatchNorm of z normalises over the batch alone, so training takes
    two images or more.

    Args:
        channels: C, of x and of y.
        stride: of each W_b, along the height and the width.
        kernels: size and dilation of each W_b.
        groups: of each W_b.
        reduction: r.
    """

    def __init__(
        self, channels: int, stride: tuple[int, int], kernels: Sequence[Kernel], groups: int, reduction: int
    ) -> None:
        super().__init__()
        features = max(channels // reduction, MIN_FEATURES)
        self.branches = nn.ModuleList(SelectiveBranch(channels, stride, kernel, groups) for kernel in kernels)
        self.squeeze = nn.Conv2d(channels, features, 1, bias=False)  # W_z
        self.squeeze_norm = nn.BatchNorm2d(features)
        self.select = nn.Conv2d(features, len(kernels) * channels, 1, bias=False)  # A, branch by branch
        for conv in (self.squeeze, self.select):
            nn.init.normal_(conv.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H / stride, W / stride)."""
        maps = [branch(x) for branch in self.branches]
        mean = sum(maps[1:], start=maps[0]).mean(dim=(2, 3), keepdim=True)
        z = torch.relu(self.squeeze_norm(self.squeeze(mean)))
        weights = self.select(z).unflatten(1, (len(maps), -1)).softmax(dim=1)  # (B, b, C, 1, 1)
        weighted = [weight * u for weight, u in zip(weights.unbind(1), maps, strict=True)]
        return sum(weighted[1:], start=weighted[0])
