import pytest

from grcnn_ocr.text.charset import CHARSETS, Charset, base_letter, min_frames


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


def test_strokes_and_other_marks_of_latin_letters_are_accents():
    assert Charset.named("alnum36").fold("Łódź, Øre, Đorđe, DIŞ dış") == "lodzoredordedisdis"
    assert Charset("øo").fold("ø") == "ø" and Charset("o", fold_accents=False).unknown("ø") == "ø"
    assert [base_letter(char) for char in "łƛ1Ðæ"] == ["l", "ƛ", "1", "D", "æ"]


def test_letters_that_are_no_others_with_an_accent_are_transliterated():
    assert Charset.named("alnum36").fold("Straße STRAẞE Ærø œuvre Þing ıIİi") == "strassestrasseaerooeuvrethingiiii"
    cased = Charset.named("ascii94", fold_case=False)
    assert cased.fold("Straße Æ œ Ðþ ıİ") == "StrasseAEoeDthiI"
    assert Charset.named("ascii94").fold("Straße") == "Strasse" and Charset("sß").fold("ß") == "ß"
    assert Charset("αηω").fold("ᾳ") == "α"


def test_characters_of_parts_that_are_no_accents_stay_whole():
    for text in ("각", "\u09cb"):  # Hangul, Bengali
        assert Charset.named("alnum36").fold(f"{text}A") == f"{text}a" and Charset(text).fold(text) == text


ASCII94 = Charset.named("ascii94", fold_case=False, drop_punctuation=False)
GREEK = Charset("ΛλΟοΓγΣσςßﬁ")


def listed(charset, *words):
    return charset.as_listed(words).characters


def test_words_of_a_list_are_looked_for_without_case():
    assert listed(ASCII94, "Open", "24", "New York") == CHARSETS["alnum36"]
    assert ASCII94.as_listed(["Open"]).fold("New York") == "newyork"
    assert listed(Charset("01AB", fold_case=False), "ab") == "01ab"
    assert listed(GREEK, "λόγος") == "λογσßﬁ" and GREEK.as_listed(["ΛΌΓΟΣ"]).fold("ΛΟΓΟΣ λόγος") == "λογοσλογοσ"
    assert Charset("ab").as_listed(["A"]).name == "custom" != ASCII94.as_listed(["A"]).name


def test_words_of_a_list_are_looked_for_with_the_marks_that_it_uses():
    assert listed(ASCII94, "Open", "24/7", "don't") == CHARSETS["alnum36"] + "'/"
    assert ASCII94.as_listed(["don't"]).fold("Don't – ever!") == "don'tever"
    assert listed(Charset("ab !"), "a b") == "ab " and listed(Charset("+-="), "abc") == "+-="


def test_words_of_a_list_are_looked_for_without_accents():
    latin = Charset.named("latin", fold_case=False, drop_punctuation=False)
    charset = latin.as_listed(["Café"])
    assert charset.characters == CHARSETS["alnum36"] + "æþœß" == latin.as_listed(["Cafe\u0301"]).characters
    assert charset.fold("Café CAFÉ ŁÓDŹ Straße ISI ısı isi İSİ") == "cafecafelodzstraßeisiisiisiisi"
    assert listed(Charset("αάβ"), "άβ") == "αβ" and listed(Charset("éb", fold_case=False), "éb") == "éb"


def test_words_of_a_list_may_be_looked_for_as_they_are_spelled():
    exact = ASCII94.as_listed(["a"], match_case=True)
    assert exact.fold("New – York!") == "NewYork!" and exact.characters == ASCII94.characters


def test_a_text_is_shown_with_a_character_for_each_that_it_folds_to():
    plain = Charset.named("alnum36")
    for text, shown in (("Don't", "Dont"), ("New York", "NewYork"), ("Ca\u0301fé", "Cáfé"), ("½ ﬁn", "12fin")):
        assert plain.shown(text) == shown and len(shown) == len(plain.encode(text))


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


def test_a_word_has_a_form_in_capitals_where_these_are_more():
    latin = Charset.named("latin", fold_case=False, drop_punctuation=False)
    assert latin.as_listed([]).forms("Straße") == ("straße", "strasse") and latin.as_listed([]).forms("été") == ("ete",)
    assert latin.as_listed([], match_case=True).forms("Straße") == ("Straße",)
    assert Charset.named("alnum36").forms("Straße") == ("strasse",)
