"""GRCNNs: of 56 and 110 layers for CIFAR, of 55 and 109 for ImageNet, plain or with selective kernels (SK).

Wang & Hu, "Convolutional Neural Networks with Gated Recurrent Connections", T-PAMI 2021. Names count the layers of
the longest path. With T iterations, P channels inside a stage's bottleneck and E P outside; / is a downsampling:

    CIFAR                                                 ImageNet
    conv 3x3                     64 x 32 x 32             conv 7x7/2, BN, relu, maxpool 3/2, conv 3x3   64 x 56 x 56
    GRCL                        E P x 32 x 32  /          GRCL      E P x 56 x 56  /
    GRCL                        E P x 16 x 16  /          GRCL      E P x 28 x 28  /
    GRCL                        E P x  8 x  8             GRCL      E P x 14 x 14  /
                                                          GRCL      E P x  7 x  7
    BN, relu, mean, linear                                BN, relu, mean, linear

    parameters            10 classes    shared            1000 classes    shared
    grcnn56               9,469,258     3,411,274         grcnn55         24,929,704     11,978,152
    grcnn110             19,001,930     3,473,994         grcnn109        45,075,880     12,070,312
    grcnn110_sk          25,215,370     3,678,218         skgrcnn55       27,438,568     12,902,184
                                                          skgrcnn109      49,982,056     12,994,344

All counts but the last two shared ones, whose sharing nobody has published, are those of the authors' networks.
The maps of the stages are those before the downsampling, as in the authors' detection backbone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from grcnn_ocr.layers.grcl_t_pami import GRCLTPAMI, Downsampling, MakeSelective
from grcnn_ocr.layers.selective_kernel import SKConv
from grcnn_ocr.models.classifiers.classifier import Classifier
from grcnn_ocr.models.classifiers.registry import CLASSIFIERS

STEM_CHANNELS = 64


@dataclass(frozen=True)
class Architecture:
    """The sizes that distinguish the networks.

    Attributes:
        iterations: T of each stage.
        widths: P of each stage.
        expansion: E.
        selective_kernel: whether 3x3 convolutions are selective kernels.
    """

    iterations: tuple[int, ...]
    widths: tuple[int, ...]
    expansion: int
    selective_kernel: bool = False


CIFAR = {
    "grcnn56": Architecture((3, 5, 7), (128, 160, 192), 4),
    "grcnn110": Architecture((6, 9, 18), (128, 160, 192), 4),
    "grcnn110_sk": Architecture((6, 9, 18), (192, 320, 448), 2, selective_kernel=True),
}
CIFAR_GROUPS = 16
CIFAR_MOMENTUM = 0.05
"""Of all BatchNorms."""

IMAGENET = {
    "grcnn55": Architecture((3, 3, 4, 3), (64, 128, 256, 512), 4),
    "grcnn109": Architecture((3, 3, 22, 3), (64, 128, 256, 512), 4),
    "skgrcnn55": Architecture((3, 3, 4, 3), (128, 256, 512, 1024), 2, selective_kernel=True),
    "skgrcnn109": Architecture((3, 3, 22, 3), (128, 256, 512, 1024), 2, selective_kernel=True),
}
IMAGENET_GROUPS = 32

CIFAR_SELECTIVE = partial(SKConv, kernels=((3, 1), (1, 1)), groups=CIFAR_GROUPS, reduction=32)
IMAGENET_SELECTIVE = partial(SKConv, kernels=((3, 1), (3, 2)), groups=IMAGENET_GROUPS, reduction=16)


class GRCNN(Classifier):
    """A stem, GRCLs with downsamplings between them, and a linear layer on the mean.

    Args:
        stem: from images to 64 channels.
        stem_stride: stride of the first stage, in pixels of the image.
        layers: the GRCLs.
        downsamplings: between the layers, each halving the size.
        channels: of each stage's map.
        num_classes: K.
    """

    def __init__(
        self,
        stem: nn.Module,
        stem_stride: int,
        layers: Iterable[GRCLTPAMI],
        downsamplings: Iterable[Downsampling],
        channels: tuple[int, ...],
        num_classes: int,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.strides = tuple(stem_stride * 2**index for index in range(len(channels)))
        self.stem = stem
        self.layers = nn.ModuleList(layers)
        self.downsamplings = nn.ModuleList(downsamplings)
        self.last_norm = nn.BatchNorm2d(channels[-1])
        self.classifier = nn.Linear(channels[-1], num_classes)
        nn.init.kaiming_normal_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)

    def stages(self, images: Tensor) -> list[Tensor]:
        """Return the state (B, C, H, W) of every stage, the finest first."""
        s = self.layers[0](self.stem(images))
        maps = [s]
        for downsample, layer in zip(self.downsamplings, self.layers[1:], strict=True):
            s = layer(downsample(s))
            maps.append(s)
        return maps

    def forward_features(self, images: Tensor) -> Tensor:
        """Return the last state (B, C, H, W), normalised and rectified."""
        return torch.relu(self.last_norm(self.stages(images)[-1]))


def cifar_grcnn(architecture: Architecture, in_channels: int, num_classes: int, weight_sharing: bool) -> GRCNN:
    """Build a network for images of 32 x 32."""
    stem = nn.Sequential()
    stem.add_module("conv", _conv(in_channels, 3, 1))
    make_selective = CIFAR_SELECTIVE if architecture.selective_kernel else None
    unused_norms = not architecture.selective_kernel
    parts = _stages(architecture, CIFAR_GROUPS, weight_sharing, make_selective, unused_norms)
    model = GRCNN(stem, 1, *parts, num_classes)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = CIFAR_MOMENTUM
    return model


def imagenet_grcnn(architecture: Architecture, in_channels: int, num_classes: int, weight_sharing: bool) -> GRCNN:
    """Build a network for images of 224 x 224, or any size."""
    stem = nn.Sequential()
    stem.add_module("conv", _conv(in_channels, 7, 2))
    stem.add_module("norm", nn.BatchNorm2d(STEM_CHANNELS))
    stem.add_module("relu", nn.ReLU(inplace=True))
    stem.add_module("pool", nn.MaxPool2d(3, stride=2, padding=1))
    stem.add_module("last", _conv(STEM_CHANNELS, 3, 1))
    make_selective = IMAGENET_SELECTIVE if architecture.selective_kernel else None
    parts = _stages(architecture, IMAGENET_GROUPS, weight_sharing, make_selective, unused_norms=False)
    for layer in parts[0]:
        layer.gate_recurrent.reset_parameters()  # PyTorch's initialisation here, as the authors have it
    return GRCNN(stem, 4, *parts, num_classes)


def _conv(in_channels: int, kernel: int, stride: int) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, STEM_CHANNELS, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight)
    return conv


def _stages(
    architecture: Architecture,
    groups: int,
    weight_sharing: bool,
    make_selective: MakeSelective | None,
    unused_norms: bool,
) -> tuple[list[GRCLTPAMI], list[Downsampling], tuple[int, ...]]:
    """Build the GRCLs and downsamplings; return them and the channels of the stages."""
    widths = architecture.widths
    channels = tuple(architecture.expansion * width for width in widths)
    layers = [
        GRCLTPAMI(cin, width, cout, iterations, groups, weight_sharing, make_selective)
        for cin, width, cout, iterations in zip(
            (STEM_CHANNELS, *channels), widths, channels, architecture.iterations, strict=False
        )
    ]
    downsamplings = [
        Downsampling(c, width, make_selective=make_selective, unused_norm=unused_norms)
        for c, width in zip(channels[:-1], widths, strict=False)
    ]
    return layers, downsamplings, channels


def _register_cifar(name: str) -> None:
    @CLASSIFIERS.register(name)
    def grcnn(in_channels: PositiveInt = 3, num_classes: PositiveInt = 10, weight_sharing: bool = False) -> Classifier:
        return cifar_grcnn(CIFAR[name], in_channels, num_classes, weight_sharing)


def _register_imagenet(name: str) -> None:
    @CLASSIFIERS.register(name)
    def grcnn(
        in_channels: PositiveInt = 3, num_classes: PositiveInt = 1000, weight_sharing: bool = False
    ) -> Classifier:
        return imagenet_grcnn(IMAGENET[name], in_channels, num_classes, weight_sharing)


for _name in CIFAR:
    _register_cifar(_name)
for _name in IMAGENET:
    _register_imagenet(_name)
