"""A report of readings as one HTML file, with images and plots embedded and no scripts."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from xml.etree.ElementTree import Element

import cv2

from grcnn_ocr.datasets.words import WordSource, decoded
from grcnn_ocr.evaluation.analysis import (
    Bin,
    Judged,
    align,
    by_height,
    by_length,
    confusions,
    judge,
    wilson_interval,
    worst,
)
from grcnn_ocr.evaluation.calibration import BINS, coverage_curve, expected_calibration_error, reliability
from grcnn_ocr.evaluation.markup import element, page
from grcnn_ocr.evaluation.plot import Plot
from grcnn_ocr.evaluation.report import NOTES, TEXTS, Means, cells, placements, warnings
from grcnn_ocr.evaluation.suite import Measurement
from grcnn_ocr.wording import counted

SHOWN_ERRORS = 60
SHOWN_CONFUSIONS = 40
IMAGE_HEIGHT, IMAGE_WIDTH = 48, 320
"""In pixels, at most."""
COVERAGES = (0.5, 0.8, 0.9, 0.95, 1.0)
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2430; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; border-top: 1px solid #ccd3dc; padding-top: 1.5rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #e3e7ec; text-align: left; vertical-align: middle; }
th { font-weight: 600; border-bottom-color: #9aa5b1; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.text { font-family: ui-monospace, monospace; font-size: 1.05em; white-space: pre-wrap; overflow-wrap: break-word; }
.note { color: #5b6673; font-size: .9em; overflow-wrap: anywhere; }
.warning { background: #fff4d6; padding: .4rem .8rem; }
.pair { display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: flex-start; }
mark { background: #ffc9c2; color: inherit; border-radius: 2px; }
.bar { width: 5rem; background: #edf0f3; }
.bar div { background: #2f6db3; height: .8rem; }
img { display: block; max-width: 320px; background: #edf0f3; }
svg text { font-size: 12px; fill: #5b6673; }
.grid { stroke: #e3e7ec; }
.curve { fill: none; stroke: #2f6db3; stroke-width: 2; }
.ideal { fill: none; stroke: #9aa5b1; stroke-dasharray: 4 4; }
.dot { fill: #2f6db3; }
"""


def as_html(measurements: Sequence[Measurement], means: Means) -> str:
    """Write the report: a summary, then for each result its errors, confusions, sizes and calibration.

    Raises:
        ValueError: if an image can no longer be read, naming it.
    """
    rows = [cells(measurement) for measurement in measurements]
    summary = _table(
        [(name, name not in TEXTS) for name in rows[0]],
        [
            [element("a", row["data"], href=f"#result-{number}"), *list(row.values())[1:]]
            for number, row in enumerate(rows, start=1)
        ],
    )
    return page(
        "Evaluation of word readings",
        STYLE,
        element("h1", "Evaluation of word readings"),
        element("p", f"Read by {means}"),
        summary,
        element("p", NOTES, class_="note"),
        *(element("p", warning, class_="warning") for warning in warnings(measurements)),
        *(element("p", line) for line in placements(measurements)),
        *(_section(number, measurement) for number, measurement in enumerate(measurements, start=1)),
    )


def _section(number: int, measurement: Measurement) -> Element:
    result, words = measurement.result, measurement.words
    judged = judge(result.examples, words.protocol.fold)
    counts = result.counts
    low, high = wilson_interval(counts.correct, counts.images)
    return element(
        "section",
        element("h2", f"{words.name}, lexicon: {result.lexicon or 'none'}", id=f"result-{number}"),
        element(
            "p",
            f"{counts.correct} of {counts.images} images read right: {100 * counts.word_accuracy:.1f} % "
            f"({100 * low:.1f} to {100 * high:.1f} %). Protocol: {words.protocol.name}. Data: {result.data}",
            class_="note",
        ),
        *_errors(judged, words.source),
        *_confusions(judged),
        element("h3", "Accuracy by size"),
        element(
            "div",
            _bins("characters of the label", by_length(judged)),
            _bins("pixels of height", by_height(judged)),
            class_="pair",
        ),
        *_calibration(judged),
    )


def _errors(judged: Sequence[Judged], source: WordSource) -> list[Element]:
    wrong = worst(judged)
    title = element("h3", f"Wrong readings: {len(wrong)} of {len(judged)}")
    if not wrong:
        return [title]
    rows: list[list[Element | str]] = []
    for reading in wrong[:SHOWN_ERRORS]:
        pairs = align(reading.label, reading.text)
        stored = f", stored as {reading.example.label!r}" if reading.example.label != reading.label else ""
        rows.append(
            [
                _image(source, reading),
                _marked([(label, label != text) for label, text in pairs]),
                _marked([(text, label != text) for label, text in pairs]),
                f"{100 * reading.example.confidence:.0f} %",
                str(reading.edits),
                element("span", reading.example.place + stored, class_="note"),
            ]
        )
    columns = [("image", False), ("label", False), ("reading", False), ("confidence", True), ("edits", True)]
    note = (
        f"The most confident first, then those of most edits; {min(len(wrong), SHOWN_ERRORS)} of {len(wrong)} shown. "
        "Texts as the protocol compares them, images in gray levels as the network gets them."
    )
    return [title, element("p", note, class_="note"), _table([*columns, ("place", False)], rows)]


