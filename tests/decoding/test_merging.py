import itertools

import numpy as np
import pytest

from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.decoding.merging import ClassMerging
from grcnn_ocr.text.charset import Charset

CASED = Charset("ab1AB.", fold_case=False, drop_punctuation=False)
PLAIN = Charset("1ab")


def log_softmax(shape, seed=0):
    logits = np.random.default_rng(seed).normal(size=shape)
    return (logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))).astype(np.float32)


def test_probabilities_of_what_folds_to_one_character_are_added():
    log_probs = log_softmax((2, 3, 7))
    p, merged = np.exp(log_probs), np.exp(ClassMerging(CASED, PLAIN)(log_probs))
    blank, a, b, one, upper_a, upper_b, dot = np.moveaxis(p, 2, 0)
    np.testing.assert_allclose(np.moveaxis(merged, 2, 0), [blank + dot, one, a + upper_a, b + upper_b], rtol=1e-5)


def test_likelihood_is_that_of_all_paths_that_fold_to_the_word():
    log_probs = log_softmax((1, 4, 7))
    [found] = log_likelihoods(ClassMerging(CASED, PLAIN)(log_probs), [4], [PLAIN.encode("ab")], [0])
    total = 0.0
    for path in itertools.product(range(7), repeat=4):
        characters = [PLAIN.fold(CASED.decode([k])) if k else "" for k in path]
        if "".join(key for key, _ in itertools.groupby(characters)) == "ab":
            total += np.exp(sum(log_probs[0, t, k] for t, k in enumerate(path)))
    assert np.exp(found) == pytest.approx(total)


def test_what_is_impossible_stays_impossible_and_what_is_unlikely_possible():
    log_probs = np.full((1, 1, 7), -np.inf, np.float32)
    log_probs[0, 0, :2] = 0.0, -900.0
    merged = ClassMerging(CASED, PLAIN)(log_probs)
    np.testing.assert_array_equal(merged[0, 0], [0.0, -np.inf, -900.0, -np.inf])


def test_the_same_charset_changes_nothing():
    log_probs = log_softmax((2, 3, 7))
    np.testing.assert_array_equal(ClassMerging(CASED, CASED)(log_probs), log_probs)


def test_a_letter_that_folds_to_several_becomes_the_first_of_them():
    log_probs = log_softmax((1, 4, 8))
    blank, s, e, sharp, t, h, acute, thorn = np.moveaxis(np.exp(log_probs), 2, 0)
    merged = np.exp(ClassMerging(Charset("seßthéþ"), Charset("seth"))(log_probs))
    np.testing.assert_allclose(np.moveaxis(merged, 2, 0), [blank, s + sharp, e + acute, t + thorn, h], rtol=1e-5)


def test_charsets_that_do_not_go_together_are_errors_that_name_the_characters():
    with pytest.raises(ValueError, match=r"charset 'digits' has no character for 'abAB' .*allowed"):
        ClassMerging(CASED, Charset.named("digits"))
    with pytest.raises(ValueError, match=r"--allow\); no charset has the name 'asci'; did you mean 'ascii94'\?"):
        ClassMerging(CASED, Charset.named("asci"))
    with pytest.raises(ValueError, match=r"the network does not know '0', it writes 'custom'"):
        ClassMerging(PLAIN, Charset("1ab0"))
