"""What importing the package loads, and what it offers."""

import subprocess
import sys

import pytest

import grcnn_ocr


def test_public_names_resolve():
    for name in set(grcnn_ocr.__all__) - {"__version__"}:
        assert getattr(grcnn_ocr, name).__name__ == name
    with pytest.raises(AttributeError, match="public names: Lexicon"):
        grcnn_ocr.Recogniser  # noqa: B018


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import grcnn_ocr", ["torch", "cv2", "numpy", "pydantic"]),
        ("import grcnn_ocr.cli", ["torch", "cv2", "pydantic", "albumentations"]),
        (
            "import grcnn_ocr.pixels, grcnn_ocr.preprocess, grcnn_ocr.decoding.lexicon, grcnn_ocr.text.lexicon",
            ["torch", "pydantic"],
        ),
        ("import grcnn_ocr.reading", ["albumentations", "accelerate"]),
        ("import grcnn_ocr.runtime", ["torch", "pydantic", "lmdb", "onnx"]),
    ],
)
def test_imports_stay_light(statement, absent):
    code = f"import sys; {statement}; print([name for name in {absent!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
