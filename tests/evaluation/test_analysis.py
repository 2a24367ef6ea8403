import editdistance
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.evaluation.analysis import Judged, align, by_height, by_length, confusions, judge, wilson_interval, worst
from grcnn_ocr.evaluation.protocol import ALPHANUMERIC
from grcnn_ocr.evaluation.words import Example

TEXTS = st.text("abc", max_size=6)


def reading(label: str, text: str, confidence: float = 0.5, index: int = 0, height: int = 32) -> Example:
    return Example(index, f"sample {index}", label, text, confidence, -1.0, height)


def judged(*pairs: tuple[str, str]) -> list[Judged]:
    return judge([reading(*pair, index=index) for index, pair in enumerate(pairs)], ALPHANUMERIC.fold)


def test_readings_are_judged_as_the_protocol_folds_them():
    [right, wrong] = judged(("Don't", "DONT"), ("Stop", "sto"))
    assert right.right and right.label == "dont" and right.example.label == "Don't"
    assert not wrong.right and wrong.edits == 1


@pytest.mark.parametrize(
    ("label", "text", "pairs"),
    [
        ("cat", "cut", [("c", "c"), ("a", "u"), ("t", "t")]),
        ("cat", "at", [("c", ""), ("a", "a"), ("t", "t")]),
        ("at", "cat", [("", "c"), ("a", "a"), ("t", "t")]),
        ("", "", []),
        ("ab", "", [("a", ""), ("b", "")]),
    ],
)
def test_alignments_by_hand(label, text, pairs):
    assert align(label, text) == pairs


@given(TEXTS, TEXTS)
def test_an_alignment_spells_both_texts_with_the_fewest_edits(label, text):
    pairs = align(label, text)
    assert "".join(a for a, _ in pairs) == label and "".join(b for _, b in pairs) == text
    assert sum(a != b for a, b in pairs) == editdistance.eval(label, text)


def test_confusions_are_counted_with_their_clearest_example():
    found = confusions(judged(("line", "1inx"), ("long", "1ong"), ("all", "al"), ("all", "alll"), ("ok", "ok")))
    assert [(c.label, c.text, c.kind, c.count) for c in found] == [
        ("l", "1", "substitution", 2),
        ("", "l", "insertion", 1),
        ("e", "x", "substitution", 1),
        ("l", "", "deletion", 1),
    ]
    assert found[0].example.label == "long"  # one edit, where "line" has two


def test_the_worst_errors_are_the_most_confident_then_those_of_most_edits():
    examples = [
        reading("ab", "xy", 0.301, 0),
        reading("ab", "ab", 0.99, 1),
        reading("ab", "ax", 0.304, 2),
        reading("ab", "ax", 0.9, 3),
    ]
    assert [r.example.index for r in worst(judge(examples, ALPHANUMERIC.fold))] == [3, 0, 2]


def test_wilson_intervals_by_hand():
    low, high = wilson_interval(8, 10)  # a textbook's
    assert low == pytest.approx(0.4902, abs=1e-4) and high == pytest.approx(0.9433, abs=1e-4)
    assert wilson_interval(0, 10)[0] == 0 and wilson_interval(10, 10)[1] == 1
    assert wilson_interval(0, 0) == (0, 1)


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_share_and_narrows_with_more_images(images, data):
    correct = data.draw(st.integers(0, images))
    low, high = wilson_interval(correct, images)
    assert 0 <= low <= correct / images <= high <= 1
    wide = wilson_interval(10 * correct, 10 * images)
    assert wide[1] - wide[0] < high - low


def test_bins_of_length_count_folded_characters():
    bins = by_length(judged(("it's", "its"), ("its", "it"), ("a" * 10, "a" * 10), ("a" * 11, ""), ("a" * 40, "")))
    assert [(b.name, b.images, b.correct) for b in bins] == [("3", 2, 1), ("10 to 11", 2, 1), ("from 15", 1, 0)]
    assert bins[0].accuracy == 0.5


@given(st.lists(st.integers(1, 400), max_size=30))
def test_every_image_is_in_one_bin_of_height(heights):
    examples = [reading("a", "a", height=height) for height in heights]
    bins = by_height(judge(examples, ALPHANUMERIC.fold))
    assert sum(b.images for b in bins) == len(heights)
    assert all(sum(b.low <= h and (b.high is None or h <= b.high) for h in heights) == b.images for b in bins)
