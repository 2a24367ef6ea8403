"""A DenseNet front end.

Huang, Liu, van der Maaten & Weinberger, "Densely Connected Convolutional Networks", CVPR 2017, in the form that the
paper calls DenseNet-BC, with the strides of the GRCL front end in place of its own; for H = 32:

    conv 3x3, BN, relu             C  x 32 x W
    maxpool 2x2                    C  x 16 x W/2
    dense block                    D1 x 16 x W/2
    transition, 2x2             R D1 x  8 x W/4
    dense block                    D2 x  8 x W/4
    transition, 2x2, 2x1        R D2 x  4 x W/4 + 1     stride 1 and padding 1 along the width
    dense block                    D3 x  4 x W/4 + 1
    transition, 2x2, 2x1        R D3 x  2 x W/4 + 2
    conv 2x2, BN, relu            out x  1 x W/4 + 1
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from grcnn_ocr.models.front_ends.base import FRONT_ENDS, FrontEnd

Blocks = tuple[PositiveInt, PositiveInt, PositiveInt]
Compression = Annotated[float, Field(gt=0, le=1)]

BOTTLENECK = 4
"""Channels of the 1x1 convolution of a dense layer, in growth rates, as in the paper."""


class DenseLayer(nn.Module):
    """One layer of a dense block: its output is concatenated to its input.

        y = [x, W * relu(BN(W_b * relu(BN(x))))]

    W_b is 1x1, to 4 k channels; W is 3x3, to k.

    Args:
        in_channels: channels of x.
        growth: k.
    """

    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        self.bottleneck_norm = nn.BatchNorm2d(in_channels)
        self.bottleneck = nn.Conv2d(in_channels, BOTTLENECK * growth, 1, bias=False)  # W_b
        self.norm = nn.BatchNorm2d(BOTTLENECK * growth)
        self.conv = nn.Conv2d(BOTTLENECK * growth, growth, 3, padding=1, bias=False)  # W

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, in_channels + k, H, W)."""
        b = self.bottleneck(torch.relu(self.bottleneck_norm(x)))
        return torch.cat([x, self.conv(torch.relu(self.norm(b)))], dim=1)


class DenseNetFrontEnd(FrontEnd):
    """The stack above, for images 32 pixels high.

    Args:
        stem_channels: C.
        blocks: layers of each dense block.
        growth: k, channels that a layer adds.
        compression: R, the share of its channels that a transition keeps, rounded down.
        out_channels: features of a frame.
    """

    def __init__(
        self, stem_channels: int, blocks: tuple[int, int, int], growth: int, compression: float, out_channels: int
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.stem = nn.Sequential(
            nn.Conv2d(1, stem_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(stem_channels),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        pool_height = nn.AvgPool2d(2, stride=(2, 1), padding=(0, 1), count_include_pad=False)
        pools = (nn.AvgPool2d(2), pool_height, pool_height)
        channels = stem_channels
        stages: list[nn.Module] = []
        for num_layers, pool in zip(blocks, pools, strict=True):
            stages += [DenseLayer(channels + growth * number, growth) for number in range(num_layers)]
            channels += growth * num_layers
            kept = max(int(compression * channels), 1)
            stages += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True), nn.Conv2d(channels, kept, 1, bias=False), pool]
            channels = kept
        self.stages = nn.Sequential(*stages)
        self.last = nn.Conv2d(channels, out_channels, 2, bias=False)
        self.last_norm = nn.BatchNorm2d(out_channels)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 1, 32, W) to (B, out_channels, 1, W // 4 + 1)."""
        return torch.relu(self.last_norm(self.last(self.stages(self.stem(images)))))

    def num_frames(self, widths: Tensor) -> Tensor:
        """Return T = W // 4 + 1."""
        return widths // 4 + 1


@FRONT_ENDS.register("densenet")
def densenet(
    stem_channels: PositiveInt = 64,
    blocks: Blocks = (6, 12, 22),
    growth: PositiveInt = 32,
    compression: Compression = 0.5,
    out_channels: PositiveInt = 512,
) -> FrontEnd:
    """Build the front end; the options are those of `DenseNetFrontEnd`."""
    return DenseNetFrontEnd(stem_channels, blocks, growth, compression, out_channels)
