import json
import zipfile
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grcnn_ocr.text.charset import Charset
from grcnn_ocr.text.ngram import NGram, Summary, perplexity

DIGITS = Charset.named("digits")
ALNUM = Charset.named("alnum36")
ABC = Charset("abc")
ASCII = Charset.named("ascii94", fold_case=False, drop_punctuation=False)
WORDS = ["open", "opens", "opened", "opening", "close", "closes", "closed", "closing", "stop", "stops", "shop", "shops"]


@settings(max_examples=60)
@given(
    words=st.dictionaries(st.text("abc", min_size=1, max_size=7), st.integers(1, 20), min_size=1, max_size=30),
    order=st.integers(1, 6),
    prefix=st.lists(st.integers(1, 3), max_size=9),
)
def test_probabilities_sum_to_one_after_any_prefix_and_none_is_zero(words, order, prefix):
    model, _ = NGram.build(words, ABC, order)
    found = np.exp(model.log_following(prefix))
    assert found.shape == (4,) and found.min() > 0
    assert found.sum() == pytest.approx(1, abs=1e-12)


def test_a_word_is_the_product_of_its_characters_and_its_end():
    model, _ = NGram.build(WORDS, ALNUM, 3)
    o, p = ALNUM.encode("op")
    expected = model.log_following([])[o] + model.log_following([o])[p] + model.log_following([o, p])[0]
    assert model.log_probability([o, p]) == pytest.approx(expected)
    assert model.log_probability([]) == model.log_following([])[0]


def test_interpolation_follows_chen_and_goodman_by_hand():
    """Words ab, ab, b; order 2; too few for discounts of their own, so 0.5, 1 and 1.5."""
    model, _ = NGram.build({"ab": 2, "b": 1}, Charset("ab"), 2)
    # One symbol: a follows {edge}, b follows {a, edge}, the end follows {b}; 4 bigrams.
    discounted = (0.5 + 1.0 + 0.5) / 4
    end, a, b = 0.5 / 4 + discounted / 3, 0.5 / 4 + discounted / 3, 1.0 / 4 + discounted / 3
    np.testing.assert_allclose(
        np.exp(model.log_following([1])), [end * 1 / 2, a * 1 / 2, 1 / 2 + b * 1 / 2], rtol=1e-12
    )
    share = (1.0 + 0.5) / 3  # of the edge's: a twice, b once
    np.testing.assert_allclose(
        np.exp(model.log_following([])), [end * share, 1 / 3 + a * share, 0.5 / 3 + b * share], rtol=1e-12
    )


def test_only_the_last_symbols_count():
    model, _ = NGram.build(WORDS, ALNUM, 3)
    long, short = ALNUM.encode("stop"), ALNUM.encode("shop")
    np.testing.assert_array_equal(model.log_following(long), model.log_following(short))
    assert (model.log_following(long[:1]) != model.log_following(long[2:3])).any()


def test_words_are_likelier_than_the_same_letters_shuffled():
    model, _ = NGram.build(WORDS, ALNUM)
    assert model.log_probability(ALNUM.encode("closes")) > model.log_probability(ALNUM.encode("csoels")) + 5
    assert model.log_probability(ALNUM.encode("shopping")) > model.log_probability(ALNUM.encode("sgnippoh"))


def test_a_count_is_as_many_repetitions():
    counted, _ = NGram.build({"open": 3, "shop": 1}, ALNUM, 4)
    repeated, _ = NGram.build(["open", "shop", "open", "open"], ALNUM, 4)
    assert counted.log_probability(ALNUM.encode("open")) == repeated.log_probability(ALNUM.encode("open"))
    assert counted.num_words == 2


def test_words_are_folded_and_the_unwritable_reported():
    model, summary = NGram.build(["Café", "cafe", "O'Neil", "日本", "--", ""], ALNUM)
    assert summary == Summary(num_words=2, unwritable=("日本", "--", ""))
    assert model.num_words == 2 and (model.classes_of(ALNUM) == range(37)).all()


def test_perplexity_of_held_out_words_falls_with_the_order():
    listed = resources.files("grcnn_ocr.datasets.synth").joinpath("words.txt").read_text(encoding="utf-8")
    words = sorted({ALNUM.fold(word) for word in listed.split()})
    held_out = [ALNUM.encode(word) for word in words[::10]]
    learnt = [word for index, word in enumerate(words) if index % 10]
    found = [perplexity(NGram.build(learnt, ALNUM, order)[0], held_out) for order in (1, 2, 3, 4)]
    assert 19 > found[0] > 12 > found[1] > 10 > found[2] > 9 > found[3] > 8


def test_perplexity_is_the_inverse_geometric_mean():
    model, _ = NGram.build(["7", "42"], DIGITS, 2)
    words = [DIGITS.encode("42"), DIGITS.encode("7")]
    total = sum(map(model.log_probability, words))
    assert perplexity(model, words) == pytest.approx(np.exp(-total / 5))


