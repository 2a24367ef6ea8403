"""What comes with the package: weights files, and readers that were exported from them. It needs no torch."""

from __future__ import annotations

from pathlib import Path

RELEASED = Path(__file__).parent / "released"
DEFAULT = "grcl_lstm_tiny"
"""The released name that is used unless another is given."""


def released_weights() -> dict[str, Path]:
    """Return the weights files that come with the package, by name."""
    return {path.stem: path for path in sorted(RELEASED.glob("*.safetensors"))}


def released_readers() -> dict[str, Path]:
    """Return the folders of exported readers that come with the package, by name; weights of that name do, too."""
    return {path.parent.name: path.parent for path in sorted(RELEASED.glob("*/reader.json"))}
