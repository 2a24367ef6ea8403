"""Tall crops may hold text that was turned."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import SAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from grcnn_ocr.annotate import annotated
from grcnn_ocr.build import build_model
from grcnn_ocr.config import load_config
from grcnn_ocr.loading import load_image
from grcnn_ocr.pixels import turned
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.text.lexicon import Lexicon
from grcnn_ocr.weights import Weights

CROPS = [SAMPLES / f"0000000{number:02d}.jpg" for number in (2, 3, 7, 11)]
WORDS = ["CLOWN", "recycle", "child", "position"]


@pytest.fixture(scope="module")
def released() -> Recognizer:
    return Recognizer(device="cpu", batch_size=3, second_look=False)


@pytest.fixture(scope="module")
def untrained() -> Recognizer:
    """A recogniser of proportional width that records how many images its network is given."""
    config = load_config("grcl_lstm_tiny", ["preprocess.width=proportional"])
    torch.manual_seed(0)
    recognizer = Recognizer(Weights(build_model(config), config), "cpu", batch_size=2, second_look=False)
    recognizer.seen, forward = 0, recognizer._forward

    def counting(images, widths):
        recognizer.seen += len(images)
        return forward(images, widths)

    recognizer._forward = counting
    return recognizer


def noise(height: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width), np.uint8)


@settings(max_examples=15)
@given(widths=st.lists(st.integers(8, 80), min_size=1, max_size=5), share=st.floats(0.1, 1), seed=st.integers(0, 9))
def test_ordinary_crops_are_read_as_ever_at_no_cost(untrained, widths, share, seed):
    images = [noise(max(int(1.5 * share * width), 1), width, seed) for width in widths]
    plain = untrained.read_many(images, characters=True)
    untrained.seen = 0
    assert untrained.read_many(images, characters=True, upright=True) == plain
    assert untrained.seen == len(images) and all(prediction.rotation == 0 for prediction in plain)


@settings(max_examples=15)
@given(width=st.integers(4, 30), excess=st.integers(1, 60), seed=st.integers(0, 9))
def test_of_a_tall_crop_the_likeliest_reading_for_its_length_is_the_answer(untrained, width, excess, seed):
    image = noise(int(1.5 * width) + excess, width, seed)
    untrained.seen = 0
    found = untrained.read(image, upright=True)
    assert untrained.seen == 3
    alone = {rotation: untrained.read(turned(image, rotation)) for rotation in (0, 90, 270)}
    score = {rotation: way.log_likelihood + 0.1 * len(way.text) for rotation, way in alone.items()}
    assert score[found.rotation] == pytest.approx(max(score.values()), abs=1e-3)
    assert found.text == alone[found.rotation].text


@pytest.mark.parametrize("degrees", [90, 270])
def test_turned_words_are_read_with_their_characters(released, degrees):
    crops = [load_image(crop) for crop in CROPS]
    assert all(width > 1.5 * height for height, width in (crop.shape for crop in crops))
    plain = released.read_many(crops, characters=True, num_best=2)
    found = released.read_many([turned(crop, degrees) for crop in crops], characters=True, num_best=2, upright=True)
    assert [prediction.text for prediction in found] == WORDS
    for ours, theirs in zip(found, plain, strict=True):
        assert ours.rotation == 360 - degrees
        assert ours.confidence == pytest.approx(theirs.confidence, rel=1e-3)
        assert [c.left for c in ours.characters] == pytest.approx([c.left for c in theirs.characters], abs=1e-3)
    unasked = released.read(turned(crops[0], degrees))
    assert (unasked.text != WORDS[0], unasked.rotation) == (True, 0)


def test_spans_lie_along_the_height_as_the_prediction_says(released):
    """The rows of the crop that a span stands for are the columns that it spans once turned."""
    crop = load_image(CROPS[0])
    for degrees in (90, 270):
        image = turned(crop, degrees)
        prediction = released.read(image, characters=True, upright=True)
        shown = turned(image, prediction.rotation)
        for character in prediction.characters:
            left, right = round(character.left), round(character.right)
            rows = (len(image) - right, len(image) - left) if prediction.rotation == 90 else (left, right)
            assert np.array_equal(turned(image[slice(*rows)], prediction.rotation), shown[:, left:right])


def test_lists_follow_their_images_across_windows(released):
    images = [turned(load_image(CROPS[n % 4]), (0, 90, 270)[n % 3]) for n in range(50)]
    lists = Lexicon(tuple((WORDS[n % 4], f"word{n}") for n in range(50)), per_image=True)
    assert len(images) > 2 * released.window
    found = released.read_many(images, lists, upright=True)
    assert [(p.text, p.rotation) for p in found] == [(WORDS[n % 4], (0, 270, 90)[n % 3]) for n in range(50)]
    others = Lexicon(tuple((f"word{n}", f"wort{n}") for n in range(50)), per_image=True)
    assert all(str(n) in p.text for n, p in enumerate(released.read_many(images, others, upright=True)))


def test_of_equal_readings_the_crop_as_it_is_wins(untrained):
    prediction = untrained.read(noise(60, 20, 0), ["w" * 100], upright=True)
    assert (prediction.confidence, prediction.rotation) == (0, 0)


def test_a_turned_crop_is_drawn_turned(released):
    crop = load_image(CROPS[0])
    plain = released.read(crop, characters=True)
    for degrees in (90, 270):
        prediction = replace(plain, rotation=360 - degrees)
        assert np.array_equal(annotated(turned(crop, degrees), prediction), annotated(crop, plain))
