import cv2
import numpy as np
import pytest
from conftest import WORDS, draw
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.doctor.duplicates import MAX_DISTANCE, near_pairs, perceptual_hash, same_pictures
from grcnn_ocr.pixels import to_grayscale

hashes = st.builds(
    lambda base, flips: [base[which % len(base)] ^ sum(1 << bit for bit in bits) for which, bits in flips],
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 63), max_size=6)), max_size=30),
)


def apart(a: int, b: int) -> int:
    return bin(int(a) ^ int(b)).count("1")


@given(hashes)
def test_near_pairs_equal_those_of_brute_force(values):
    expected = [
        [i, j] for i in range(len(values)) for j in range(i + 1, len(values))
        if apart(values[i], values[j]) <= MAX_DISTANCE
    ]  # fmt: skip
    found, is_complete = near_pairs(np.array(values, np.uint64))
    assert found.tolist() == expected and is_complete


def test_the_search_ends_at_its_limit_and_says_so():
    found, is_complete = near_pairs(np.zeros(50, np.uint64), limit=20)
    assert len(found) == 20 and not is_complete
    assert near_pairs(np.zeros(50, np.uint64), limit=50 * 49 // 2)[1]
    copies = same_pictures(np.zeros(50, np.uint64), np.zeros(50, np.uint64), limit=20)
    assert copies.pairs[-1].tolist() == [0, 20] and not copies.is_complete


def test_copies_are_paired_with_their_first_place():
    digests = np.array([7, 8, 7, 9, 10, 7], np.uint64)
    values = np.array([0, 0, 0, 0b111, 2**63 - 1, 0], np.uint64)
    found = same_pictures(digests, values)
    assert found.pairs.tolist() == [[0, 1], [0, 2], [0, 3], [0, 5]]
    assert found.distances.tolist() == [0, -1, 3, -1]


@pytest.mark.parametrize("num", [0, 1])
def test_too_few_pictures_make_no_pair(num):
    assert same_pictures(np.zeros(num, np.uint64), np.zeros(num, np.uint64)).pairs.shape == (0, 2)


@pytest.mark.parametrize("word", ["hello", "street", "42"])
def test_a_hash_survives_what_copies_go_through(word):
    image = to_grayscale(draw(word))
    compressed = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_GRAYSCALE)
    paler = (image // 2 + 60).astype(np.uint8)
    larger = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    for copy in (compressed, paler, larger):
        assert apart(perceptual_hash(image), perceptual_hash(copy)) <= MAX_DISTANCE


def test_different_words_have_distant_hashes():
    found = np.array([perceptual_hash(to_grayscale(draw(word))) for word in WORDS], np.uint64)
    assert (found < 2**63).all() and len(near_pairs(found)[0]) == 0
