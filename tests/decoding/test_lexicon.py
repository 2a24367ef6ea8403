import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grcnn_ocr.decoding.lexicon import best_word, check_lexicon
from grcnn_ocr.text.charset import Charset
from grcnn_ocr.text.lexicon import Lexicon

CHARSET = Charset("abc", name="abc")


def brute_force(log_probs: np.ndarray, words: list[str]) -> list[tuple[float, str]]:
    """Score words one by one by torch, best first, equals in alphabetical order."""
    scores = []
    for word in {CHARSET.fold(word) for word in words}:
        loss = torch.nn.functional.ctc_loss(
            torch.from_numpy(log_probs)[:, None],
            torch.tensor([CHARSET.encode(word)]),
            torch.tensor([len(log_probs)]),
            torch.tensor([len(word)]),
            reduction="sum",
        )
        scores.append((float(loss), word))
    return sorted(scores)


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 10**6),
    num_frames=st.integers(1, 14),
    words=st.lists(st.text("abcABC", min_size=1, max_size=8), min_size=1, max_size=20),
)
def test_lexicon_search_equals_brute_force(seed, num_frames, words):
    logits = 3 * np.random.default_rng(seed).standard_normal((num_frames, 4))
    log_probs = torch.from_numpy(logits).log_softmax(1).numpy()
    text, score = best_word(log_probs, words, CHARSET)
    scores = brute_force(log_probs, words)
    assert -score == pytest.approx(scores[0][0], rel=1e-9)
    if len(scores) == 1 or scores[1][0] - scores[0][0] > 1e-9:
        assert text == scores[0][1]


@settings(deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_the_list_plays_no_part(seed):
    """Ties included: words too long for the frames are all equally impossible."""
    logits = np.random.default_rng(seed).standard_normal((3, 4))
    log_probs = torch.from_numpy(logits).log_softmax(1).numpy()
    words = ["abab", "bbcc", "aabb", "cabc"] if seed % 2 else ["ab", "ba", "c", "ccc", "abab"]
    shuffled = random.Random(seed).sample(words, len(words))
    assert best_word(log_probs, words, CHARSET) == best_word(log_probs, shuffled, CHARSET)


def test_of_equally_likely_words_the_alphabetically_first_wins():
    log_probs = np.log(np.full((2, 4), 0.25))
    assert best_word(log_probs, ["ca", "ab", "bc"], CHARSET)[0] == "ab"


def test_words_outside_the_charset_are_never_the_answer():
    log_probs = np.log(np.full((4, 4), 0.25))
    assert best_word(log_probs, ["日本", "cab"], CHARSET)[0] == "cab"
    with pytest.raises(ValueError, match="none of the 1 words"):
        best_word(log_probs, ["日本"], CHARSET)


def test_words_that_can_never_be_the_answer_are_reported(caplog):
    check_lexicon(Lexicon.shared(["ab", "日本", "aaa", "abcabc"], name="words.txt"), 3, CHARSET, num_frames=5)
    assert "words.txt: 1 words cannot be written in charset 'abc' and are never the answer: '日本'" in caplog.text
    assert "words.txt: 1 words are too long for 5 frames and are never the answer: 'abcabc'" in caplog.text


def test_a_list_without_a_writable_word_is_named_before_any_reading():
    lists = Lexicon((("ab", "日"), ("本", "語")), per_image=True, name="lists.txt")
    with pytest.raises(
        ValueError, match=r"lists\.txt, line 2: none of its 2 words can be written in charset 'abc': '本', '語'"
    ):
        check_lexicon(lists, 2, CHARSET, num_frames=26)


def test_a_lexicon_is_warned_of_once(caplog):
    lexicon = Lexicon.shared(["ab", "日本語"], name="once.txt")
    for _ in range(3):
        check_lexicon(lexicon, 1, CHARSET, num_frames=26)
    assert caplog.text.count("once.txt") == 1
