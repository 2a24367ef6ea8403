"""How words look: every strength of every effect, in one place."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class Look:
    """Chances (0 to 1) and ranges of the effects; lengths are shares of the text's height unless said otherwise."""

    # letters
    spacing: Range = (-0.04, 0.22)
    """Added to each advance; drawn squared, so that most are near the font's own."""
    bolder: float = 0.12
    lighter: float = 0.08
    outline: float = 0.08
    shadow: float = 0.14
    extrude: float = 0.05
    # geometry
    height: Range = (14, 60)
    """Native height of the text's line, in pixels; drawn on a logarithmic scale."""
    stretch: Range = (0.75, 1.35)
    """Width over natural width, drawn on a logarithmic scale."""
    margin: Range = (-0.04, 0.32)
    rotate: float = 0.3
    rotation: float = 9.0
    """Degrees, at most; a normal distribution of half of it."""
    shear: float = 0.35
    perspective: float = 0.35
    curve: float = 0.12
    # colors
    contrast: Range = (28, 200)
    """Difference of ink and ground, in gray levels."""
    gradient: float = 0.3
    photo: float = 0.45
    texture: float = 0.15
    # clutter
    neighbour: float = 0.2
    frame: float = 0.08
    strike: float = 0.03
    # light and camera
    light: float = 0.35
    defocus: float = 0.3
    motion: float = 0.08
    low_resolution: float = 0.12
    noise: float = 0.5
    noise_level: Range = (1, 12)
    """Standard deviation, in gray levels."""
    jpeg: float = 0.5
    jpeg_quality: Range = (25, 90)
