"""ResNets of 20, 32 and 56 layers for CIFAR and of 50 for ImageNet, plain or with squeeze-and-excitation.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; Hu et al., "Squeeze-and-Excitation Networks",
CVPR 2018. They are RegNet's baselines (arXiv 2101.00590). Shortcuts that change the shape are 1x1 convolutions with
BatchNorm, on CIFAR with a bias besides: the simplest reading that gives that paper's 0.273 M parameters for 20 layers
(272,570; 272,474 without the bias, 269,722 with shortcuts that pad with zeros). The stride is in a block's first
convolution, also where that is 1x1 (torchvision has it in the 3x3): a regulator needs one resolution in a stage.

    CIFAR, 6n + 2 layers                        ImageNet, 50 layers
    conv 3x3, BN, relu    16 x 32 x 32          conv 7x7/2, BN, relu, maxpool 3/2      64 x 56 x 56
    n basic blocks        16 x 32 x 32          3 bottlenecks (64)                    256 x 56 x 56
    n basic blocks        32 x 16 x 16          4 bottlenecks (128)                   512 x 28 x 28
    n basic blocks        64 x  8 x  8          6 bottlenecks (256)                  1024 x 14 x 14
                                                3 bottlenecks (512)                  2048 x  7 x  7
    mean, linear                                mean, linear
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from grcnn_ocr.models.classifiers.classifier import Classifier
from grcnn_ocr.models.classifiers.registry import CLASSIFIERS

CIFAR_BLOCKS = {20: 3, 32: 5, 56: 9}
"""Blocks of a stage, by the number of layers."""

CIFAR_WIDTHS = (16, 32, 64)
IMAGENET_BLOCKS = (3, 4, 6, 3)
IMAGENET_WIDTHS = (64, 128, 256, 512)
EXPANSION = 4
"""Channels of a bottleneck's output over its width."""


class SqueezeExcitation(nn.Module):
    """x . sigmoid(W_2 relu(W_1 mean(x))): weighs the channels by the content of the whole map.

    Args:
        channels: of x.
        reduction: channels over the features between W_1 and W_2.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // reduction, bias=False)
        self.excite = nn.Linear(channels // reduction, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        weights = torch.sigmoid(self.excite(torch.relu(self.squeeze(x.mean(dim=(2, 3))))))
        return x * weights[:, :, None, None]


class ResidualBlock(nn.Module):
    """relu(shortcut(x) + last(middle(first(x)))), in parts so that a regulator finds its place.

    Attributes:
        width: N, channels of what `first` and `middle` return.
    """

    def __init__(self, width: int, first: nn.Module, middle: nn.Module, last: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.width = width
        self.first = first
        self.middle = middle
        self.last = last
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', H / stride, W / stride)."""
        return torch.relu(self.shortcut(x) + self.last(self.middle(self.first(x))))


