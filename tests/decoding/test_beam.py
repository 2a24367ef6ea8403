import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grcnn_ocr.decoding.beam import BeamOptions, BeamSearch
from grcnn_ocr.decoding.greedy import greedy
from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.text.charset import Charset
from grcnn_ocr.text.ngram import NGram

AB1 = Charset("ab1")
ALNUM = Charset.named("alnum36")
ASCII = Charset.named("ascii94", fold_case=False, drop_punctuation=False)
UNBOUNDED = 10**4


def random_log_probs(seed: int, num_frames: int, num_classes: int, scale: float = 1.0) -> np.ndarray:
    logits = scale * np.random.default_rng(seed).standard_normal((num_frames, num_classes))
    logits -= logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def written(
    *frames: str, sure: float = 0.9, others: dict[int, dict[str, float]] | None = None, charset: Charset = ALNUM
) -> np.ndarray:
    """Log-probabilities of frames that show a character each ("" for a blank); `others` gives some more mass."""
    probs = np.full((len(frames), charset.num_classes), (1 - sure) / (charset.num_classes - 1))
    for t, char in enumerate(frames):
        probs[t, charset.encode(char)[0] if char else 0] = sure
        for other, mass in (others or {}).get(t, {}).items():
            probs[t, charset.encode(other)[0]] = mass
    return np.log(probs / probs.sum(axis=1, keepdims=True))


def every_text(charset: Charset, num_frames: int) -> list[tuple[int, ...]]:
    classes = range(1, charset.num_classes)
    return [word for n in range(num_frames + 1) for word in itertools.product(classes, repeat=n)]


def brute_force(log_probs, charset, model=None, weight=0.0, bonus=0.0, accept=lambda text: True):
    """Score every possible text; the best first, of equal ones the alphabetically first."""
    words = [word for word in every_text(charset, len(log_probs)) if accept(charset.decode(word))]
    scores = log_likelihoods(log_probs[None], [len(log_probs)], words, [0] * len(words))
    if model is not None:
        scores = scores + [weight * model.log_probability(word) + bonus * len(word) for word in words]
    found = [(float(score), charset.decode(word)) for score, word in zip(scores, words, strict=True)]
    return sorted((pair for pair in found if pair[0] > -np.inf), key=lambda pair: (-pair[0], pair[1]))


def assert_same(found, expected):
    assert [h.score for h in found] == pytest.approx([score for score, _ in expected], abs=1e-9, rel=1e-12)
    assert {h.text for h in found} == {text for _, text in expected}
    assert found == sorted(found, key=lambda h: (-h.score, h.text))


matrices = {
    "seed": st.integers(0, 10**6),
    "num_frames": st.integers(1, 5),
    "scale": st.sampled_from([0.0, 0.5, 2.0, 30.0]),
}


@settings(max_examples=80)
@given(**matrices, num_characters=st.integers(1, 3))
def test_an_unbounded_beam_equals_brute_force(seed, num_frames, scale, num_characters):
    charset = Charset("ab1"[:num_characters])
    log_probs = random_log_probs(seed, num_frames, charset.num_classes, scale)
    found = BeamSearch(charset, BeamOptions(width=UNBOUNDED, num_best=UNBOUNDED))(log_probs)
    assert_same(found, brute_force(log_probs, charset))
    assert all(h.score == h.log_likelihood and h.language_score == 0 for h in found)
    assert all(charset.decode(h.classes) == h.text for h in found)


@settings(max_examples=80)
@given(**matrices, num_characters=st.integers(1, 3))
def test_the_one_best_is_the_first_of_all(seed, num_frames, scale, num_characters):
    charset = Charset("ab1"[:num_characters])
    log_probs = random_log_probs(seed, num_frames, charset.num_classes, scale)
    [best] = BeamSearch(charset, BeamOptions(width=UNBOUNDED))(log_probs)
    assert best.score == pytest.approx(brute_force(log_probs, charset)[0][0], abs=1e-9, rel=1e-12)


@pytest.mark.parametrize(
    ("sure", "weight", "is_searched"), [(0.999, 0.35, False), (0.98, 0.35, True), (0.98, 0.0, False)]
)
def test_a_sure_reading_needs_no_search(sure, weight, is_searched, monkeypatch):
    model, _ = NGram.build(["cab", "dad"], ALNUM)
    search = BeamSearch(ALNUM, BeamOptions(language_model=model, weight=weight))
    calls, whole = [], search._search
    monkeypatch.setattr(search, "_search", lambda *args: calls.append(args) or whole(*args))
    assert search(written("z", "a", "b", sure=sure))[0].text == "zab" and len(calls) == is_searched
    with_alternatives = BeamSearch(ALNUM, BeamOptions(num_best=2, language_model=model, weight=weight))
    assert with_alternatives(written("z", "a", "b", sure=sure))[0].text == "zab"


