import math
from functools import partial

import numpy as np
import pytest
from conftest import SAMPLES
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.datasets.changes import loosen, turn_whole
from grcnn_ocr.datasets.words import decoded, open_words
from grcnn_ocr.decoding.framing import ANGLES, LEVEL, framed, slope, text_columns, text_rows
from grcnn_ocr.pixels import to_grayscale
from grcnn_ocr.runtime import Reader


def bars(height=24, width=120):
    """Something like letters: upright strokes between two lines, in a tight box."""
    image = np.full((height, width), 220, np.uint8)
    for left in range(2, width - 4, 10):
        image[3 : height - 3, left : left + 4] = 30
    return image


@pytest.mark.parametrize("degrees", [-20, -12, -6, 0, 6, 12, 20])
def test_the_slope_is_found_and_taken_away(degrees):
    sloping = turn_whole(bars(), degrees)
    assert abs(slope(sloping) - degrees) <= 2
    frame = framed(sloping)
    if abs(degrees) <= LEVEL:
        assert frame is None
    else:
        assert slope(frame.image) == 0 and frame.image.shape == pytest.approx((1.15 * 24, 120), rel=0.15)


@pytest.mark.parametrize(("above", "below"), [(20, 20), (0, 30), (40, 5)])
def test_loose_text_is_cut_out_with_some_air(above, below):
    loose = np.pad(bars(), ((above, below), (0, 0)), mode="edge")
    top, bottom = text_rows(loose)
    assert above - 3 <= top <= above + 3 and above + 21 <= bottom <= above + 27  # 18 rows of ink from 3 on
    frame = framed(loose)
    assert np.array_equal(frame.image, loose[top:bottom]) and frame.column(7.5) == 7.5


@pytest.mark.parametrize("noise", [0, 6])
@pytest.mark.parametrize(("before", "after"), [(100, 100), (0, 90), (300, 20)])
def test_empty_ground_beside_the_text_is_cut_off(before, after, noise):
    loose = np.pad(bars(), ((0, 0), (before, after)), constant_values=220)
    loose = (loose - np.random.default_rng(0).uniform(0, noise, loose.shape)).astype(np.uint8)
    left, right = text_columns(loose)
    assert before - 20 <= left <= before + 2 and before + 116 <= right <= before + 138  # ink from 2 to 116
    frame = framed(loose)
    assert np.array_equal(frame.image, loose[:, left:right]) and frame.column(7.5) == pytest.approx(left + 7.5)


def test_a_little_ground_beside_the_text_stays():
    assert framed(np.pad(bars(), ((0, 0), (24, 24)), constant_values=220)) is None


def test_no_slope_is_tried_that_a_long_crop_cannot_hold():
    noise = np.random.default_rng(0).integers(0, 256, (2, 4_000_000), np.uint8)  # at 32 rows 8 GB of floats
    assert slope(noise) == 0


@pytest.mark.parametrize("rows", [40, 60, 100])
def test_a_speck_is_not_cut_out(rows):
    loose = np.pad(bars(), ((rows, rows), (0, 0)), mode="edge")
    top, bottom = text_rows(loose)
    assert (framed(loose) is None) == (bottom - top < len(loose) / 4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (90, 1), (32, 64), (200, 3), (1, 100_000)])
def test_a_crop_without_text_stays_as_it_is(shape):
    assert slope(np.full(shape, 90, np.uint8)) == 0 and framed(np.full(shape, 90, np.uint8)) is None


@given(height=st.integers(1, 60), width=st.integers(1, 90), seed=st.integers(0, 9))
def test_something_is_left_of_any_crop(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    top, bottom = text_rows(image)
    assert slope(image) in ANGLES and 0 <= top < bottom <= height
    frame = framed(image)
    if frame is not None:
        assert frame.image.size and frame.image.dtype == np.uint8 and frame.image.shape[1] <= 1.2 * width + 1
        assert 0 <= frame.column(0) < frame.column(frame.image.shape[1]) <= width + 1e-9


@pytest.mark.parametrize("change", [partial(turn_whole, degrees=16), partial(loosen, share=0.4)])
def test_words_are_read_that_were_not(change):
    source = open_words(SAMPLES / "labels.tsv")
    images = [change(to_grayscale(decoded(source, index))) for index in range(80)]
    labels = [source.label(index).lower() for index in range(80)]
    right, right_once = (
        sum(p.text == label for p, label in zip(reader.read_many(images), labels, strict=True))
        for reader in (Reader(threads=1), Reader(threads=1, second_look=False))
    )
    assert right >= right_once + 3


def test_characters_are_placed_where_they_are_in_the_sloping_crop():
    source = open_words(SAMPLES / "labels.tsv")
    reader, degrees, errors = Reader(threads=1), 18, []
    for index in range(60):
        image = to_grayscale(decoded(source, index))
        sloping = turn_whole(image, degrees)
        level, found = (reader.read(each, characters=True) for each in (image, sloping))
        if framed(sloping) is None or level.text != found.text:
            continue
        for there, here in zip(level.characters, found.characters, strict=True):
            middle = (there.left + there.right - image.shape[1]) / 2 * math.cos(math.radians(degrees))
            errors.append(abs((here.left + here.right - sloping.shape[1]) / 2 - middle) / len(image))
    assert len(errors) > 30 and np.mean(errors) < 0.06
