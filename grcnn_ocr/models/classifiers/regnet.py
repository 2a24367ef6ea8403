"""RegNet: ResNets whose blocks pass a memory along, by a convolutional RNN a stage.

Xu et al., "RegNet: Self-Regulated Network for Image Classification", arXiv 2101.00590, equations 2 and 3. There is
no code of the authors. At the t-th block of a stage, `*` a convolution, N the block's width:

    X_2 = relu(BN(W_12 * X_1))                              3x3; bottleneck: 1x1
    H(t), C(t) = ConvRNN(X_2, H(t-1), C(t-1));  H(t) = relu(BN(H(t)))
    X_3 = relu(BN(W_23 * [X_2, H(t)]))                      1x1, 2N to N; bottleneck: of relu(BN(3x3 of X_2))
    X_4 = BN(W_34 * X_3)                                    3x3; bottleneck: 1x1
    X_1 of the next block = relu(X_1 + X_4)

A stage's blocks share its ConvRNN and the scale and shift of BN(H); the statistics are each block's own, since those of
H(t) differ from block to block. The LSTM's cell is passed on unnormalised: a BatchNorm of its own, as equation 2 may be
read, would be 2N more. Convolutions have no bias beyond the baseline's (`resnet.py`).

A stage of n blocks adds n (2 N^2 + 2 N) to fuse, 12 N a gate (1 RNN, 3 GRU, 4 LSTM) and 2 N for BN(H). The paper's
figures come to more, and do not agree with each other:

    parameters added               here, GRU / LSTM     paper, GRU / LSTM
    20 layers                      37,184 /  38,528     0.04 M / 0.04 M (table IV); 44 K / - (table I)
    32 layers                      59,136 /  60,480     0.06 M / 0.07 M; 0.07 M / 0.07 M on CIFAR-100
    56 layers                     103,040 / 104,384     0.11 M / 0.12 M
    20 layers, stage 1 alone        2,240 /   2,432     6 K / 8 K (table V)
    20 layers, stage 2 alone        7,552 /   7,936     12 K / 17 K
    20 layers, stage 3 alone       27,392 /  28,160     33 K / 52 K
    20 layers, dense less light   286,608 / -           286 K / - (table I)
    50 layers                      2.56 M / 2.57 M      - / 4.7 M (table VI)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from grcnn_ocr.layers.conv_rnn import REGULATORS, GateKernel, Regulator
from grcnn_ocr.models.classifiers.classifier import Classifier
from grcnn_ocr.models.classifiers.registry import CLASSIFIERS
from grcnn_ocr.models.classifiers.resnet import (
    CIFAR_BLOCKS,
    CIFAR_WIDTHS,
    IMAGENET_WIDTHS,
    MakeStage,
    ResidualBlock,
    cifar_resnet,
    conv_norm,
    imagenet_resnet,
)


class RegulatedStage(nn.Module):
    """The blocks of a stage, and the ConvRNN that accompanies them.

    Args:
        blocks: n residual blocks of one width N.
        regulator: the kind of ConvRNN.
        kernel: form of its convolutions.
    """

    def __init__(self, blocks: Sequence[ResidualBlock], regulator: Regulator, kernel: GateKernel) -> None:
        super().__init__()
        width = blocks[0].width
        self.blocks = nn.ModuleList(blocks)
        self.regulator = REGULATORS[regulator](width, kernel)
        self.hidden_norms = nn.ModuleList(nn.BatchNorm2d(width, affine=False) for _ in blocks)
        self.hidden_scale = nn.Parameter(torch.ones(width))
        self.hidden_shift = nn.Parameter(torch.zeros(width))
        self.fusions = nn.ModuleList(conv_norm(2 * width, width, 1).append(nn.ReLU(inplace=True)) for _ in blocks)

    def forward(self, x1: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', H / stride, W / stride)."""
        state = None
        for block, norm, fuse in zip(self.blocks, self.hidden_norms, self.fusions, strict=True):
            assert isinstance(block, ResidualBlock)
            x2 = block.first(x1)
            hidden, *cell = self.regulator(x2, state)
            hidden = norm(hidden) * self.hidden_scale[:, None, None] + self.hidden_shift[:, None, None]
            hidden = torch.relu(hidden).to(x2.dtype)
            state = (hidden, *cell)
            x3 = fuse(torch.cat([block.middle(x2), hidden], dim=1))
            x1 = torch.relu(block.shortcut(x1) + block.last(x3))
        return x1


def regulate(regulator: Regulator, stages: tuple[int, ...] | None, kernel: GateKernel, num_stages: int) -> MakeStage:
    """Return what builds the stages of a RegNet.

    Args:
        regulator: the kind of ConvRNN.
        stages: which stages have one, from 1: (i,) is the paper's RegNet(i). None: all.
        kernel: form of the convolutions, see `GateConv`.
        num_stages: stages of the network.

    Raises:
        ValueError: on a stage that the network does not have.
    """
    chosen = range(1, num_stages + 1) if stages is None else stages
    if wrong := [stage for stage in chosen if not 1 <= stage <= num_stages]:
        raise ValueError(f"stages {wrong} cannot have a regulator: the network has stages 1 to {num_stages}")

    def make_stage(index: int, blocks: Sequence[ResidualBlock]) -> nn.Module:
        return RegulatedStage(blocks, regulator, kernel) if index + 1 in chosen else nn.Sequential(*blocks)

    return make_stage


def _register(num_layers: int) -> None:
    @CLASSIFIERS.register(f"regnet{num_layers}")
    def regnet(
        in_channels: PositiveInt = 3,
        num_classes: PositiveInt = 10,
        regulator: Regulator = "lstm",
        stages: tuple[int, ...] | None = None,
        kernel: GateKernel = "light",
        se: bool = False,
    ) -> Classifier:
        make_stage = regulate(regulator, stages, kernel, len(CIFAR_WIDTHS))
        return cifar_resnet(num_layers, in_channels, num_classes, se, make_stage)


for _num_layers in CIFAR_BLOCKS:
    _register(_num_layers)


@CLASSIFIERS.register("regnet50")
def regnet50(
    in_channels: PositiveInt = 3,
    num_classes: PositiveInt = 1000,
    regulator: Regulator = "lstm",
    stages: tuple[int, ...] | None = None,
    kernel: GateKernel = "light",
    se: bool = False,
) -> Classifier:
    """Build the RegNet of 50 layers."""
    return imagenet_resnet(in_channels, num_classes, se, regulate(regulator, stages, kernel, len(IMAGENET_WIDTHS)))
