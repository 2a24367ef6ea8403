"""The VGG-style front end of CRNN.

Shi, Bai & Yao, "An End-to-End Trainable Neural Network for Image-based Sequence Recognition", T-PAMI 2017,
table 1: BatchNorm after the fifth and sixth convolution. The two rectangular poolings stride 1 and pad 1 along
the width, as in the released code, so that T = W / 4 + 1, the same as the GRCL front end's.
"""

from __future__ import annotations

from torch import Tensor, nn

from grcnn_ocr.models.front_ends.base import FRONT_ENDS, FrontEnd


class VGGFrontEnd(FrontEnd):
    """Seven convolutions and four poolings, for images 32 pixels high."""

    def __init__(self) -> None:
        super().__init__()
        self.out_channels = 512
        pool_height = nn.MaxPool2d(2, stride=(2, 1), padding=(0, 1))
        self.layers = nn.Sequential(
            *self._conv(1, 64),
            nn.MaxPool2d(2),  # 64 x 16 x W/2
            *self._conv(64, 128),
            nn.MaxPool2d(2),  # 128 x 8 x W/4
            *self._conv(128, 256),
            *self._conv(256, 256),
            pool_height,  # 256 x 4 x W/4 + 1
            *self._conv(256, 512, norm=True),
            *self._conv(512, 512, norm=True),
            pool_height,  # 512 x 2 x W/4 + 2
            nn.Conv2d(512, 512, 2),
            nn.ReLU(inplace=True),  # 512 x 1 x W/4 + 1
        )

    @staticmethod
    def _conv(in_channels: int, out_channels: int, norm: bool = False) -> list[nn.Module]:
        conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        return [conv, *([nn.BatchNorm2d(out_channels)] if norm else []), nn.ReLU(inplace=True)]

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 1, 32, W) to (B, 512, 1, W // 4 + 1)."""
        return self.layers(images)

    def num_frames(self, widths: Tensor) -> Tensor:
        """Return T = W // 4 + 1."""
        return widths // 4 + 1


@FRONT_ENDS.register("vgg")
def vgg() -> FrontEnd:
    """Build the CRNN front end."""
    return VGGFrontEnd()