def test_a_model_without_case_helps_a_network_with_case_and_leaves_it_the_marks():
    model, _ = NGram.build(["open", "shop"], ALNUM)
    log_probs = written(*"Qpen!", others={0: {"O": 0.6, "0": 0.6}}, charset=ASCII)
    plain, helped = (BeamSearch(ASCII, BeamOptions(language_model=each))(log_probs)[0] for each in (None, model))
    assert (plain.text, helped.text) == ("Qpen!", "Open!")
    assert helped.language_score == model.log_probability(ALNUM.encode("open"))
    assert helped.score == pytest.approx(helped.log_likelihood + 0.35 * helped.language_score + 0.9 * 4)


@settings(max_examples=40)
@given(**matrices, weight=st.sampled_from([0.0, 0.3, 2.0]), bonus=st.sampled_from([-0.5, 0.0, 1.0]))
def test_with_a_language_model_too(seed, num_frames, scale, weight, bonus):
    model, _ = NGram.build(["ab", "abba", "a1", "b"], AB1, order=3)
    log_probs = random_log_probs(seed, num_frames, 4, scale)
    options = BeamOptions(UNBOUNDED, UNBOUNDED, language_model=model, weight=weight, length_bonus=bonus)
    found = BeamSearch(AB1, options)(log_probs)
    assert_same(found, brute_force(log_probs, AB1, model, weight, bonus))
    assert all(h.language_score == model.log_probability(h.classes) for h in found)


@settings(max_examples=60)
@given(
    **matrices,
    pattern=st.sampled_from(
        [r"[ab]\d{2}", r"(a|1b)*", r"a{2,3}|\d", r"a?b+1{0,2}", r"(ab|ba|11){1,2}", r"[^a]*", r"\w??a\d", r"(?!a).*1"]
    ),
    allowed=st.sampled_from([None, "a1", "ab", "b1"]),
)
def test_with_constraints_too(seed, num_frames, scale, pattern, allowed):
    def accept(text: str) -> bool:
        return re.fullmatch(pattern, text) is not None and set(text) <= set(allowed or "ab1")

    log_probs = random_log_probs(seed, num_frames, 4, scale)
    options = BeamOptions(UNBOUNDED, UNBOUNDED, allowed and frozenset(allowed), pattern)
    try:
        search = BeamSearch(AB1, options)
    except ValueError:
        assert not any(accept(AB1.decode(word)) for word in every_text(AB1, 5))
    else:
        assert_same(search(log_probs), brute_force(log_probs, AB1, accept=accept))


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    num_frames=st.integers(1, 30),
    width=st.integers(1, 6),
    scale=st.sampled_from([0.3, 3.0, 300.0]),
)
def test_the_best_is_at_least_as_likely_as_the_greedy_reading(seed, num_frames, width, scale):
    log_probs = random_log_probs(seed, num_frames, 5, scale)
    best = BeamSearch(Charset("abcd"), BeamOptions(width))(log_probs)[0]
    reading = greedy(log_probs[None], [num_frames])[0]
    assert best.log_likelihood >= log_likelihoods(log_probs[None], [num_frames], [reading], [0])[0]


def test_a_beam_finds_what_greedy_misses():
    """Graves's example: the blank is the best of both frames, yet "a" is likelier than nothing: 0.64 to 0.36."""
    log_probs = np.log([[0.6, 0.4], [0.6, 0.4]])
    best, second = BeamSearch(Charset("a"), BeamOptions(num_best=2))(log_probs)
    assert (best.text, second.text) == ("a", "")
    assert np.exp([best.score, second.score]) == pytest.approx([0.64, 0.36])


def test_float32_is_scored_in_float64():
    log_probs = random_log_probs(1, 20, 37, 3.0).astype(np.float32)
    best = BeamSearch(ALNUM)(log_probs)[0]
    exact = log_likelihoods(log_probs[None].astype(np.float64), [20], [best.classes], [0])[0]
    assert best.log_likelihood == pytest.approx(exact, abs=1e-9)


def test_hypotheses_are_distinct_and_ordered():
    found = BeamSearch(ALNUM, BeamOptions(width=16, num_best=16))(random_log_probs(3, 26, 37))
    assert len(found) == 16 == len({h.text for h in found})
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


def test_equals_are_in_alphabetical_order():
    found = BeamSearch(Charset("ba1"), BeamOptions(num_best=4))(np.full((1, 4), np.log(0.25)))
    assert [h.text for h in found] == ["", "1", "a", "b"]


def test_a_language_model_turns_the_scale():
    log_probs = written("c", "", "l", "", "o", "", "s", "", "e", sure=0.8, others={2: {"1": 1.0}})
    model, _ = NGram.build(["close", "closed", "open"], ALNUM)
    assert BeamSearch(ALNUM)(log_probs)[0].text == "c1ose"
    assert BeamSearch(ALNUM, BeamOptions(language_model=model))(log_probs)[0].text == "close"
    assert BeamSearch(ALNUM, BeamOptions(language_model=model, weight=0.0))(log_probs)[0].text == "c1ose"


