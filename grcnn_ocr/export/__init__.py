"""Exporting: from weights to a folder that `runtime.Reader` reads from, without torch."""

from grcnn_ocr.export.folder import export_reader

__all__ = ["export_reader"]