@pytest.mark.parametrize("order", [1, 2, 6])
def test_a_saved_model_is_the_same(tmp_path, order):
    charset = Charset("abcdefghijklmnopqrstuvwxyzé", "mine", fold_accents=False)
    model, _ = NGram.build([*WORDS, "café"], charset, order)
    model.save(tmp_path / "deep" / "lm.npz")
    loaded = NGram.load(tmp_path / "deep" / "lm.npz")
    assert (loaded.charset, loaded.order, loaded.num_words) == (charset, order, 13)
    for word in ("café", "zebra", ""):
        for i in range(len(word) + 1):
            prefix = charset.encode(word[:i])
            np.testing.assert_array_equal(loaded.log_following(prefix), model.log_following(prefix))


@pytest.mark.parametrize(
    ("words", "order", "message"),
    [
        (["日本"], 6, "none of the 1 words can be written in charset 'alnum36'"),
        ([], 6, "learns from words, found none"),
        ("open", 6, "a list of words, found the string 'open'"),
        (["open"], 0, "order 0: .* 36 characters, expected 1 to 12"),
        (["open"], 13, "order 13"),
        ({"open": 0}, 6, "word 'open': its count is 0"),
        ({"open": 2**62}, 6, "counts add up to 4611686018427387904"),
    ],
)
def test_what_cannot_be_learnt_is_refused(words, order, message):
    with pytest.raises(ValueError, match=message):
        NGram.build(words, ALNUM, order)


def test_the_highest_order_is_exact():
    model, _ = NGram.build(["1" * 70], Charset("1"), 62)
    assert np.exp(model.log_following([1] * 69)).sum() == pytest.approx(1)
    model, _ = NGram.build(["zzzzzzzzzzzz", "z0"], ALNUM, 12)
    following = model.log_following(ALNUM.encode("zzzzzzzzzzz"))
    assert following.argmax() == 36 and np.exp(following).sum() == pytest.approx(1)


def test_a_model_of_another_charset_is_refused_naming_both():
    model, _ = NGram.build(["42"], DIGITS)
    with pytest.raises(
        ValueError, match=r"'digits' \(0123456789\) does not know 'abc', .* network of 'custom'.*lm build"
    ):
        model.classes_of(ABC)


def test_a_model_without_case_scores_both_cases_and_no_punctuation():
    model, _ = NGram.build(["open"], ALNUM)
    classes = dict(zip("\0" + ASCII.characters, model.classes_of(ASCII).tolist(), strict=True))
    assert classes["O"] == classes["o"] == ALNUM.encode("o")[0] and classes["7"] == ALNUM.encode("7")[0]
    assert classes["\0"] == classes["!"] == classes["'"] == 0


def test_a_model_rates_accented_letters_as_their_base_letters():
    model, _ = NGram.build(["open"], ALNUM)
    assert model.classes_of(Charset("eéþß!")).tolist() == [0, *ALNUM.encode("eets"), 0]


def test_the_released_model_of_english_knows_its_words_and_numbers():
    model = NGram.load("english")
    assert model.charset == ALNUM and model.num_words == 114400
    surprise = {word: perplexity(model, [ALNUM.encode(word)]) for word in ("street", "teestr", "1984")}
    assert surprise["street"] < 5 < 25 < surprise["teestr"]
    assert surprise["1984"] < 15


def test_other_and_damaged_files_are_refused(tmp_path):
    path = tmp_path / "lm.npz"
    with pytest.raises(ValueError, match=r"no language model .*lm.npz; make one with `grcnn-ocr lm build`"):
        NGram.load(path)
    NGram.build(WORDS, ALNUM)[0].save(path)
    whole = path.read_bytes()
    with np.load(path) as arrays:
        header = json.loads(str(arrays["header"]))
        tables = {key: value for key, value in arrays.items() if key != "header"}

    def damaged(**arrays: np.ndarray) -> bytes:
        with path.open("wb") as file:
            np.savez(file, **{"header": np.array(json.dumps(header)), **tables, **arrays})
        return path.read_bytes()

    cases = {
        "": b"",
        "text": b"open\nclosed\n",
        "cut": whole[: len(whole) // 2],
        "flipped": whole[:300] + bytes([whole[300] ^ 255]) + whole[301:],
        "format": damaged(header=np.array(json.dumps(header | {"format": "grcnn-ocr-ngram/9"}))),
        "no header": damaged(header=np.array("{}")),
        "header of numbers": damaged(header=np.arange(3)),
        "order": damaged(header=np.array(json.dumps(header | {"order": 9}))),
        "order 0": damaged(header=np.array(json.dumps(header | {"order": 0}))),
        "charset": damaged(header=np.array(json.dumps(header | {"charset": {"characters": "ab"}}))),
        "zeros": damaged(counts2=np.zeros_like(tables["counts2"])),
        "shapes": damaged(counts2=tables["counts2"][1:]),
        "equal keys": damaged(steps3=np.zeros_like(tables["steps3"])),
        "objects": damaged(steps3=np.array([{}, None], dtype=object)),
    }
    for name, content in cases.items():
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"lm.npz is not a language model or is damaged .*build it again"):
            NGram.load(path)
            pytest.fail(f"{name}: loaded")
    np.save(tmp_path / "array", np.arange(3))
    with pytest.raises(ValueError, match=r"is not a language model"):
        NGram.load(tmp_path / "array.npy")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.txt", "hello")
    with pytest.raises(ValueError, match=r"is not a language model"):
        NGram.load(path)
