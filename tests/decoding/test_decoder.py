import math

import numpy as np
import pytest

from grcnn_ocr.decoding.beam import BeamOptions
from grcnn_ocr.decoding.confidence import Calibration
from grcnn_ocr.decoding.decoder import DecodeOptions, Decoder
from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.text.charset import Charset

CHARSET = Charset("abc", name="abc")
CASED = Charset("abcABC.", name="cased", fold_case=False, drop_punctuation=False)
IMAGE = np.zeros((20, 50), np.uint8)


def frames(*texts: str, sure: float = 0.9, charset: Charset = CHARSET) -> np.ndarray:
    """Log-probabilities (B, T, K) of images of these texts: a frame per character, and a blank after each."""
    found = np.full((len(texts), 2 * max(map(len, texts)), charset.num_classes), (1 - sure) / 3)
    for row, text in zip(found, texts, strict=True):
        row[:, 0] = sure
        for place, char in enumerate(text):
            row[2 * place] = (1 - sure) / 3
            row[2 * place, charset.encode(char)] = sure
    return np.log(found / found.sum(axis=2, keepdims=True))


def decode(log_probs, lists=None, calibration=Calibration(), **options):  # noqa: B008 (frozen)
    decoder = Decoder(CHARSET, calibration, DecodeOptions(**options))
    return decoder(log_probs, [log_probs.shape[1]] * len(log_probs), lists, [IMAGE] * len(log_probs))


def test_a_prediction_has_the_text_and_its_likelihood():
    log_probs = frames("abca", "cb")
    predictions = decode(log_probs)
    assert [(p.text, p.rotation) for p in predictions] == [("abca", 0), ("cb", 0)]
    expected = log_likelihoods(log_probs, [8, 8], [[1, 2, 3, 1], [3, 2]], [0, 1])
    assert [p.log_likelihood for p in predictions] == pytest.approx(expected)
    assert [p.confidence for p in predictions] == pytest.approx(np.exp(expected))


def test_confidence_is_calibrated():
    log_probs = frames("ab")
    [raw] = decode(log_probs)
    [prediction] = decode(log_probs, calibration=Calibration(slope=0.5, offset=-1.0))
    odds = 0.5 * math.log(raw.confidence / (1 - raw.confidence)) - 1.0
    assert prediction.confidence == pytest.approx(1 / (1 + math.exp(-odds)))


def test_alternatives_fall_in_likelihood_and_begin_with_the_reading():
    for lists in (None, [["ab", "cb", "bb", "ca"]]):
        [prediction] = decode(frames("ab", sure=0.6), lists, num_best=3)
        scores = [other.log_likelihood for other in prediction.alternatives]
        assert len(scores) == 3 and scores == sorted(scores, reverse=True)
        assert prediction.alternatives[0].text == prediction.text == "ab"
        assert prediction.from_lexicon == (lists is not None)
    posteriors = [other.posterior for other in prediction.alternatives]
    assert all(posteriors) and sum(posteriors) < 1


def test_an_open_lexicon_yields_beyond_the_gap():
    log_probs = frames("abc", "abc")
    lists = [["abb", "b"], ["abc", "b"]]
    held = decode(log_probs, lists)
    gap = decode(log_probs)[0].log_likelihood - held[0].log_likelihood
    assert [p.text for p in decode(log_probs, lists, is_open=True, open_gap=gap + 0.1)] == ["abb", "abc"]
    first, second = decode(log_probs, lists, is_open=True, open_gap=gap - 0.1)
    assert (first.text, first.from_lexicon) == ("abc", False)
    assert (second.text, second.from_lexicon) == ("abc", True)
    calibrated = Calibration(open_gap=gap - 0.1)
    assert decode(log_probs, lists, calibrated, is_open=True)[0].text == "abc"
    with pytest.raises(ValueError, match="grcnn-ocr calibrate --lexicon"):
        decode(log_probs, lists, is_open=True)


def decode_cased(texts, lists, **options):
    decoder = Decoder(CASED, options=DecodeOptions(characters=True, **options))
    log_probs = frames(*texts, sure=0.99, charset=CASED)
    return decoder(log_probs, [log_probs.shape[1]] * len(texts), lists, [IMAGE] * len(texts))


def shown(predictions):
    return [(p.text, "".join(c.text for c in p.characters), p.from_lexicon) for p in predictions]


def test_words_are_looked_for_without_case_and_the_marks_that_their_list_lacks():
    predictions = decode_cased(["Ab.", "aB."], [["AB", "CC"], ["a b", "cc"]])
    assert shown(predictions) == [("AB", "AB", True), ("a b", "ab", True)]
    assert all(p.confidence > 0.9 for p in predictions)
    free = decode_cased(["Ab.", "aB."], [["AB", "CC"], ["a b", "cc"]], is_open=True, open_gap=-1000)
    assert shown(free) == [("Ab.", "Ab.", False), ("aB.", "aB.", False)]


