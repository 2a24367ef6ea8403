"""Settings of the word engine: what it writes, how the words look, and which data it uses."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from grcnn_ocr.config.base import Frozen


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"a range is [low, high]; found {list(bounds)}")
    return bounds


def _positive(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] <= 0:
        raise ValueError(f"this range is drawn on a logarithmic scale and must begin above 0; found {list(bounds)}")
    return bounds


Range = Annotated[tuple[float, float], AfterValidator(_ascending)]
LogRange = Annotated[Range, AfterValidator(_positive)]
Strength = Annotated[float, Field(ge=0)]
Chance = Annotated[float, Field(ge=0, le=1)]
ChanceRange = Annotated[tuple[Chance, Chance], AfterValidator(_ascending)]
Weight = Annotated[float, Field(ge=0)]


class TextMix(Frozen):
    """How often each kind of text, and each case, is written; weights need not add up to 1."""

    words: Weight = 0.66
    names: Weight = 0.03
    web: Weight = 0.03
    """Web and mail addresses."""
    numbers: Weight = 0.08
    prices: Weight = 0.03
    dates: Weight = 0.03
    phones: Weight = 0.02
    codes: Weight = 0.06
    initials: Weight = 0.03
    compounds: Weight = 0.03
    upper: Weight = 0.38
    title: Weight = 0.27
    lower: Weight = 0.33
    mixed: Weight = 0.02
    punctuation: Chance = 0.15
    """Share of words with punctuation after, before, around or inside them."""
    short: Chance = 0.85
    """Share of words whose length is drawn first, as in running text; the others are drawn uniformly from the list, in
    which most words are long."""

    @model_validator(mode="after")
    def _some(self) -> TextMix:
        words = self.words + self.names + self.web + self.compounds
        if not words + self.numbers + self.prices + self.dates + self.phones + self.codes + self.initials:
            raise ValueError("every kind of text has weight 0; give at least one a positive weight")
        if not self.upper + self.title + self.lower + self.mixed:
            raise ValueError("upper, title, lower and mixed are all 0; give at least one a positive weight")
        return self


class Look(Frozen):
    """Probabilities and ranges of the effects; lengths are shares of the text's height unless stated otherwise.

    Sizes, margins and proportions of letters roughly match those of the IIIT5K training words.
    """

    # letters
    spacing: Range = (-0.04, 0.22)
    """Added to each advance; mostly near 0, the font's own spacing."""
    spaced: Chance = 0.03
    spaced_by: Range = (0.2, 0.8)
    """Wide letter spacing."""
    initial: Chance = 0.08
    """Chance of a larger first letter, in words in capitals."""
    initial_size: Range = (1.15, 1.6)
    """Its size over that of the other letters."""
    jumble: Chance = 0.06
    """Chance of dancing letters: each rotated, scaled and raised on its own."""
    jumble_degrees: Strength = 12.0
    jumble_size: LogRange = (0.85, 1.2)
    jumble_rise: Strength = 0.1
    bolder: Chance = 0.12
    lighter: Chance = 0.08
    hollow: Chance = 0.04
    """Chance of letters drawn as outlines alone."""
    worn: Chance = 0.05
    """Chance of letters whose paint has flaked off in specks."""
    worn_share: ChanceRange = (0.03, 0.2)
    """Share of the paint that is lost."""
    outline: Chance = 0.08
    outline_width: Range = (0.02, 0.06)
    shadow: Chance = 0.14
    shadow_offset: Strength = 0.09
    shadow_blur: Strength = 0.05
    extrude: Chance = 0.05
    extrude_depth: Range = (0.05, 0.14)
    # geometry
    height: LogRange = (9, 55)
    """Height of the line of text, in pixels; drawn on a logarithmic scale."""
    stretch: LogRange = (0.55, 1.35)
    """Width relative to the font's, drawn on a logarithmic scale."""
    margin: Range = (0.0, 0.8)
    rotate: Chance = 0.3
    rotation: float = Field(15.0, ge=0)
    """Largest angle, in degrees; drawn from a normal distribution with half of it as standard deviation."""
    shear: Chance = 0.35
    shear_slope: Strength = 0.2
    """Standard deviation of the slant, dx / dy."""
    perspective: Chance = 0.35
    tilt: Strength = 0.12
    """How far perspective moves a corner."""
    curve: Chance = 0.15
    curve_angle: LogRange = (8, 120)
    """Degrees of the arc on which the text stands, drawn on a logarithmic scale."""
    # colors
    contrast: Range = (28, 200)
    """Difference between ink and background, in gray levels."""
    fill: Chance = 0.12
    """Chance of letters filled with a gradient, a texture or bands."""
    fill_span: Range = (20, 70)
    """Difference between its darkest and lightest spot, in gray levels."""
    relief: Chance = 0.08
    """Chance of raised or sunken letters: edges lit on one side and dark on the other, ink close to the background."""
    relief_depth: Range = (0.02, 0.08)
    relief_span: Range = (80, 220)
    """Difference between the lit and the dark edge, in gray levels."""
    gradient: Chance = 0.3
    gradient_span: Strength = 120
    photo: Chance = 0.45
    photo_opacity: Range = (0.15, 1.0)
    """Opacity of a photo over a flat color."""
    texture: Chance = 0.15
    texture_span: Range = (10, 80)
    # clutter
    neighbour: Chance = 0.2
    """Chance of parts of another word in the widest margin."""
    beside: Chance = 0.1
    """Chance of a strip of the next or the previous word beyond the right or left margin."""
    beside_gap: Range = (0.12, 0.4)
    beside_width: Range = (0.03, 0.4)
    frame: Chance = 0.08
    strike: Chance = 0.03
    # light and camera
    light: Chance = 0.35
    light_span: Strength = 0.6
    """Range of uneven light, as a share of its mean."""
    glare: Chance = 0.06
    """Chance of a bright spot."""
    glare_span: Range = (40, 160)
    """Its brightness, in gray levels."""
    defocus: Chance = 0.3
    defocus_sigma: Range = (0.01, 0.05)
    """As a share of the crop's height."""
    motion: Chance = 0.08
    motion_length: Range = (0.05, 0.12)
    """As a share of the crop's height."""
    low_resolution: Chance = 0.12
    low_resolution_factor: Range = (0.4, 0.8)
    noise: Chance = 0.5
    noise_level: LogRange = (1, 12)
    """Standard deviation, in gray levels."""
    sharpen: Chance = 0.2
    """Chance of sharpening, as by a camera that exaggerates edges."""
    sharpen_strength: Range = (0.3, 1.5)
    jpeg: Chance = 0.5
    jpeg_quality: Range = (25, 90)


class EngineConfig(Frozen):
    """Everything that defines the word engine; by default its data are those of the system."""

    words: str | None = None
    """A file with one word or `word<TAB>count` per line, drawn in proportion to their counts, or a Hunspell NAME.dic or
    NAME.dic:expanded. None: the system's word list, or a small bundled one."""
    fonts: tuple[str, ...] = ()
    """Folders of fonts. None given: the fonts that fontconfig lists."""
    backgrounds: tuple[str, ...] | None = None
    """Folders of photos. None: the system's wallpapers; an empty list: backgrounds are drawn only."""
    color: bool = False
    output_height: int | None = Field(None, ge=4)
    """Height of every crop, in pixels; None leaves each at its own size."""
    max_length: int = Field(23, gt=0)
    """Longest label, in characters."""
    seed: int = 0
    mix: TextMix = TextMix()
    look: Look = Look()