def test_only_allowed_characters_are_written():
    log_probs = written("a", "", "l", "", "5", others={2: {"1": 0.02}})
    digits = BeamOptions(width=8, num_best=8, allowed=frozenset("0123456789"))
    found = BeamSearch(ALNUM, digits)(log_probs)
    assert all(h.text == "" or h.text.isdecimal() for h in found) and "15" in {h.text for h in found}
    assert BeamSearch(ALNUM, BeamOptions(allowed=frozenset("AL")))(log_probs)[0].text == "al"


def test_the_whole_text_matches_the_pattern():
    log_probs = written("b", "", "o", "", "1", "", "2", "", "s", others={2: {"0": 0.05}, 8: {"5": 0.05}})
    assert BeamSearch(ALNUM)(log_probs)[0].text == "bo12s"
    assert BeamSearch(ALNUM, BeamOptions(pattern=r"[a-z]\d{4}"))(log_probs)[0].text == "b0125"
    assert BeamSearch(ALNUM, BeamOptions(pattern=r"[a-z]{2}\d{2}[a-z]"))(log_probs)[0].text == "bo12s"


@pytest.mark.parametrize(("charset", "is_met"), [("alnum36", True), ("alnum62", False)])
def test_a_pattern_is_of_either_case_where_the_charset_has_one(charset, is_met):
    charset = Charset.named(charset)
    log_probs = np.full((3, charset.num_classes), -20.0)
    log_probs[[0, 1, 2], [charset.encode("a")[0], 0, charset.encode("b")[0]]] = 0.0
    [best] = BeamSearch(charset, BeamOptions(pattern="[A-Z]+"))(log_probs)
    assert (best.text == "ab") == is_met


def test_a_pattern_far_from_the_image_is_still_met():
    """All that a beam of two would keep is prefixes that are too short; one for each length finds the rest."""
    log_probs = written(*[""] * 12, sure=0.999)
    found = BeamSearch(ALNUM, BeamOptions(width=2, num_best=2, pattern=r"\d{3}[a-c]{3}"))(log_probs)
    assert len(found) == 2 and all(re.fullmatch(r"\d{3}[a-c]{3}", h.text) for h in found)


def test_what_does_not_fit_the_frames_gives_no_hypothesis():
    log_probs = written("a", "b", "c")
    assert BeamSearch(ALNUM, BeamOptions(pattern=r"[a-z]{4}"))(log_probs) == []
    assert BeamSearch(ALNUM, BeamOptions(pattern=r"a{3}"))(log_probs) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pattern": r"é\d"}, r"pattern 'é\\\\d' matches no text of the characters '0123.*xyz'; .*'alnum36'"),
        ({"pattern": r"[a-z]{3}-\d"}, "matches no text"),
        ({"pattern": r"\d{2}-\d{2}"}, "matches no text"),
        ({"pattern": r"\d+", "allowed": frozenset("ab")}, "matches no text of the characters 'ab'"),
        ({"pattern": r"(\d"}, r"pattern '\(\\\\d' is not a regular expression: missing \)"),
        ({"allowed": frozenset("0.-")}, r"'-.0': '-.' not in charset 'alnum36' \(0123"),
        ({"allowed": frozenset()}, r"\(--allow\): none given; name one or more of 0123"),
        ({"language_model": NGram.build(["ab"], AB1)[0]}, r"'custom' \(ab1\) does not know '023456789c"),
    ],
)
def test_what_cannot_be_searched_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        BeamSearch(ALNUM, BeamOptions(**options))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"width": 0}, "width 0"), ({"num_best": 17}, "num_best 17 and width 16"), ({"weight": -1.0}, "weight -1.0")],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        BeamOptions(**options)


@pytest.mark.parametrize(
    "pattern",
    [
        r"[ab]{2}\d",
        r"a{1,2}|1b*",
        r"(a|b1)*1",
        r"(ab?|1{2,3}){2}",
        r"[^1]\w?",
        r"(?:a|ab)(?:1|b1)",
        r"(?=a).1?",
        "b.*1",
    ],
)
def test_partial_matching_keeps_exactly_the_prefixes_of_matches(pattern):
    """The library's promise that the search builds on; after lazy quantifiers it may keep a prefix too many."""
    texts = ["".join(chars) for n in range(8) for chars in itertools.product("ab1", repeat=n)]
    prefixes = {text[:n] for text in texts if re.fullmatch(pattern, text) for n in range(len(text) + 1)}
    search = BeamSearch(AB1, BeamOptions(pattern=pattern))
    assert {text for text in texts if len(text) < 5 and search._match(text, partial=True)} == {
        text for text in prefixes if len(text) < 5
    }
