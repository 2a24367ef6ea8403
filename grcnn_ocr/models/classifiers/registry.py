"""The image classifiers by name."""

from __future__ import annotations

from grcnn_ocr.models.classifiers.classifier import Classifier
from grcnn_ocr.registry import Registry

CLASSIFIERS = Registry[Classifier]("classifier")
