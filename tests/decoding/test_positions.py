import itertools

import numpy as np
import pytest
from conftest import shared
from hypothesis import given, settings
from hypothesis import strategies as st

from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.decoding.positions import centres_and_confidences, characters, occupancies


def random_log_probs(seed: int, num_frames: int) -> np.ndarray:
    logits = 2 * np.random.default_rng(seed).standard_normal((num_frames, 4))
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


def occupancies_by_enumeration(log_probs: np.ndarray, word: tuple[int, ...]) -> np.ndarray:
    """Add up every path that collapses to the word, frame by frame."""
    chances = np.zeros((len(log_probs), len(word)))
    for path in itertools.product(range(4), repeat=len(log_probs)):
        weight = np.exp(sum(log_probs[t, c] for t, c in enumerate(path)))
        text, place, last = [], [], 0
        for c in path:
            if c and c != last:
                text.append(c)
            place.append(len(text) - 1 if c else None)
            last = c
        if tuple(text) == word:
            for t, character in enumerate(place):
                if character is not None:
                    chances[t, character] += weight
    return chances


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6), num_frames=st.integers(3, 6), word=st.lists(st.integers(1, 3), min_size=1, max_size=3)
)
def test_occupancies_equal_the_sum_over_all_paths(seed, num_frames, word):
    log_probs = random_log_probs(seed, num_frames)
    [likelihood] = np.exp(log_likelihoods(log_probs[None], [num_frames], [word], [0]))
    if likelihood == 0:
        return
    expected = occupancies_by_enumeration(log_probs, tuple(word)) / likelihood
    [found] = occupancies(log_probs[None], [num_frames], [word])
    np.testing.assert_allclose(found[:, 1::2], expected, atol=1e-9)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_a_word_is_placed_alike_alone_and_in_a_batch(seed):
    words, lengths = [[1], [2, 3, 3, 1], [1, 2]], [4, 9, 12]
    batch = np.stack([random_log_probs(seed + i, 12) for i in range(3)])
    together = occupancies(batch, lengths, words)
    for row, length, word, found in zip(batch, lengths, words, together, strict=True):
        alone = occupancies(row[None, :length], [length], [word])[0]
        np.testing.assert_allclose(found[:length, : 2 * len(word) + 1], alone, atol=1e-9)
        assert not found[length:].any() and not found[:, 2 * len(word) + 1 :].any()


@given(
    width=st.integers(1, 200),
    centres=st.lists(st.floats(-5, 205), min_size=1, max_size=30).map(sorted),
    seed=st.integers(0, 99),
)
def test_spans_follow_one_another_within_the_crop(width, centres, seed):
    image = np.random.default_rng(seed).integers(0, 256, (8, width), dtype=np.uint8)
    text = "x" * len(centres)
    found = characters(text, np.full(len(text), 0.5), np.array(centres), image)
    assert "".join(character.text for character in found) == text
    edges = [edge for character in found for edge in (character.left, character.right)]
    assert edges == sorted(edges) and edges[0] >= 0 and edges[-1] <= width
    assert all(character.right > character.left for character in found)


def test_boundaries_go_to_the_gaps_between_letters():
    image = np.full((20, 60), 200, np.uint8)
    for left in (4, 22, 44):  # three letters of stripes
        image[::2, left : left + 12] = 0
    found = characters("abc", np.ones(3), np.array([12.0, 30.0, 48.0]), image)
    assert found[0].left <= 4.5 and 15.5 <= found[0].right <= 22.5 and 33.5 <= found[1].right <= 44.5


def test_a_confidence_is_the_networks_probability_where_the_character_stands():
    log_probs = np.log(np.array([[0.1, 0.8, 0.1], [0.9, 0.05, 0.05], [0.2, 0.2, 0.6]]))
    chances = np.array([[0, 1.0, 0, 0, 0], [0, 0, 1.0, 0, 0], [0, 0, 0, 1.0, 0]])
    centres, confidences = centres_and_confidences(chances, log_probs, [1, 2], 3, (10, 30))
    assert confidences == pytest.approx([0.8, 0.6])
    assert centres == pytest.approx([5 + 0.5, 25 + 0.5])


@pytest.mark.parametrize("part", ["train", "test"])
def test_characters_stand_where_the_datasets_own_boxes_are(part):
    """Every tenth word of IIIT5K; equal parts of the crop overlap by about 0.61."""
    from grcnn_ocr.datasets.words import decoded, open_words
    from grcnn_ocr.evaluation.positions import Placing
    from grcnn_ocr.reading import Recognizer

    source = open_words(shared(f"data/iiit5k/{part}CharBound.mat"))
    images = [decoded(source, index) for index in range(0, len(source), 10)]
    placing = Placing()
    for number, prediction in enumerate(Recognizer().read_many(images, characters=True)):
        placing.add(prediction, source.label(10 * number), source.characters[10 * number], images[number].shape[1])
    assert Placing().overlap() is None
    overlap, baseline, num_words = placing.overlap()
    assert num_words > 0.7 * len(images)
    assert baseline < 0.65
    assert overlap > 0.76
