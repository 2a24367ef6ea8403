from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.visualize.lattice import lattice


def scores(seed: int, num_frames: int, num_classes: int = 4) -> np.ndarray:
    logits = 3 * np.random.default_rng(seed).standard_normal((num_frames, num_classes))
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


def alignments(num_frames: int, word: list[int]) -> list[tuple[int, ...]]:
    """Every path through the states, by trying them all."""
    states = [0, *(state for char in word for state in (char, 0))]
    found = []
    for path in product(range(len(states)), repeat=num_frames):
        starts = path[0] < 2 and path[-1] >= len(states) - 2
        moves = all(
            after - before in (0, 1) or (after - before == 2 and states[after] != 0 and states[after] != states[before])
            for before, after in pairwise(path)
        )
        if starts and moves:
            found.append(path)
    return found


@given(st.integers(0, 10**6), st.sampled_from([[1], [2, 1], [1, 1], [3, 3, 1][:2], []]))
def test_occupancy_and_best_path_equal_those_of_all_alignments(seed, word):
    log_probs = scores(seed, num_frames=5)
    found = lattice(log_probs, word)
    paths = alignments(5, word)
    chances = np.array([np.exp(found.log_probs[range(5), path].sum()) for path in paths])
    expected = np.zeros_like(found.occupancy)
    for path, chance in zip(paths, chances, strict=True):
        expected[range(5), path] += chance / chances.sum()
    np.testing.assert_allclose(found.occupancy, expected, atol=1e-9)
    assert np.isclose(found.log_probs[range(5), found.path].sum(), np.log(chances.max()))
    assert tuple(found.path) in paths


def test_a_lattice_has_a_blank_around_each_character():
    log_probs, word = scores(0, num_frames=12), [1, 3, 3, 2]
    found = lattice(log_probs, word)
    np.testing.assert_allclose(found.occupancy.sum(axis=1), 1)
    assert found.states.tolist() == [0, 1, 0, 3, 0, 3, 0, 2, 0]
    assert found.character_frames == found.occupancy[:, 1::2].argmax(axis=0).tolist()


def test_a_word_that_needs_more_frames_is_an_error():
    assert len(lattice(scores(0, 3), [1, 1]).path) == 3
    with pytest.raises(ValueError, match="needs 3 frames does not fit the image's 2"):
        lattice(scores(0, 2), [1, 1])
