"""The front end of the GRCNN recogniser, of either kind of GRCL.

Wang & Hu, NeurIPS 2017, table 1; for H = 32:

    conv 3x3, relu      C0 x 32 x W
    maxpool 2x2         C0 x 16 x W/2
    GRCL                C1 x 16 x W/2
    maxpool 2x2         C1 x  8 x W/4
    GRCL                C2 x  8 x W/4
    maxpool 2x2, 2x1    C2 x  4 x W/4 + 1     stride 1 and padding 1 along the width
    GRCL                C3 x  4 x W/4 + 1
    maxpool 2x2, 2x1    C3 x  2 x W/4 + 2
    conv 2x2, BN, relu  C4 x  1 x W/4 + 1
"""

from __future__ import annotations

from collections.abc import Callable

from pydantic import PositiveInt
from torch import Tensor, nn

from grcnn_ocr.layers.grcl import GRCL, Skip
from grcnn_ocr.layers.grcl_dtrb import GRCLDTRB
from grcnn_ocr.models.front_ends.base import FRONT_ENDS, FrontEnd

Widths = tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt, PositiveInt]


class GRCLFrontEnd(FrontEnd):
    """The stack above, for images 32 pixels high.

    Args:
        widths: channels C0 to C4.
        make_grcl: builds a layer from its input and output channels.
        last_bias: whether the last convolution, which a BatchNorm follows, has a bias.
    """

    def __init__(self, widths: Widths, make_grcl: Callable[[int, int], nn.Module], last_bias: bool) -> None:
        super().__init__()
        c0, c1, c2, c3, c4 = widths
        self.out_channels = c4
        self.stem = nn.Conv2d(1, c0, 3, padding=1)
        self.grcl1 = make_grcl(c0, c1)
        self.grcl2 = make_grcl(c1, c2)
        self.grcl3 = make_grcl(c2, c3)
        self.last = nn.Conv2d(c3, c4, 2, bias=last_bias)
        self.last_norm = nn.BatchNorm2d(c4)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.pool_height = nn.MaxPool2d(2, stride=(2, 1), padding=(0, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 1, 32, W) to (B, C4, 1, W // 4 + 1)."""
        x = self.pool(self.relu(self.stem(images)))
        x = self.pool(self.grcl1(x))
        x = self.pool_height(self.grcl2(x))
        x = self.pool_height(self.grcl3(x))
        return self.relu(self.last_norm(self.last(x)))

    def num_frames(self, widths: Tensor) -> Tensor:
        """Return T = W // 4 + 1."""
        return widths // 4 + 1


@FRONT_ENDS.register("grcl")
def grcl(
    widths: Widths = (64, 64, 128, 256, 512),
    iterations: PositiveInt = 5,
    weight_sharing: bool = False,
    skip: Skip = "paper",
) -> FrontEnd:
    """Build the paper's front end; the options are those of `layers.grcl.GRCL`."""
    return GRCLFrontEnd(widths, lambda cin, cout: GRCL(cin, cout, iterations, weight_sharing, skip), last_bias=True)


@FRONT_ENDS.register("grcl_dtrb")
def grcl_dtrb(widths: Widths = (64, 64, 128, 256, 512), iterations: PositiveInt = 5) -> FrontEnd:
    """Build the deep-text-recognition-benchmark's front end of the same stack."""
    return GRCLFrontEnd(widths, lambda cin, cout: GRCLDTRB(cin, cout, iterations), last_bias=False)
