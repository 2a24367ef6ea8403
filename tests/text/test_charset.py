import string

import pytest

from grcnn_ocr.text.charset import CHARSETS, Charset, min_frames


def test_alnum36_is_in_the_published_order():
    assert Charset.named("alnum36").encode("09az") == [1, 10, 11, 36]
    assert Charset.named("alnum36").num_classes == 37


@pytest.mark.parametrize("name", CHARSETS)
def test_encode_and_decode_are_inverse(name):
    charset = Charset.named(name)
    assert charset.decode(charset.encode(charset.characters)) == charset.characters


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Hello", "hello"),
        ("CAFÉ", "cafe"),
        ("don't", "dont"),
        ("ﬁne", "fine"),
        ("a b", "ab"),
        ("½", "12"),
        ("50€", "50"),
    ],
)
def test_folding_to_alnum36(text, folded):
    assert Charset.named("alnum36").fold(text) == folded


def test_each_folding_can_be_turned_off():
    charset = Charset.named("alnum36", fold_case=False, fold_accents=False, drop_punctuation=False)
    assert charset.fold("Aé-b") == "Aé-b"
    assert charset.unknown("Aé-bé") == "Aé-"


def test_a_character_of_the_charset_is_never_folded():
    charset = Charset("aeéE-", fold_case=True)
    assert charset.fold("éE-É") == "éE-é"


def test_the_sigma_that_ends_a_word_is_one_where_the_charset_has_no_other():
    assert Charset("λογσ").fold("λόγος ΛΟΓΟΣ") == "λογοσλογοσ"
    assert Charset("ΛΟΓΣ").fold("λόγος") == "ΛΟΓΟΣ"
    assert Charset("λογσς").fold("λόγος") == "λογος"
    assert Charset("λογσ", fold_case=False).unknown("λογος") == "ς"


def test_accents_that_stand_apart_are_the_characters_with_them():
    charset = Charset("cafйод\u00e9")
    assert charset.fold("cafe\u0301") == "caf\u00e9" and charset.fold("и\u0306од") == "йод"
    assert Charset.named("alnum36").fold("Cafe\u0301") == "cafe"


def test_characters_of_parts_that_are_no_accents_stay_whole():
    for text in ("각", "\u09cb"):  # Hangul, Bengali
        assert Charset.named("alnum36").fold(f"{text}A") == f"{text}a" and Charset(text).fold(text) == text


def loosened(charset, *words):
    return charset.loosened([words]).characters


def test_words_of_a_list_are_looked_for_without_case():
    ascii94 = Charset.named("ascii94", fold_case=False, drop_punctuation=False)
    assert loosened(ascii94, "Open", "24", "New York") == CHARSETS["alnum36"]
    assert ascii94.loosened([["Open"]]).fold("New York") == "newyork"
    assert loosened(Charset("01AB", fold_case=False), "ab") == "01ab"
    assert loosened(Charset("ΛλΟοΓγΣσςßﬁ"), "λόγος") == "λογσßﬁ"
    assert Charset("ΛλΟοΓγΣσς").loosened([["ΛΌΓΟΣ"]]).fold("ΛΟΓΟΣ λόγος") == "λογοσλογοσ"


def test_marks_of_a_list_count_if_one_of_its_words_has_any():
    ascii94 = Charset.named("ascii94", fold_case=False, drop_punctuation=False)
    kept = CHARSETS["alnum36"] + string.punctuation
    assert loosened(ascii94, "Open", "24/7") == kept
    assert ascii94.loosened([["open"], ["don't"]]).fold("Don't – ever") == "don'tever"
    assert loosened(Charset("+-="), "abc") == "+-="


def test_unknown_characters_are_named():
    with pytest.raises(ValueError, match=r"'日本1': '日本' not in charset 'alnum36'"):
        Charset.named("alnum36").encode("日本1")


@pytest.mark.parametrize(("characters", "fault"), [("", "none at all"), ("aba", "'a' repeated")])
def test_empty_and_repeating_charsets_are_errors(characters, fault):
    with pytest.raises(ValueError, match=f"charset 'mine': {fault}; expected characters, once each"):
        Charset(characters, "mine")
    with pytest.raises(ValueError, match=f"charset {characters!r}: no such name, and as characters {fault}; expected"):
        Charset.named(characters)


def test_a_misspelt_name_is_not_taken_for_characters():
    with pytest.raises(ValueError, match=r"no charset 'alnum63'; did you mean 'alnum(62|36)'\? \(known: digits,"):
        Charset.named("alnum63")
    assert Charset.named("0123456789X").characters == "0123456789X"


def test_min_frames_counts_repeats():
    assert min_frames([]) == 0
    assert min_frames([5]) == 1
    assert min_frames([5, 5, 5, 6]) == 6
