import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from grcnn_ocr.decoding.lexicon import best_words
from grcnn_ocr.decoding.nearest import near_words
from grcnn_ocr.text.charset import Charset

CHARSET = Charset("abc", name="abc")


def says(text: str) -> np.ndarray:
    probabilities = np.full((2 * len(text), 4), 0.02)
    probabilities[1::2, 0] = 0.94
    probabilities[np.arange(0, 2 * len(text), 2), CHARSET.encode(text)] = 0.94
    return np.log(probabilities)[None]


@settings(max_examples=40)
@given(st.lists(st.text("abcABC", min_size=1, max_size=5), min_size=1, max_size=10))
def test_where_every_word_is_near_it_equals_the_exact_search(words):
    log_probs = says("abc")
    near = [word for word in words if len(word) <= 3]
    if near:
        assert near_words(log_probs, [6], [near], CHARSET) == [best_words(log_probs, [6], [near], CHARSET)[0][0]]


def test_words_far_from_the_reading_are_not_looked_at():
    assert near_words(says("abcabc"), [12], [["c", "b"]], CHARSET) == [None]
    [found] = near_words(says("abcabc"), [12], [["c", "ABCAAA", "日本"]], CHARSET)
    assert found is not None and found.spellings[0] == "ABCAAA"
