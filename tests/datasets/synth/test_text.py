import gzip
import random
from collections import Counter

import pytest

from grcnn_ocr.config import TextMix
from grcnn_ocr.datasets.synth.text import TextSampler, load_words
from grcnn_ocr.text.charset import Charset

WORDS = ["Apple", "banana", "don't", "naïve", "x", "book"]


def draws(count: int, charset: Charset, mix: TextMix | None = None) -> list[tuple[str, str]]:
    sampler, rng = TextSampler(WORDS, charset, mix or TextMix()), random.Random(0)
    return [sampler.draw(rng) for _ in range(count)]


@pytest.mark.parametrize("name", ["digits", "alnum36"])
def test_labels_are_of_the_charset_alone(name):
    charset = Charset.named(name)
    mix = TextMix(words=0 if name == "digits" else 1)
    sampler = TextSampler([*WORDS, "123"], charset, mix)
    rng = random.Random(0)
    for _ in range(500):
        text, label = sampler.draw(rng)
        assert label == charset.fold(text) and label and not charset.unknown(label) and len(label) <= 23


def test_case_reaches_the_label_of_a_charset_that_has_it():
    labels = {label for _, label in draws(500, Charset.named("ascii94", fold_case=False, drop_punctuation=False))}
    assert {"APPLE", "Apple", "apple"} <= labels
    assert any("." in label for label in labels)


def test_every_kind_of_text_is_drawn():
    texts = [text for text, _ in draws(5000, Charset.named("alnum36"))]
    assert any(text.isdigit() for text in texts)
    assert any(text[0] in "$£€" for text in texts)
    assert any(text.count("/") == 2 for text in texts)
    assert any(text.isdigit() and len(text) > 1 and len(set(text)) == 1 for text in texts)  # repeats
    lengths = Counter(map(len, texts))
    assert lengths[1] and lengths[2]


def test_weights_of_zero_are_kept():
    mix = TextMix(
        numbers=0, prices=0, dates=0, phones=0, codes=0, initials=0, compounds=0, names=0, web=0, punctuation=0, mixed=0
    )
    texts = {text.lower() for text, _ in draws(300, Charset.named("alnum36"), mix)}
    assert texts == {word.lower() for word in WORDS}


def test_words_that_the_charset_cannot_write_are_an_error():
    with pytest.raises(ValueError, match="none of 2 words can be written in charset 'hiragana'"):
        TextSampler(["日本", "abc"], Charset("あい", name="hiragana"))


def test_a_mix_that_the_charset_cannot_write_is_an_error_and_no_endless_loop():
    sampler = TextSampler(["あい"], Charset("あい", name="hiragana"), TextMix(words=0, compounds=0, names=0, web=0))
    with pytest.raises(ValueError, match="give more weight to words"):
        sampler.draw(random.Random(0))


def test_word_files(tmp_path):
    (tmp_path / "words.txt").write_text("b\n\na\nb\n", encoding="utf-8")
    assert load_words(tmp_path / "words.txt") == {"a": 1, "b": 1}
    (tmp_path / "words.txt").write_bytes(b"\xef\xbb\xbfNew  York\r\n\r\n b\r\n")
    assert load_words(tmp_path / "words.txt") == {"New York": 1, "b": 1}
    (tmp_path / "words.txt").write_text("\n")
    with pytest.raises(ValueError, match=r"words\.txt holds no words"):
        load_words(tmp_path / "words.txt")
    with pytest.raises(ValueError, match=r"cannot read the words in .*nowhere\.txt"):
        load_words(tmp_path / "nowhere.txt")
    assert len(load_words()) > 300


def test_words_are_drawn_as_often_as_their_counts_say(tmp_path):
    (tmp_path / "words.txt").write_text("the\t7\nend\na\t2\nthe\t9\n")
    words = load_words(tmp_path / "words.txt")
    assert words == {"a": 2, "end": 1, "the": 9}
    others = "names web numbers prices dates phones codes compounds initials punctuation".split()
    mix = TextMix(**dict.fromkeys(others, 0))

    def shares(short):
        sampler, rng = (
            TextSampler(words, Charset.named("alnum36"), mix.model_copy(update={"short": short})),
            random.Random(0),
        )
        found = Counter(sampler.draw(rng)[1] for _ in range(6000))
        return [found[word] / 6000 for word in words]

    assert shares(0) == pytest.approx([2 / 12, 1 / 12, 9 / 12], abs=0.02)
    assert shares(1) == pytest.approx([2 / 20, 1.8 / 20, 16.2 / 20], abs=0.02)  # lengths 1 and 3: 2 to 18
    for line in ("end\tmany", "\t7", "end\t"):
        (tmp_path / "words.txt").write_text(f"the\t7\n{line}\n \n")
        with pytest.raises(ValueError, match=r"words\.txt, line 2: .*a tab and a count above 0"):
            load_words(tmp_path / "words.txt")


def test_word_files_may_be_packed_or_dictionaries(tmp_path):
    (tmp_path / "words.gz").write_bytes(gzip.compress("\ufeffb\na\n".encode()))
    assert load_words(tmp_path / "words.gz") == {"a": 1, "b": 1}
    (tmp_path / "x.dic").write_text("2\nlock/S\ncat\n")
    (tmp_path / "x.aff").write_text("SET UTF-8\nSFX S Y 1\nSFX S 0 s .\n")
    assert load_words(tmp_path / "x.dic") == {"cat": 1, "lock": 1}
    assert load_words(tmp_path / "x.dic:expanded") == {"cat": 1, "lock": 1, "locks": 1}