def test_an_answer_does_not_depend_on_the_lists_of_other_images():
    texts, lists = ["Ab.", "aBc", "Ab."], [["AB", "CC"], ["ab", "a.c"], ["AB.", "c"]]
    together = decode_cased(texts, lists)
    for text, words, prediction in zip(texts, lists, together, strict=True):
        [alone] = decode_cased([text], [words])
        assert alone.text == prediction.text and alone.log_likelihood == pytest.approx(prediction.log_likelihood)
    assert together[2].confidence > 0.8


def test_the_image_decides_between_spellings_of_a_word():
    lists = [["ab", "AB", "Ab", "cc"]] * 3
    assert [p.text for p in decode_cased(["Ab", "AB", "ab"], lists)] == ["Ab", "AB", "ab"]
    others = decode_cased(["Ab"], lists[:1], num_best=3)[0].alternatives
    assert [other.text for other in others] == ["Ab", "cc"]
    assert decode_cased(["AB"], [["aB", "AB", "日"]])[0].text == "AB"


def test_a_word_with_sharp_s_is_found_in_capitals():
    german = Charset("aesßAES", name="german", fold_case=False, drop_punctuation=False)
    log_probs = frames("aße", "ASSE", "asse", sure=0.99, charset=german)

    def read(words, **options):
        decoder = Decoder(german, options=DecodeOptions(characters=True, **options))
        return decoder(log_probs, [log_probs.shape[1]] * 3, [words] * 3, [IMAGE] * 3)

    assert [p.text for p in read(["Aße", "Ase"])] == ["Aße"] * 3
    assert [p.text for p in read(["Aße", "ASSE", "asse"])] == ["Aße", "ASSE", "asse"]
    assert [p.text for p in read(["Aße", "Ase"], match_case=True)][1:] == ["Ase", "Ase"]
    for prediction, spelled in zip(read(["Aße", "Ase"], num_best=3), ["Aße", "ASSE", "ASSE"], strict=True):
        assert [other.text for other in prediction.alternatives] == ["Aße", "Ase"]
        assert sum(other.posterior for other in prediction.alternatives) == pytest.approx(1)
        assert "".join(character.text for character in prediction.characters) == spelled
        assert all(character.confidence > 0.9 for character in prediction.characters)
    for prediction in read(["Aße", "Ase"], num_best=2):
        assert [other.text for other in prediction.alternatives] == ["Aße", "Ase"]


def test_a_word_that_can_only_be_written_in_capitals_has_their_characters():
    plain = Charset("aes", name="plain", fold_accents=False)
    decoder = Decoder(plain, options=DecodeOptions(characters=True))
    [prediction] = decoder(frames("asse", sure=0.99, charset=plain), [8], [["Aße", "Ase"]], [IMAGE])
    assert shown([prediction]) == [("Aße", "ASSE", True)]


def test_case_may_have_to_match():
    assert decode_cased(["Ab"], [["AB", "cc"]])[0].confidence > 0.9
    assert decode_cased(["Ab"], [["AB", "cc"]], match_case=True)[0].confidence < 0.1
    assert shown(decode_cased(["Ab"], [["A b", "AB"]], match_case=True)) == [("A b", "Ab", True)]
    with pytest.raises(ValueError, match="match_case: charset 'abc' has no upper and lower case; leave that out"):
        decode(frames("ab"), [["ab"]], match_case=True)


def test_constraints_hold():
    log_probs = frames("abca")
    assert set(decode(log_probs, beam=BeamOptions(allowed=frozenset("bc")))[0].text) <= set("bc")
    assert decode(log_probs, beam=BeamOptions(pattern="[ab]{3}"))[0].text in {"aba", "abb", "aab", "baa", "bba"}
    with pytest.raises(ValueError, match="cannot be combined with a pattern"):
        decode(log_probs, [["abca"]], beam=BeamOptions(allowed=frozenset("bc")))


def test_where_no_text_matches_the_prediction_is_empty():
    [prediction] = decode(frames("ab"), beam=BeamOptions(pattern="a{9}"), characters=True)
    assert (prediction.text, prediction.confidence, prediction.alternatives) == ("", 0.0, ())
    assert prediction.characters is None


def test_characters_are_those_of_the_reading_in_its_crop():
    predictions = decode(frames("abca", "cb"), characters=True)
    for prediction in predictions:
        assert "".join(character.text for character in prediction.characters) == prediction.text
        assert all(0 <= c.left < c.right <= 50 and 0.8 < c.confidence <= 1 for c in prediction.characters)


def test_a_blank_image_has_no_characters():
    log_probs = np.log(np.array([[[0.97, 0.01, 0.01, 0.01]] * 3]))
    [prediction] = decode(log_probs, characters=True)
    assert prediction.text == "" and prediction.characters == ()


def test_a_lexicon_of_words_too_long_has_no_characters():
    [prediction] = decode(np.log(np.full((1, 2, 4), 0.25)), [["abcabc", "bbb"]], characters=True)
    assert prediction.text == "abcabc" and prediction.confidence == 0 and prediction.characters is None


@pytest.mark.parametrize("options", [{"is_open": True}, {"num_best": 2}])
def test_near_words_are_neither_open_nor_several(options):
    with pytest.raises(ValueError, match="cannot be combined with an open lexicon or with alternatives"):
        DecodeOptions(nearest=True, **options)
