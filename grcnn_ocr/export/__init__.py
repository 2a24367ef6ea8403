"""Exporting: from weights to a folder that `runtime.Reader` reads from, without torch."""

from grcnn_ocr.export.folder import Precision, export_reader

__all__ = ["Precision", "export_reader"]
