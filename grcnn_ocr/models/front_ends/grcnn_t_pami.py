"""A front end of the journal paper's GRCLs, which Wang & Hu (T-PAMI 2021) made for image classification.

The stages of their CIFAR networks, with strides for a line of text; for H = 32:

    conv 3x3, BN, relu     C x 32 x W
    maxpool 2x2            C x 16 x W/2
    conv 3x3               C x 16 x W/2
    GRCL                E P1 x 16 x W/2
    downsampling 2x2    E P1 x  8 x W/4
    GRCL                E P2 x  8 x W/4
    downsampling 2x1    E P2 x  4 x W/4
    GRCL                E P3 x  4 x W/4
    BN, relu, conv 4x1, BN, relu    out x 1 x W/4

There are no selective kernels here, since they take a mean over the whole line.
"""

from __future__ import annotations

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from grcnn_ocr.layers.grcl_t_pami import GRCLTPAMI, Downsampling
from grcnn_ocr.models.front_ends.base import FRONT_ENDS, FrontEnd

Stages = tuple[PositiveInt, PositiveInt, PositiveInt]


class GRCNNTPAMIFrontEnd(FrontEnd):
    """The stack above, for images 32 pixels high.

    Args:
        stem_channels: C.
        widths: P1 to P3.
        expansion: E.
        iterations: T of each GRCL.
        groups: of the GRCLs' grouped convolutions.
        weight_sharing: whether the iterations of a GRCL share their convolutions.
        out_channels: features of a frame.

    Raises:
        ValueError: if the groups do not divide the channels.
    """

    def __init__(
        self,
        stem_channels: int,
        widths: Stages,
        expansion: int,
        iterations: Stages,
        groups: int,
        weight_sharing: bool,
        out_channels: int,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        p1, p2, p3 = widths
        c1, c2, c3 = (expansion * width for width in widths)
        t1, t2, t3 = iterations
        self.stem = nn.Sequential(
            nn.Conv2d(1, stem_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(stem_channels),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(stem_channels, stem_channels, 3, padding=1, bias=False),
        )
        self.grcl1 = GRCLTPAMI(stem_channels, p1, c1, t1, groups, weight_sharing)
        self.downsampling1 = Downsampling(c1, p1, (2, 2))
        self.grcl2 = GRCLTPAMI(c1, p2, c2, t2, groups, weight_sharing)
        self.downsampling2 = Downsampling(c2, p2, (2, 1))
        self.grcl3 = GRCLTPAMI(c2, p3, c3, t3, groups, weight_sharing)
        self.state_norm = nn.BatchNorm2d(c3)
        self.last = nn.Conv2d(c3, out_channels, (4, 1), bias=False)
        self.last_norm = nn.BatchNorm2d(out_channels)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 1, 32, W) to (B, out_channels, 1, (W + 2) // 4)."""
        s = self.grcl1(self.stem(images))
        s = self.grcl2(self.downsampling1(s))
        s = self.grcl3(self.downsampling2(s))
        return torch.relu(self.last_norm(self.last(torch.relu(self.state_norm(s)))))

    def num_frames(self, widths: Tensor) -> Tensor:
        """Return T = (W + 2) // 4."""
        return (widths + 2) // 4


@FRONT_ENDS.register("grcnn_t_pami")
def grcnn_t_pami(
    stem_channels: PositiveInt = 32,
    widths: Stages = (32, 64, 96),
    expansion: PositiveInt = 4,
    iterations: Stages = (2, 3, 4),
    groups: PositiveInt = 16,
    weight_sharing: bool = False,
    out_channels: PositiveInt = 256,
) -> FrontEnd:
    """Build the front end; the options are those of `GRCNNTPAMIFrontEnd`."""
    return GRCNNTPAMIFrontEnd(stem_channels, widths, expansion, iterations, groups, weight_sharing, out_channels)
