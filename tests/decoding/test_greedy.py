import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.decoding.greedy import greedy


def one_hot(path: list[int]) -> np.ndarray:
    return np.eye(5)[path][None]


def test_equal_neighbours_merge_and_blanks_are_dropped():
    assert greedy(one_hot([0, 1, 1, 0, 1, 2, 2, 0]), [8]) == [[1, 1, 2]]


def test_frames_beyond_the_length_are_not_read():
    assert greedy(one_hot([1, 2, 3, 4]), [2]) == [[1, 2]]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_greedy_collapses_any_path(path):
    expected = [c for c, before in zip(path, [-1, *path[:-1]], strict=True) if c != before and c != 0]
    assert greedy(one_hot(path), [len(path)]) == [expected]
