import random
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grcnn_ocr.decoding.lexicon import TOGETHER, Answer, best_words, check_lexicon
from grcnn_ocr.decoding.search import search
from grcnn_ocr.decoding.trie import plant
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


def random_log_probs(seed: int, num_frames: int, sharpness: float = 3.0) -> np.ndarray:
    logits = sharpness * np.random.default_rng(seed).standard_normal((num_frames, 4))
    return torch.from_numpy(logits).log_softmax(1).numpy()


def best(log_probs: np.ndarray, words: list[str], **options) -> list[Answer]:
    """The answers for one image."""
    return best_words(log_probs[None], [len(log_probs)], [words], CHARSET, **options)[0]


def assert_same_order(answers: list[Answer], scores: list[tuple[float, str]]) -> None:
    """The best scores, and the same words but where scores agree to 1e-8."""
    best_scores = [loss for loss, _ in scores[: len(answers)]]
    assert [-answer.log_likelihood for answer in answers] == pytest.approx(best_scores, rel=1e-9)
    for place, answer in enumerate(answers):
        same = {word for loss, word in scores if abs(loss - scores[place][0]) <= 1e-8 or loss == scores[place][0]}
        assert CHARSET.fold(answer.spellings[0]) in same


WORD_LISTS = st.lists(st.text("abcABC", min_size=1, max_size=8), min_size=1, max_size=30)


@settings(max_examples=150)
@given(
    seed=st.integers(0, 10**6),
    num_frames=st.integers(1, 14),
    sharpness=st.sampled_from([0.0, 0.5, 3.0, 30.0]),
    num_best=st.integers(1, 6),
    words=WORD_LISTS,
)
def test_lexicon_search_equals_brute_force(seed, num_frames, sharpness, num_best, words):
    log_probs = random_log_probs(seed, num_frames, sharpness)
    scores = brute_force(log_probs, words)
    answers = best(log_probs, words, num_best=num_best)
    assert len(answers) == min(num_best, len(scores))
    assert_same_order(answers, scores)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), lists=st.lists(WORD_LISTS, min_size=1, max_size=6))
def test_an_answer_does_not_depend_on_the_other_images(seed, lists):
    """Each has its own length and its own list."""
    lengths = np.random.default_rng(seed).integers(1, 20, len(lists)).tolist()
    images = [random_log_probs(seed + number, length) for number, length in enumerate(lengths)]
    together = np.full((len(lists), max(lengths), 4), np.nan)
    for row, image in zip(together, images, strict=True):
        row[: len(image)] = image
    for answers, image, words in zip(
        best_words(together, lengths, lists, CHARSET, num_best=3, posteriors=True), images, lists, strict=True
    ):
        alone = best(image, words, num_best=3, posteriors=True)
        assert [answer.spellings[0] for answer in answers] == [answer.spellings[0] for answer in alone]
        assert [answer.posterior for answer in answers] == pytest.approx([a.posterior for a in alone], rel=1.1e-3)
        assert_same_order(answers, brute_force(image, words))


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), sharpness=st.sampled_from([0.3, 3.0, 10.0]), words=WORD_LISTS)
def test_posteriors_are_shares_of_the_whole_list(seed, sharpness, words):
    log_probs = random_log_probs(seed, 12, sharpness)
    losses = np.array([loss for loss, _ in brute_force(log_probs, words)])
    if not np.isfinite(losses).any():
        return
    shares = np.exp(-losses) / np.exp(-losses).sum()
    found = np.array([answer.posterior for answer in best(log_probs, words, num_best=3, posteriors=True)])
    assert (found <= shares[:3] * (1 + 1e-9)).all()
    assert (found >= shares[:3] * (1 - 1.1e-3)).all()


def test_alternatives_of_many_images_need_no_more_memory_than_of_one():
    """Of vague images hardly any node can be skipped."""
    words = ["".join(random.Random(seed).choices("abc", k=9)) for seed in range(2000)]

    def peak(num_images: int) -> int:
        log_probs = np.stack([random_log_probs(seed, 24, 0.1) for seed in range(num_images)])
        best_words(log_probs[:1], [24], [words], CHARSET)  # prepares the list
        tracemalloc.start()
        best_words(log_probs, [24] * num_images, [words] * num_images, CHARSET, num_best=3, posteriors=True)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(8) < 2 * peak(1)


