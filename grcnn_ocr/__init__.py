"""Read cropped word images with gated recurrent convolutions, BiLSTM and CTC; classify images with their relatives.

The public names below are resolved on first use, so that `import grcnn_ocr` loads neither torch nor OpenCV.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from grcnn_ocr.create import create_model, list_models
    from grcnn_ocr.decoding.decoder import Prediction
    from grcnn_ocr.reading import Recognizer
    from grcnn_ocr.runtime import Reader
    from grcnn_ocr.text.lexicon import Lexicon
    from grcnn_ocr.text.ngram import NGram

__all__ = ["Lexicon", "NGram", "Prediction", "Reader", "Recognizer", "__version__", "create_model", "list_models"]

_HOME = {
    "Reader": "grcnn_ocr.runtime",
    "Recognizer": "grcnn_ocr.reading",
    "Prediction": "grcnn_ocr.decoding.decoder",
    "Lexicon": "grcnn_ocr.text.lexicon",
    "NGram": "grcnn_ocr.text.ngram",
    "create_model": "grcnn_ocr.create",
    "list_models": "grcnn_ocr.create",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'grcnn_ocr' has no attribute {name!r}; public names: {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
