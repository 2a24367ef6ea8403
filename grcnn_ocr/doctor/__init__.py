"""Checking word data before training or evaluation."""

from grcnn_ocr.doctor.examine import examine
from grcnn_ocr.doctor.findings import Findings, Histogram, Level, Pair, Remark, Timing

__all__ = ["Findings", "Histogram", "Level", "Pair", "Remark", "Timing", "examine"]
