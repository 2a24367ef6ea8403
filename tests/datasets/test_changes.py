import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.datasets import changes
from grcnn_ocr.datasets.changes import CHANGES, ChangedWords, add_noise, blur, cut, shrink, stretch, turn
from grcnn_ocr.datasets.words import decoded, open_words

GRADIENT = np.add.outer(np.arange(20), 2 * np.arange(60)).astype(np.uint8)
"""20 rows of 60 pixels, each different from its neighbours."""


@pytest.mark.parametrize("name", CHANGES)
@given(height=st.integers(1, 40), width=st.integers(1, 60))
def test_every_change_leaves_an_image(name, height, width):
    found = CHANGES[name](np.random.default_rng(0).integers(0, 256, (height, width), np.uint8))
    assert found.ndim == 2 and found.size and found.dtype == np.uint8


def test_each_change_does_what_its_name_says():
    assert (cut(GRADIENT, 0.1) == GRADIENT[2:-2, 2:-2]).all()
    assert (turn(GRADIENT, 180)[1:, 1:] == GRADIENT[:0:-1, :0:-1]).all()
    loose = changes.loosen(GRADIENT, 0.1)
    assert (loose[2:-2, 2:-2] == GRADIENT).all() and loose.shape == (24, 64)
    assert changes.turn_whole(GRADIENT, 30).shape == (47, 62)
    assert (changes.turn_whole(GRADIENT, 180)[1:, 1:] == GRADIENT[:0:-1, :0:-1]).all()
    assert shrink(GRADIENT, 10).shape == (10, 30) and shrink(GRADIENT, 21) is GRADIENT
    assert stretch(GRADIENT, 1.5).shape == (20, 90)
    assert np.abs(blur(GRADIENT, 0.05)[5:-5, 5:-5] - GRADIENT[5:-5, 5:-5].astype(int)).max() <= 1
    assert 15 < (add_noise(np.full_like(GRADIENT, 128), 20) - 128.0).std() < 25
    assert (CHANGES["as they are"](GRADIENT) == GRADIENT).all()
    assert (CHANGES["inverted"](GRADIENT) == 255 - GRADIENT).all()


def test_every_word_comes_under_every_change(crops):
    words = open_words(crops / "labels.tsv")
    changed = ChangedWords(words, [lambda image: image, lambda image: 255 - image])
    assert len(changed) == 2 * len(words) and changed.path == words.path
    for index in range(len(words)):
        twin = index + len(words)
        assert changed.label(index) == changed.label(twin) == words.label(index)
        assert changed.place(index) == changed.place(twin) == words.place(index)
        assert (decoded(changed, index) == decoded(words, index)).all()
        assert (decoded(changed, twin) == 255 - decoded(words, index)).all()
