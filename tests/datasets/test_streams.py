from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grcnn_ocr.datasets.augment import Augmenter
from grcnn_ocr.datasets.streams import MIXTURE_BLOCK, DrawnStream, Mixture, Sample, StoredStream
from grcnn_ocr.datasets.synth.engine import WordEngine
from grcnn_ocr.datasets.synth.fonts import built_in_font
from grcnn_ocr.datasets.synth.text import TextSampler
from grcnn_ocr.datasets.words import DrawnWords, open_words
from grcnn_ocr.pixels import decode, to_grayscale
from grcnn_ocr.preprocess import Preprocessor
from grcnn_ocr.text.charset import Charset

ALNUM36 = Charset.named("alnum36")
NOTHING = np.zeros((1, 1), np.uint8)


@dataclass(frozen=True)
class Numbers:
    """A stream whose sample n has the label n."""

    name: int

    def sample(self, number: int) -> Sample:
        return Sample(NOTHING, [self.name, number])


class Labels:
    """A source of numbered labels with placeholder pictures."""

    def __init__(self, num: int) -> None:
        self.num = num

    def image(self, index: int) -> bytes:
        import cv2

        return cv2.imencode(".png", np.zeros((4, 4), np.uint8))[1].tobytes()

    def label(self, index: int) -> str:
        return str(index)

    def place(self, index: int) -> str:
        return str(index)


def stored(crops, augmenter=None, seed=0) -> StoredStream:
    source = open_words(crops / "labels.tsv")
    return StoredStream(source, np.arange(len(source)), ALNUM36, Preprocessor(), augmenter, seed)


@given(num=st.integers(1, 30), seed=st.integers(0, 5))
def test_every_epoch_takes_every_stored_word_once(num, seed):
    stream = StoredStream(Labels(num), np.arange(num), ALNUM36, Preprocessor(8, 8), None, seed)
    for epoch in range(2):
        labels = [ALNUM36.decode(stream.sample(epoch * num + n).classes) for n in range(num)]
        assert sorted(map(int, labels)) == list(range(num))


def test_epochs_and_seeds_differ_in_order():
    def order(seed: int, epoch: int) -> list[list[int]]:
        stream = StoredStream(Labels(50), np.arange(50), ALNUM36, Preprocessor(8, 8), None, seed)
        return [stream.sample(50 * epoch + n).classes for n in range(50)]

    assert order(0, 0) != order(0, 1) and order(0, 0) != order(1, 0)


def test_augmentation_is_a_function_of_the_seed_and_the_number(crops):
    stream = stored(crops, Augmenter())
    first = [stream.sample(number).image for number in range(40)]
    again = [stream.sample(number).image for number in reversed(range(40))][::-1]
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    other = replace(stream, seed=1)
    assert any((stream.sample(n).image != other.sample(n).image).any() for n in range(8))
    plain = stored(crops)
    assert any((plain.sample(n).image != first[n]).any() for n in range(8))


def test_an_image_that_cannot_be_decoded_is_an_error_that_names_it(crops):
    (crops / "3.png").write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"3\.png .*labels\.tsv:4.*not a picture"):
        for number in range(16):
            stored(crops).sample(number)


def test_drawn_words_are_the_engines_and_those_of_validation_are_others():
    engine = WordEngine([built_in_font()], TextSampler(["open", "street", "kitchen"], ALNUM36))
    stream, validation = DrawnStream(engine, Preprocessor()), DrawnWords(engine, 5)
    image, label = engine.sample(7)
    sample = stream.sample(7)
    assert np.array_equal(sample.image, Preprocessor().resize(to_grayscale(image)))
    assert ALNUM36.decode(sample.classes) == label
    assert len(validation) == 5
    for index in range(5):
        drawn, label = engine.sample(-1 - index)
        assert validation.label(index) == label
        assert np.array_equal(decode(validation.image(index)), to_grayscale(drawn))


def test_chosen_samples_are_drawn_in_order_and_again():
    engine = WordEngine([built_in_font()], TextSampler(["open", "street", "kitchen"], ALNUM36))
    every = DrawnStream(engine, Preprocessor())
    some = replace(every, chosen=np.array([7, 3, 3]))
    for number, drawn in enumerate([7, 3, 3, 7, 3]):
        assert np.array_equal(some.sample(number).image, every.sample(drawn).image)
        assert some.place(number) == every.place(drawn)
    digests = {stream.digests()["engine"] for stream in (every, some, replace(some, chosen=np.array([7, 3])))}
    assert len(digests) == 3


@settings(max_examples=20)
@given(shares=st.lists(st.floats(0.05, 1), min_size=1, max_size=4), seed=st.integers(0, 3))
def test_a_mixture_loses_and_repeats_nothing_and_keeps_its_shares(shares, seed):
    total = sum(shares)
    mixture = Mixture([Numbers(name) for name in range(len(shares))], [s / total for s in shares], seed)
    drawn = [mixture.sample(number).classes for number in range(2 * MIXTURE_BLOCK)]
    for name in range(len(shares)):
        assert [number for n, number in drawn if n == name] == list(range(sum(n == name for n, _ in drawn)))
    counts = Counter(name for name, _ in drawn[:MIXTURE_BLOCK])
    assert all(abs(counts[name] - share / total * MIXTURE_BLOCK) <= 1 for name, share in enumerate(shares))
    assert mixture.sample(MIXTURE_BLOCK + 17).classes == drawn[MIXTURE_BLOCK + 17]


def test_a_share_too_small_is_an_error():
    with pytest.raises(ValueError, match="at least 1 in 1000"):
        Mixture([Numbers(0), Numbers(1)], [0.9999, 0.0001], 0)
