import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.preprocess import Preprocessor


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (32, 5000), (3000, 2)])
@pytest.mark.parametrize("interpolation", ["area", "bicubic"])
def test_extreme_shapes_are_resized(shape, interpolation):
    resized = Preprocessor(interpolation=interpolation).resize(np.full(shape, 77, np.uint8))
    assert resized.shape == (32, 100) and (resized == 77).all()


def test_area_averages_when_shrinking_and_is_linear_when_enlarging_each_axis_on_its_own():
    image = np.zeros((16, 200), np.uint8)
    image[:, ::2] = 200
    resized = Preprocessor().resize(image)  # half the width, twice the height
    assert (resized == 100).all()


def test_normalise_is_the_published_scaling():
    found = Preprocessor().normalise(np.array([[[0, 128, 255]]], np.uint8))
    assert found.shape == (1, 1, 1, 3) and found.dtype == np.float32
    assert found.ravel().tolist() == [-1.0, 0.0, 127 / 128]


@given(height=st.integers(1, 90), width=st.integers(1, 900))
def test_proportional_width_keeps_the_proportions_between_floor_and_ceiling(height, width):
    preprocessor = Preprocessor(width="proportional", min_width=20, max_width=256)
    resized = preprocessor.resize(np.full((height, width), 7, np.uint8))
    assert resized.shape == (32, min(max(round(32 / height * width), 20), 256))
    padded = preprocessor.padded_width(resized)
    assert padded % 32 == 0 and 0 <= padded - resized.shape[1] < 32


def test_a_proportional_width_may_be_stretched():
    preprocessor = Preprocessor(width="proportional", stretch=1.25)
    assert preprocessor.resize(np.zeros((48, 90), np.uint8)).shape == (32, 75)


def test_padding_repeats_the_last_column_and_is_not_counted():
    preprocessor = Preprocessor(width="proportional")
    images = [np.tile(np.arange(width, dtype=np.uint8), (32, 1)) for width in (40, 64)]
    stacked, widths = preprocessor.stack(images)
    assert stacked.shape == (2, 32, 64) and widths.tolist() == [40, 64]
    assert (stacked[0, :, :40] == images[0]).all() and (stacked[0, :, 40:] == 39).all()
    assert (stacked[1] == images[1]).all()


def test_a_fixed_width_is_never_padded():
    stacked, widths = Preprocessor().stack([Preprocessor().resize(np.zeros((9, 9), np.uint8))])
    assert stacked.shape == (1, 32, 100) and widths.tolist() == [100]


def test_stretched_contrast_fills_the_range_whatever_the_contrast_was():
    ramp = np.tile(np.linspace(100, 120, 100).round().astype(np.uint8), (32, 1))
    found = Preprocessor(contrast="stretched").resize(ramp)
    assert found.min() == 0 and found.max() == 255 and (np.diff(found[0].astype(int)) >= 0).all()
    flat = np.full((32, 100), 55, np.uint8)
    assert (Preprocessor(contrast="stretched").resize(flat) == 55).all()
