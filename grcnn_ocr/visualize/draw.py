"""Inspections as figures 900 pixels wide. Needs matplotlib, the extra `plots`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.visualize.inspection import Inspection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 9.0
"""Width of a figure in inches of 100 pixels."""
COLOURS = "cividis"
"""A colour map that also works for the colour-blind and in print."""
MARK = "#d55e00"
"""Colour of lines and shades over a gray picture: vermilion of the Okabe-Ito palette."""
BLANK = "\N{OPEN BOX}"
LONGEST_TITLE = 30
"""Most characters of a text in a title."""
MOST_LABELS = 50
"""Lattices with more states have only their characters labelled."""
LEAST_LOG_PROB = -10.0
"""The dark end of a lattice's colours, in nats."""


def new_figure(height: float) -> Figure:
    """Return an empty figure of this height in inches.

    Raises:
        ValueError: if matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ValueError("pictures need matplotlib: pip install 'grcnn-ocr[plots]'") from None
    return Figure(figsize=(WIDTH, height), dpi=100, layout="constrained")


def draw_gates(inspection: Inspection) -> Figure:
    """Draw the gates of every iteration of every GRCL, averaged over the channels.

    Raises:
        ValueError: if the front end has none.
    """
    if not inspection.gates:
        raise ValueError("there are no gates to draw: the front end has none")
    means = [layer.maps.mean(axis=1) for layer in inspection.gates]  # (T, H, W) each
    low, high = min(float(maps.min()) for maps in means), max(float(maps.max()) for maps in means)
    columns = max(map(len, means))
    shape = inspection.pixels.shape
    if shape[1] / shape[0] > 10:  # a line of text: its iterations one below the other
        columns = 1
    rows = 1 + (len(means) if columns > 1 else sum(map(len, means)))
    tall = _panel_height(shape, columns)
    figure = new_figure(rows * (tall + 0.3) + 0.5)
    figure.suptitle(
        f"Gates while reading {_quoted(inspection)}: 0 shuts out a place's surroundings, 1 lets them in",
        fontsize=11,
    )
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    _picture(axes[0, 0], inspection.pixels, "the crop, in pixels", ticks=True)
    shades, single = None, iter(axes[1:, 0])
    for row, (layer, maps) in enumerate(zip(inspection.gates, means, strict=True), start=1):
        _, channels, height, width = layer.maps.shape
        for t, each in enumerate(maps):
            axis = axes[row, t] if columns > 1 else next(single)
            axis.axis("on")
            shades = axis.imshow(
                each, cmap=COLOURS, vmin=low, vmax=high, extent=(0, shape[1], shape[0], 0), interpolation="nearest"
            )
            size = f" ({channels} maps of {height} x {width})" if t == 0 and columns == 1 else ""
            axis.set_title(f"{layer.name}, iteration {t + 1}{size}", fontsize=9, loc="left")
            axis.set(xticks=[], yticks=[])
            if t == 0 and columns > 1:
                axis.set_ylabel(f"{channels} maps\n{height} x {width}", fontsize=8)
    assert shades is not None
    if columns > 1:
        bar = figure.colorbar(shades, cax=axes[0, 1].inset_axes((0, 0.45, 1, 0.15)), orientation="horizontal")
    else:
        bar = figure.colorbar(shades, ax=axes, location="bottom", fraction=0.04, aspect=60)
    bar.set_label("gate, mean over the maps", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return figure


def draw_fields(inspection: Inspection) -> Figure:
    """Draw the effective receptive field of every character over the image.

    Raises:
        ValueError: if the text is empty.
    """
    if not inspection.text:
        raise ValueError("nothing was read, so there is no character to draw the receptive field of; give a text")
    shape = inspection.pixels.shape
    columns = int(np.clip(np.ceil(12 * shape[0] / shape[1]), 1, min(4, len(inspection.text))))
    rows = -(-len(inspection.text) // columns)
    figure = new_figure(rows * (_panel_height(shape, columns) + 0.35) + 0.6)
    from matplotlib.colors import LinearSegmentedColormap

    figure.suptitle("Effective receptive field of each character: size of its logit's gradient by the pixels")
    axes = figure.subplots(rows, columns, squeeze=False)
    shade = LinearSegmentedColormap.from_list("shade", [(*_rgb(MARK), 0.0), (*_rgb(MARK), 0.9)])
    frames = inspection.lattice.character_frames
    num_frames = len(inspection.lattice.path)
    for number, axis in enumerate(axes.flat):
        if number >= len(inspection.text):
            axis.axis("off")
            continue
        title = f"{inspection.text[number]!r}, written at frame {frames[number] + 1} of {num_frames}"
        _picture(axis, inspection.pixels, title, ticks=number == (rows - 1) * columns, faint=True)
        field = inspection.fields[number]
        axis.imshow(
            field / max(float(field.max()), 1e-30),
            cmap=shade,
            vmin=0,
            vmax=0.6,
            extent=(0, shape[1], shape[0], 0),
            interpolation="bilinear",
        )
        axis.axvline((frames[number] + 0.5) * shape[1] / num_frames, color="black", linewidth=1, linestyle=":")
    figure.supxlabel(
        "colour: gradient, each panel by its own maximum; dotted: middle of the frame; axes: pixels of the crop",
        fontsize=9,
    )
    return figure


def draw_lattice(inspection: Inspection) -> Figure:
    """Draw the states of the text over the frames: their log-probability with the best path, and their occupancy."""
    lattice = inspection.lattice
    num_frames, num_states = lattice.log_probs.shape
    tall = float(np.clip(0.2 * num_states, 1.0, 8.0))
    figure = new_figure(1.4 + 2 * (tall + 0.4))
    figure.suptitle(f"CTC lattice of {_quoted(inspection)}")
    crop, scores, chances = figure.subplots(3, 1, sharex=True, height_ratios=(0.7, tall, tall))
    extent = (0.5, num_frames + 0.5)
    crop.imshow(inspection.pixels, cmap="gray", vmin=0, vmax=255, extent=(*extent, 1, 0), aspect="auto")
    crop.set_title("the crop, stretched to its frames", fontsize=9, loc="left")
    crop.set_yticks([])
    labels = [BLANK if state % 2 == 0 else inspection.text[state // 2] for state in range(num_states)]
    named = slice(None) if num_states <= MOST_LABELS else slice(1, None, 2)
    for axis, values, low, high, label, title in (
        (
            scores,
            lattice.log_probs,
            LEAST_LOG_PROB,
            0.0,
            "nats",
            "log-probability of each state; line: best path",
        ),
        (chances, lattice.occupancy, 0.0, 1.0, "chance", "occupancy: chance of each state, given the whole word"),
    ):
        shades = axis.imshow(
            values.T,
            cmap=COLOURS,
            vmin=low,
            vmax=high,
            aspect="auto",
            extent=(*extent, num_states - 0.5, -0.5),
            interpolation="nearest",
        )
        axis.set_title(title, fontsize=9, loc="left")
        axis.set_yticks(range(num_states)[named], labels[named], fontsize=8)
        axis.set_ylabel(f"state ({BLANK}: blank)", fontsize=9)
        extend = "min" if low == LEAST_LOG_PROB else "neither"
        figure.colorbar(shades, ax=axis, label=label, aspect=25, pad=0.01, extend=extend)
    scores.plot(np.arange(num_frames) + 1, lattice.path, color=MARK, marker="o", markersize=3, linewidth=1.5)
    chances.set_xlabel("frame")
    return figure


def _picture(axis: Axes, pixels: NDArray[np.uint8], title: str, ticks: bool = False, faint: bool = False) -> None:
    """Draw a crop in its own pixels; `faint` as a background for colours."""
    height, width = pixels.shape
    low, high = 0, 255
    if faint:
        low, high = int(pixels.min()), max(int(pixels.max()), int(pixels.min()) + 1)
        low -= 2 * (high - low)
    axis.axis("on")
    axis.imshow(pixels, cmap="gray", vmin=low, vmax=high, extent=(0, width, height, 0))
    axis.set_title(title, fontsize=9, loc="left")
    axis.tick_params(labelsize=8)
    if not ticks:
        axis.set(xticks=[], yticks=[])


def _panel_height(shape: tuple[int, ...], columns: int) -> float:
    """Return the height in inches of a crop (H, W) in one of several columns."""
    return float(np.clip(0.9 * WIDTH / columns * shape[0] / shape[1], 0.3, 2.0))


def _quoted(inspection: Inspection) -> str:
    text = inspection.text
    return repr(text if len(text) <= LONGEST_TITLE else text[: LONGEST_TITLE - 1] + "…") if text else "nothing"


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red / 255, green / 255, blue / 255
