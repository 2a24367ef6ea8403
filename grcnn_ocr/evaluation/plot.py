"""A small plot of shares, as SVG for a page."""

from __future__ import annotations

from collections.abc import Sequence

from grcnn_ocr.evaluation.markup import element

WIDTH, HEIGHT = 380, 300
"""Of the plot, in pixels."""
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 44
"""Margins around its axes."""
NUM_TICKS = 5


class Plot:
    """A plot of shares over shares, both labelled in percent, as inline SVG.

    Args:
        title: for screen readers.
        x_label: below the plot.
        y_label: to its left.
        y_range: shares at the lower and the upper edge.
    """

    def __init__(self, title: str, x_label: str, y_label: str, y_range: tuple[float, float] = (0.0, 1.0)) -> None:
        self._y_range = y_range
        self.svg = element(
            "svg",
            element("title", title),
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            width=WIDTH,
            height=HEIGHT,
            role="img",
            xmlns="http://www.w3.org/2000/svg",
        )
        left, bottom = self._at(0.0, y_range[0])
        right, top = self._at(1.0, y_range[1])
        for number in range(NUM_TICKS + 1):
            x = number / NUM_TICKS
            y = y_range[0] + x * (y_range[1] - y_range[0])
            across, up = self._at(x, y)
            self._line(across, bottom, across, top, "grid")
            self._line(left, up, right, up, "grid")
            self._text(across, bottom + 16, f"{100 * x:.0f}", text_anchor="middle")
            self._text(left - 6, up + 4, _percent(y, y_range), text_anchor="end")
        middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
        self._text(middle_x, HEIGHT - 8, x_label, text_anchor="middle")
        self._text(14, middle_y, y_label, text_anchor="middle", transform=f"rotate(-90 14 {middle_y:g})")

    def line(self, xs: Sequence[float], ys: Sequence[float], class_: str = "curve") -> None:
        """Draw a line through points."""
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self._at(*point) for point in zip(xs, ys, strict=True)))
        self.svg.append(element("polyline", points=points, class_=class_))

    def dot(self, x: float, y: float, text: str) -> None:
        """Draw a point with `text` as its tooltip."""
        across, up = self._at(x, y)
        self.svg.append(
            element("circle", element("title", text), cx=f"{across:.1f}", cy=f"{up:.1f}", r=4, class_="dot")
        )

    def _at(self, x: float, y: float) -> tuple[float, float]:
        """Return the position of a point in the picture, in pixels from the left and the top."""
        up = (y - self._y_range[0]) / (self._y_range[1] - self._y_range[0])
        return LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    def _line(self, x1: float, y1: float, x2: float, y2: float, class_: str) -> None:
        ends = {name: f"{value:.1f}" for name, value in (("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2))}
        self.svg.append(element("line", class_=class_, **ends))

    def _text(self, x: float, y: float, text: str, **attributes: object) -> None:
        self.svg.append(element("text", text, x=f"{x:.1f}", y=f"{y:.1f}", **attributes))


def _percent(share: float, span: tuple[float, float]) -> str:
    """Format a tick, with a decimal only if the ticks need one."""
    step = 100 * (span[1] - span[0]) / NUM_TICKS
    return f"{100 * share:.{0 if step >= 1 and abs(step - round(step)) < 1e-6 else 1}f}"
