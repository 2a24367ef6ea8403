import math

import cv2
import numpy as np
import pytest
from conftest import SAMPLES
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.datasets.words import decoded, open_words
from grcnn_ocr.decoding.straightening import ANGLES, LEVEL, slope, straightened
from grcnn_ocr.preprocess import to_grayscale
from grcnn_ocr.runtime import Reader


def bars(height=24, width=120):
    """Letters of a kind: upright strokes between two lines, in a tight box."""
    image = np.full((height, width), 220, np.uint8)
    for left in range(2, width - 4, 10):
        image[3 : height - 3, left : left + 4] = 30
    return image


def rising(image, degrees):
    """Turn a crop so that its text rises by so many degrees, in a box around all of it."""
    height, width = image.shape
    cos, sin = math.cos(math.radians(degrees)), abs(math.sin(math.radians(degrees)))
    size = (math.ceil(width * cos + height * sin), math.ceil(width * sin + height * cos))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    turn[:, 2] += ((size[0] - width) / 2, (size[1] - height) / 2)
    return cv2.warpAffine(image, turn, size, borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("degrees", [-20, -12, -6, 0, 6, 12, 20])
def test_the_slope_is_found_and_taken_away(degrees):
    sloping = rising(bars(), degrees)
    assert abs(slope(sloping) - degrees) <= 2
    level = straightened(sloping)
    if abs(degrees) <= LEVEL:
        assert level is None
    else:
        assert slope(level) == 0 and level.shape == pytest.approx((1.15 * 24, 120), rel=0.15)


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (90, 1), (32, 64), (200, 3)])
def test_a_crop_without_text_is_level(shape):
    assert slope(np.full(shape, 90, np.uint8)) == 0 and straightened(np.full(shape, 90, np.uint8)) is None


@given(height=st.integers(1, 60), width=st.integers(1, 90), seed=st.integers(0, 9))
def test_any_crop_has_a_slope_and_something_is_left_of_it(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    level = straightened(image)
    assert slope(image) in ANGLES and (level is None) == (abs(slope(image)) <= LEVEL)
    assert level is None or (level.size and level.dtype == np.uint8 and level.shape[1] <= 1.2 * width + 1)


def test_sloping_words_are_read_that_were_not():
    source = open_words(SAMPLES / "labels.tsv")
    images = [rising(to_grayscale(decoded(source, index)), 16) for index in range(60)]
    labels = [source.label(index).lower() for index in range(60)]
    level, once = (Reader(threads=1, second_look=look).read_many(images) for look in (True, False))
    right, right_once = (
        sum(p.text == label for p, label in zip(found, labels, strict=True)) for found in (level, once)
    )
    assert right >= right_once + 3
