"""The GRCL front end without gates: the RCNN that Wang & Hu (NeurIPS 2017, section 4) compare it with."""

from __future__ import annotations

from pydantic import PositiveInt

from grcnn_ocr.layers.ungated_rcl import UngatedRCL
from grcnn_ocr.models.front_ends.base import FRONT_ENDS, FrontEnd
from grcnn_ocr.models.front_ends.grcl import GRCLFrontEnd, Widths


@FRONT_ENDS.register("rcnn")
def rcnn(
    widths: Widths = (64, 64, 128, 256, 512), iterations: PositiveInt = 5, weight_sharing: bool = False
) -> FrontEnd:
    """Build the GRCL front end's stack of ungated layers; the options are those of `UngatedRCL`."""
    return GRCLFrontEnd(widths, lambda cin, cout: UngatedRCL(cin, cout, iterations, weight_sharing), last_bias=True)
