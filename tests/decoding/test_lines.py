from itertools import pairwise

import cv2
import numpy as np
import pytest
from conftest import SAMPLES, WORDS, draw

from grcnn_ocr.decoding.lines import count_lines
from grcnn_ocr.loading import load_image


def test_words_of_one_line_and_of_two():
    crops = [load_image(path) for path in sorted(SAMPLES.glob("*.jpg"))]
    assert sum(count_lines(crop) > 1 for crop in crops) <= 2
    rows = [cv2.resize(crop, (160, 48)) for crop in crops]
    pairs = [np.vstack([one, np.repeat(one[-1:], 5, axis=0), other]) for one, other in pairwise(rows)]
    assert sum(count_lines(pair) == 2 for pair in pairs) > 0.6 * len(pairs)  # the grounds of many are photographs


@pytest.mark.parametrize("num", [1, 2, 3])
def test_drawn_lines_are_counted(num):
    rows = [cv2.resize(load_image(draw(word)), (200, 40)) for word in WORDS[:num]]
    assert count_lines(np.vstack(rows)) == num


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (3, 400)])
def test_what_has_no_edges_has_no_lines(shape):
    assert count_lines(np.full(shape, 128, np.uint8)) == 0