@pytest.mark.parametrize(("num_frames", "expected"), [(16, [128, 2]), (96, [21] * 6 + [4]), (5000, [1] * 3)])
def test_fewer_images_are_searched_together_the_wider_they_are(monkeypatch, num_frames, expected):
    sizes = []
    monkeypatch.setattr(
        "grcnn_ocr.decoding.lexicon.search", lambda rows, *options: sizes.append(len(rows)) or search(rows, *options)
    )
    log_probs = np.tile(np.log([0.94, 0.02, 0.02, 0.02]), (sum(expected), num_frames, 1))
    best_words(log_probs, [num_frames] * len(log_probs), [["ab", "c"]] * len(log_probs), CHARSET)
    assert sizes == expected and max(sizes) * num_frames <= max(TOGETHER, num_frames)


def test_a_long_improbable_image_is_searched_without_underflow():
    """Every word here has a likelihood below the smallest float64, and the right one is still found."""
    log_probs = np.full((400, 4), -40.0)
    log_probs[:, 3] = -1e-12  # "c" throughout, which no word holds
    log_probs[7, 1] = -20.0
    words = ["ab", "ba", "a", "b", "aab"]
    answers = best(log_probs, words, num_best=2)
    assert_same_order(answers, brute_force(log_probs, words))
    assert answers[0].log_likelihood < -10_000


def test_the_answer_is_spelt_as_in_the_list():
    log_probs = np.log(np.full((4, 4), 0.25))
    assert best(log_probs, ["CA", "Ca", "BBBB"])[0].spellings[0] == "Ca"


@given(seed=st.integers(0, 10**6))
def test_the_order_of_the_list_plays_no_part(seed):
    """Ties included: words too long for the frames are all equally impossible."""
    log_probs = random_log_probs(seed, 3, 1.0)
    words = ["abab", "bbcc", "aabb", "cabc"] if seed % 2 else ["ab", "ba", "c", "ccc", "abab"]
    shuffled = random.Random(seed).sample(words, len(words))
    assert best(log_probs, words, num_best=4) == best(log_probs, shuffled, num_best=4)


def test_of_equally_likely_words_the_alphabetically_first_wins():
    log_probs = np.log(np.full((2, 4), 0.25))
    assert best(log_probs, ["ca", "ab", "bc"])[0].spellings[0] == "ab"


def test_words_outside_the_charset_are_never_the_answer():
    log_probs = np.log(np.full((4, 4), 0.25))
    assert best(log_probs, ["日本", "cab"])[0].spellings[0] == "cab"
    with pytest.raises(ValueError, match="none of the 1 words"):
        best(log_probs, ["日本"])


def test_equal_lists_are_prepared_once_and_others_of_their_length_are_told_apart(monkeypatch):
    planted = []
    monkeypatch.setattr("grcnn_ocr.decoding.lexicon.plant", lambda lists: planted.append(lists) or plant(lists))
    log_probs = np.log(np.full((4, 4), 0.25))
    found = [best(log_probs, list(words))[0].spellings[0] for words in (["cab", "bc"], ["ab", "acb"], ["cab", "bc"])]
    assert found == ["bc", "ab", "bc"] and len(planted) == 2


def test_words_that_can_never_be_the_answer_are_reported(caplog):
    check_lexicon(Lexicon.shared(["ab", "日本", "aaa", "abcabc"], name="words.txt"), 3, CHARSET, num_frames=5)
    assert "words.txt: 1 word not of charset 'abc', never the answer: '日本'" in caplog.text
    assert "words.txt: 1 word too long for 5 frames, never the answer: 'abcabc'" in caplog.text


def test_a_list_without_a_writable_word_is_named_before_any_reading():
    lists = Lexicon((("ab", "日"), ("本", "語")), per_image=True, name="lists.txt")
    with pytest.raises(
        ValueError, match=r"lists\.txt, line 2: none of its 2 words can be written in charset 'abc': '本', '語'"
    ):
        check_lexicon(lists, 2, CHARSET, num_frames=26)


def test_a_list_of_words_too_long_is_refused():
    with pytest.raises(ValueError, match=r"words\.txt: all its words are too long for 5 frames: 'abcabc'"):
        check_lexicon(Lexicon.shared(["日本", "abcabc"], name="words.txt"), 3, CHARSET, num_frames=5)


def test_a_lexicon_is_warned_of_once(caplog):
    lexicon = Lexicon.shared(["ab", "日本語"], name="once.txt")
    for _ in range(3):
        check_lexicon(lexicon, 1, CHARSET, num_frames=26)
    assert caplog.text.count("once.txt") == 1
