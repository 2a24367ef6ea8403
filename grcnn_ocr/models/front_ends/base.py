"""The interface of front ends, and their registry."""

from __future__ import annotations

from torch import Tensor, nn

from grcnn_ocr.registry import Registry


class FrontEnd(nn.Module):
    """The convolutional part: (B, 1, H, W) to (B, out_channels, 1, T).

    Attributes:
        out_channels: features of a frame.
    """

    out_channels: int

    def num_frames(self, widths: Tensor) -> Tensor:
        """Return T for images of the given `widths` in pixels, elementwise."""
        raise NotImplementedError


FRONT_ENDS: Registry[FrontEnd] = Registry("front end")
