import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.evaluation.metrics import Counts, compare
from grcnn_ocr.evaluation.protocol import ALPHANUMERIC, charset_protocol
from grcnn_ocr.text.charset import Charset

PAIRS = st.lists(st.tuples(st.text("ab", max_size=4), st.text("ab", min_size=1, max_size=4)), min_size=1)


def test_figures_of_three_words_by_hand():
    counts = compare("open", "open") + compare("opn", "open") + compare("", "ab")
    assert counts.images == 3
    assert counts.word_accuracy == 1 / 3
    assert counts.one_minus_ned == pytest.approx((1 + 3 / 4 + 0) / 3)
    assert counts.cer == pytest.approx((0 + 1 + 2) / (4 + 4 + 2))


@given(PAIRS, st.integers(0, 10))
def test_counts_of_shards_add_up(pairs, cut):
    def total(part):
        return sum((compare(*pair) for pair in part), Counts())

    whole, sharded = total(pairs), total(pairs[:cut]) + total(pairs[cut:])
    assert whole.word_accuracy == sharded.word_accuracy and whole.cer == sharded.cer
    assert whole.one_minus_ned == pytest.approx(sharded.one_minus_ned)


def test_no_images_have_no_accuracy():
    assert math.isnan(Counts().word_accuracy) and math.isnan(Counts().cer)


def test_protocols_fold_as_they_state():
    assert ALPHANUMERIC.fold("Don't – STOP 日本!") == "dontstop"
    assert charset_protocol(Charset.named("ascii94", fold_case=False, drop_punctuation=False)).fold("Don't") == "Don't"
    assert charset_protocol(Charset.named("alnum36")).fold("日A") == "日a"  # cannot be read, so counts as wrong