def conv_norm(in_channels: int, out_channels: int, kernel: int, stride: int = 1, bias: bool = False) -> nn.Sequential:
    """Build a padded convolution with He's initialisation, and its BatchNorm."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=bias)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


def basic_block(in_channels: int, width: int, stride: int, se: bool) -> ResidualBlock:
    """Build two 3x3 convolutions and their shortcut; squeeze-and-excitation reduces by 8 (RegNet, section IV-A)."""
    changes = stride > 1 or in_channels != width
    last = conv_norm(width, width, 3)
    return ResidualBlock(
        width,
        first=conv_norm(in_channels, width, 3, stride).append(nn.ReLU(inplace=True)),
        middle=nn.Identity(),
        last=last.append(SqueezeExcitation(width, 8)) if se else last,
        shortcut=conv_norm(in_channels, width, 1, stride, bias=True) if changes else nn.Identity(),
    )


def bottleneck(in_channels: int, width: int, stride: int, se: bool) -> ResidualBlock:
    """Build 1x1, 3x3 and 1x1 convolutions and their shortcut; squeeze-and-excitation reduces by 16 (Hu et al.)."""
    channels = EXPANSION * width
    last = conv_norm(width, channels, 1)
    return ResidualBlock(
        width,
        first=conv_norm(in_channels, width, 1, stride).append(nn.ReLU(inplace=True)),
        middle=conv_norm(width, width, 3).append(nn.ReLU(inplace=True)),
        last=last.append(SqueezeExcitation(channels, 16)) if se else last,
        shortcut=conv_norm(in_channels, channels, 1, stride) if in_channels != channels else nn.Identity(),
    )


MakeStage = Callable[[int, Sequence[ResidualBlock]], nn.Module]
"""Builds stage i, from 0, of its blocks."""


class ResNet(Classifier):
    """A stem, stages of residual blocks, and a linear layer on the mean.

    Args:
        stem: from images to the input of the first stage.
        blocks: the residual blocks of each stage.
        channels: of each stage's map.
        strides: of each stage's map.
        num_classes: number of classes.
        make_stage: builds a stage of its blocks; None: they follow each other.
    """

    def __init__(
        self,
        stem: nn.Module,
        blocks: Sequence[Sequence[ResidualBlock]],
        channels: tuple[int, ...],
        strides: tuple[int, ...],
        num_classes: int,
        make_stage: MakeStage | None,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.strides = strides
        self.stem = stem
        self.layers = nn.ModuleList(
            make_stage(index, stage) if make_stage else nn.Sequential(*stage) for index, stage in enumerate(blocks)
        )
        self.classifier = nn.Linear(channels[-1], num_classes)

    def stages(self, images: Tensor) -> list[Tensor]:
        """Return the map (B, C, H, W) of every stage, the finest first."""
        maps = []
        x = self.stem(images)
        for layer in self.layers:
            x = layer(x)
            maps.append(x)
        return maps

    def forward_features(self, images: Tensor) -> Tensor:
        """Return the last map (B, C, H, W)."""
        return self.stages(images)[-1]


def cifar_resnet(
    num_layers: int, in_channels: int, num_classes: int, se: bool, make_stage: MakeStage | None = None
) -> ResNet:
    """Build the network of 20, 32 or 56 layers for CIFAR."""
    stem = conv_norm(in_channels, CIFAR_WIDTHS[0], 3).append(nn.ReLU(inplace=True))
    num_blocks = (CIFAR_BLOCKS[num_layers],) * len(CIFAR_WIDTHS)
    blocks = _blocks(basic_block, CIFAR_WIDTHS[0], CIFAR_WIDTHS, 1, num_blocks, se)
    return ResNet(stem, blocks, CIFAR_WIDTHS, (1, 2, 4), num_classes, make_stage)


def imagenet_resnet(in_channels: int, num_classes: int, se: bool, make_stage: MakeStage | None = None) -> ResNet:
    """Build the network of 50 layers for ImageNet."""
    stem = conv_norm(in_channels, IMAGENET_WIDTHS[0], 7, 2)
    stem.extend([nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2, padding=1)])
    channels = tuple(EXPANSION * width for width in IMAGENET_WIDTHS)
    blocks = _blocks(bottleneck, IMAGENET_WIDTHS[0], IMAGENET_WIDTHS, EXPANSION, IMAGENET_BLOCKS, se)
    return ResNet(stem, blocks, channels, (4, 8, 16, 32), num_classes, make_stage)


def _blocks(
    make_block: Callable[[int, int, int, bool], ResidualBlock],
    channels: int,
    widths: Sequence[int],
    expansion: int,
    num_blocks: Sequence[int],
    se: bool,
) -> list[list[ResidualBlock]]:
    """Build the blocks of all stages; every stage but the first halves the map in its first block."""
    stages = []
    for index, (width, number) in enumerate(zip(widths, num_blocks, strict=True)):
        stage = [make_block(channels, width, 1 if index == 0 else 2, se)]
        channels = expansion * width
        stage += [make_block(channels, width, 1, se) for _ in range(number - 1)]
        stages.append(stage)
    return stages


def _register(num_layers: int) -> None:
    @CLASSIFIERS.register(f"resnet{num_layers}")
    def resnet(in_channels: PositiveInt = 3, num_classes: PositiveInt = 10, se: bool = False) -> Classifier:
        return cifar_resnet(num_layers, in_channels, num_classes, se)


for _num_layers in CIFAR_BLOCKS:
    _register(_num_layers)


@CLASSIFIERS.register("resnet50")
def resnet50(in_channels: PositiveInt = 3, num_classes: PositiveInt = 1000, se: bool = False) -> Classifier:
    """Build the ResNet of 50 layers."""
    return imagenet_resnet(in_channels, num_classes, se)
