"""What comes with the package: weights files, readers exported from them, language models. It needs no torch."""

from __future__ import annotations

from pathlib import Path

RELEASED = Path(__file__).parent / "released"
DESCRIPTION = "reader.json"
"""The file that describes an exported reader, in its folder."""
DEFAULT = "grcl_lstm_tiny_latin"
"""The released weights that are used by default."""


def released_weights() -> dict[str, Path]:
    """Return the weights files that come with the package, by name."""
    return {path.stem: path for path in sorted(RELEASED.glob("*.safetensors"))}


def released_readers() -> dict[str, Path]:
    """Return the folders of exported readers that come with the package, by name, which is that of their weights."""
    return {path.parent.name: path.parent for path in sorted(RELEASED.glob(f"*/{DESCRIPTION}"))}


def released_language_models() -> dict[str, Path]:
    """Return the language models that come with the package, by name."""
    return {path.stem: path for path in sorted(RELEASED.glob("*.npz"))}


def find_language_model(name: str | Path) -> Path:
    """Return the language model for a path or a released name, such as "english".

    Raises:
        ValueError: if there is none.
    """
    released = released_language_models()
    if Path(name).is_file():
        return Path(name)
    if str(name) in released:
        return released[str(name)]
    raise ValueError(f"no language model {name}; make one with `grcnn-ocr lm build` (released: {', '.join(released)})")