def _marked(parts: Sequence[tuple[str, bool]]) -> Element:
    """Write a text from its characters, each given with whether to mark it."""
    shown = [element("mark", part) if differs else part for part, differs in parts if part]
    return element("bdi", *shown, class_="text")


def _image(source: WordSource, reading: Judged) -> Element:
    pixels = decoded(source, reading.example.index)
    height, width = pixels.shape
    scale = min(IMAGE_HEIGHT / height, IMAGE_WIDTH / width)
    if scale < 1:
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".png", pixels)
    address = f"data:image/png;base64,{base64.b64encode(encoded.tobytes()).decode()}"
    return element("img", src=address, alt=reading.label, title=f"{width} x {height} pixels")


def _confusions(judged: Sequence[Judged]) -> list[Element]:
    found = confusions(judged)
    if not found:
        return []
    rows: list[list[Element | str]] = [
        [
            element("span", confusion.label, class_="text"),
            element("span", confusion.text, class_="text"),
            confusion.kind,
            str(confusion.count),
            element("span", f"{confusion.example.label} read as {confusion.example.text or 'nothing'}", class_="text"),
        ]
        for confusion in found[:SHOWN_CONFUSIONS]
    ]
    total = sum(confusion.count for confusion in found)
    note = f"{counted(total, 'edit')} of {counted(len(found), 'kind')}, by the alignment of fewest; {len(rows)} shown."
    columns = [("label", False), ("reading", False), ("kind", False), ("count", True), ("for example", False)]
    details = element("details", element("summary", "Which characters"), _table(columns, rows), open="open")
    return [element("h3", "Confusions"), element("p", note, class_="note"), details]


def _bins(name: str, bins: Sequence[Bin]) -> Element:
    rows: list[list[Element | str]] = []
    for part in bins:
        low, high = wilson_interval(part.correct, part.images)
        filled = element("div", style=f"width: {100 * part.accuracy:.1f}%")
        accuracy = f"{100 * part.accuracy:.1f} ({100 * low:.0f} to {100 * high:.0f})"
        rows.append([part.name, str(part.images), accuracy, element("div", filled, class_="bar")])
    return _table([(name, False), ("images", True), ("word accuracy, %", True), ("", False)], rows)


def _calibration(judged: Sequence[Judged]) -> list[Element]:
    confidences = [reading.example.confidence for reading in judged]
    right = [reading.right for reading in judged]
    bins = reliability(confidences, right)
    plot = Plot("Accuracy by confidence", "confidence, %", "accuracy, %")
    plot.line((0, 1), (0, 1), "ideal")
    plot.line([part.confidence for part in bins], [part.accuracy for part in bins])
    for part in bins:
        plot.dot(
            part.confidence,
            part.accuracy,
            f"{counted(part.images, 'image')}, confidence {100 * part.confidence:.1f} %, "
            f"accuracy {100 * part.accuracy:.1f} %",
        )
    curve = coverage_curve(confidences, right)
    floor = min(int(10 * min(curve.accuracy)) / 10, 0.9)
    coverage = Plot("Accuracy by coverage", "images kept, %", "accuracy of those kept, %", y_range=(floor, 1.0))
    coverage.line(curve.coverage.tolist(), curve.accuracy.tolist())
    kept = []
    for share in COVERAGES:
        at = int((curve.coverage >= share - 1e-9).argmax())
        figures = [100 * curve.coverage[at], 100 * curve.accuracy[at], 100 * curve.thresholds[at]]
        kept.append([str(round(curve.coverage[at] * len(judged))), *(f"{value:.1f}" for value in figures)])
    error = 100 * expected_calibration_error(confidences, right)
    note = (
        f"Expected calibration error: {error:.1f} % of {len(judged)} images, in {len(bins)} bins of about equally many "
        f"(at most {BINS}; equal confidences are never parted)."
    )
    columns = ["images kept", "share, %", "accuracy, %", "least confidence, %"]
    table = _table([(name, True) for name in columns], kept)
    return [
        element("h3", "Calibration"),
        element("p", note, class_="note"),
        element("div", plot.svg, coverage.svg, class_="pair"),
        table,
    ]


def _table(columns: Sequence[tuple[str, bool]], rows: Sequence[Sequence[Element | str]]) -> Element:
    """Make a table; each column is given with whether it holds numbers."""
    kinds = [{"class_": "number"} if is_number else {} for _, is_number in columns]
    head = element("tr", *(element("th", name, **kind) for (name, _), kind in zip(columns, kinds, strict=True)))
    body = [
        element("tr", *(element("td", cell, **kind) for cell, kind in zip(row, kinds, strict=True))) for row in rows
    ]
    return element("table", element("thead", head), element("tbody", *body))
