"""RCNN-K: recurrent convolutional networks with K maps in every layer.

Liang & Hu, "Recurrent Convolutional Neural Network for Object Recognition", CVPR 2015; for 32 x 32:

    conv 5x5, relu       K x 32 x 32
    maxpool 3/2          K x 16 x 16
    RCL, dropout, RCL    K x 16 x 16
    maxpool 3/2          K x  8 x  8
    dropout
    RCL, dropout, RCL    K x  8 x  8
    global max pooling   K
    linear               classes

The published sizes are RCNN-64 for MNIST (1 x 28 x 28, 0.30 M parameters), RCNN-96, -128 and -160 for CIFAR and SVHN
(3 x 32 x 32, 0.67, 1.19 and 1.86 M). Poolings pad by 1, so that a map's side is the image's over its stride. The
counts do not tell everything: the 5x5, the places of dropout and LRN's constants are those of independent ports.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from grcnn_ocr.layers.rcl import RCL, RCLNorm
from grcnn_ocr.models.classifiers.classifier import Classifier
from grcnn_ocr.models.classifiers.registry import CLASSIFIERS

Probability = Annotated[float, Field(ge=0, lt=1)]


class RCNN(Classifier):
    """The stack above. Its stages are the convolution and the two pairs of RCLs.

    Args:
        maps: K.
        in_channels: channels of an image.
        num_classes: number of classes.
        norm: of the RCLs, see `RCL`.
        iterations: T of the RCLs; the longest path has 4 (T + 1) + 2 layers.
        dropout: probability; the paper's is 0.5, for MNIST 0.2.
    """

    def __init__(
        self,
        maps: int,
        in_channels: int = 3,
        num_classes: int = 10,
        norm: RCLNorm = "lrn",
        iterations: int = 3,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.channels = (maps, maps, maps)
        self.strides = (1, 2, 4)
        self.stem = nn.Conv2d(in_channels, maps, 5, padding=2)
        self.rcls = nn.ModuleList(RCL(maps, maps, iterations, norm) for _ in range(4))
        self.dropout = nn.Dropout(dropout)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.classifier = nn.Linear(maps, num_classes)
        nn.init.kaiming_normal_(self.stem.weight)

    def stages(self, images: Tensor) -> list[Tensor]:
        """Return the maps (B, K, H, W), (B, K, H/2, W/2) and (B, K, H/4, W/4)."""
        x0 = torch.relu(self.stem(images))
        x1 = self.rcls[1](self.dropout(self.rcls[0](self.pool(x0))))
        x2 = self.rcls[3](self.dropout(self.rcls[2](self.dropout(self.pool(x1)))))
        return [x0, x1, x2]

    def forward_features(self, images: Tensor) -> Tensor:
        """Return the last map (B, K, H/4, W/4)."""
        return self.stages(images)[-1]

    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        """Take the maximum over a map (B, K, H, W) and, unless `pre_logits`, classify it: (B, classes)."""
        pooled = features.amax(dim=(2, 3))
        return pooled if pre_logits else self.classifier(pooled)


def _register(maps: int) -> None:
    @CLASSIFIERS.register(f"rcnn{maps}")
    def rcnn(
        in_channels: PositiveInt = 3,
        num_classes: PositiveInt = 10,
        norm: RCLNorm = "lrn",
        iterations: PositiveInt = 3,
        dropout: Probability = 0.5,
    ) -> Classifier:
        return RCNN(maps, in_channels, num_classes, norm, iterations, dropout)


for _maps in (64, 96, 128, 160):
    _register(_maps)
