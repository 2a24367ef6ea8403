import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from grcnn_ocr.evaluation.html import SHOWN_ERRORS, as_html
from grcnn_ocr.evaluation.markup import element, page
from grcnn_ocr.evaluation.metrics import Counts, compare
from grcnn_ocr.evaluation.plot import Plot
from grcnn_ocr.evaluation.protocol import Protocol, find_protocol
from grcnn_ocr.evaluation.report import Means
from grcnn_ocr.evaluation.suite import Measurement, WordSet
from grcnn_ocr.evaluation.words import Example, Result
from grcnn_ocr.text.charset import Charset

EXACT = find_protocol("charset", Charset("".join(map(chr, range(32, 127))), False, False, False))
W = Means("w.safetensors", "alnum36", "float32")
READINGS = [("open", "open"), ("<b>&\"'", '<b>&"x'), ("street", "strxet"), ("", ""), ("a", "")]


class Drawn:
    path = Path("<i>data</i>.tsv")

    def image(self, index: int) -> bytes:
        return cv2.imencode(".png", np.full((100 + index, 50, 3), 40 * (index % 5), np.uint8))[1].tobytes()

    def place(self, index: int) -> str:
        return f"image {index} of <script>alert(1)</script>"


class Texts(HTMLParser):
    """Collects tags, attributes and text as a browser would understand them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags = ["page"]
        self.attributes: list[tuple[str, str | None]] = []
        self.marked: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data
        if self.tags[-1] == "mark":
            self.marked.append(data)
            self.tags.append("")


def measured(readings=READINGS, protocol: Protocol = EXACT, name="a <set>") -> Measurement:
    examples = [
        Example(i, Drawn().place(i), label, text, 0.9 - i / 1000, -1.0, 100 + i)
        for i, (label, text) in enumerate(readings)
    ]
    counts = sum((compare(text, label) for label, text in readings), Counts())
    source = Drawn()
    return Measurement(WordSet(name, source, protocol, (None,)), Result(str(source.path), None, counts, 1.0, examples))


def test_the_report_is_one_file_that_runs_and_fetches_nothing():
    report = as_html([measured()], W)
    assert not {"script", "link", "iframe", "object"} & set(Texts(report).tags)
    links = [value for name, value in Texts(report).attributes if name in ("src", "href")]
    assert links and all(link.startswith(("data:image/png;base64,", "#")) for link in links)
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", report)


def test_texts_are_escaped_and_come_back_whole():
    report = Texts(as_html([measured()], Means("<weights>", "alnum36", "float32")))
    for text in ("a <set>", "<weights>", "<i>data</i>.tsv", "image 1 of <script>alert(1)</script>", "<b>&\"'"):
        assert text in report.text
    assert "i" not in report.tags and "b" not in report.tags


def test_differing_characters_are_marked_in_label_and_reading():
    assert Texts(as_html([measured([("street", "strxet"), ("ab", "b")])], W)).marked == ["e", "x", "a"]


def test_images_are_inside_in_gray_and_small():
    report = as_html([measured()], W)
    images = [base64.b64decode(found) for found in re.findall(r'src="data:image/png;base64,([^"]+)"', report)]
    shapes = [cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_UNCHANGED).shape for image in images]
    assert len(shapes) == 3 and all(shape[0] == 48 and len(shape) == 2 for shape in shapes)


def test_every_figure_has_its_count():
    text = Texts(as_html([measured()], W)).text
    assert "2 of 5 images read right: 40.0 % (11.8 to 76.9 %)" in text
    assert "Wrong readings: 3 of 5" in text and "of 5 images, in 5 bins" in text


def test_no_more_errors_are_shown_than_said():
    readings = [(f"word{number}", "x") for number in range(SHOWN_ERRORS + 5)]
    report = as_html([measured(readings)], W)
    assert report.count("<img") == SHOWN_ERRORS and f"{SHOWN_ERRORS} of {SHOWN_ERRORS + 5} shown" in report


@pytest.mark.parametrize("readings", [[("a", "a")], [("a", "b")]])
def test_results_all_right_or_all_wrong_are_drawn(readings):
    report = as_html([measured(readings), measured(readings, name="other")], W)
    assert report.count("<svg") == 4 and "nan" not in Texts(report).text
    assert "#result-2" in report and 'id="result-2"' in report


def test_a_plot_puts_shares_where_its_ticks_are():
    plot = Plot("x", "across", "up", y_range=(0.5, 1.0))
    ticks = {text.text: (float(text.get("x")), float(text.get("y"))) for text in plot.svg.findall("text")}
    plot.dot(0.2, 0.9, "here")
    plot.line([0.0, 0.4], [0.5, 1.0])
    circle, line = plot.svg.find("circle"), plot.svg.find("polyline")
    assert (float(circle.get("cx")), float(circle.get("cy")) + 4) == (ticks["20"][0], ticks["90"][1])
    [start, end] = [[float(number) for number in point.split(",")] for point in line.get("points").split()]
    assert start == [ticks["0"][0], ticks["50"][1] - 4] and end == [ticks["40"][0], ticks["100"][1] - 4]
    assert start[0] < end[0] and start[1] > end[1]  # SVG counts downwards


def test_elements_escape_and_replace_what_a_page_cannot_hold():
    text = page(
        "t\x00", "p > a { color: red }", element("p", "a\x1bb", element("b", "<"), " & ", class_="x", title='"')
    )
    assert "<title>t\ufffd</title>" in text and "p > a { color: red }" in text
    assert '<p class="x" title="&quot;">a\ufffdb<b>&lt;</b> &amp; </p>' in text
