import numpy as np
import pytest
from PIL import ImageFont

from grcnn_ocr.annotate import HEIGHT, STRIP, annotated
from grcnn_ocr.decoding.decoder import Prediction
from grcnn_ocr.decoding.positions import Character
from grcnn_ocr.lettering import caption_font


def test_each_character_is_tinted_over_its_span():
    image = np.full((48, 40), 128, np.uint8)
    characters = (Character("a", 0.9, 0, 10), Character("b", 0.8, 20, 30))
    sheet = annotated(image, Prediction("ab", 0.7, -0.3, characters=characters))
    assert sheet.shape[0] == HEIGHT + 2 * STRIP and sheet.dtype == np.uint8
    row = sheet[STRIP + HEIGHT // 2]
    scale = HEIGHT / 48
    is_gray = (row == 128).all(axis=1)
    assert not is_gray[: int(10 * scale) - 1].any() and is_gray[int(10 * scale) + 1 : int(20 * scale) - 1].all()
    assert not is_gray[int(20 * scale) + 1 : int(30 * scale) - 1].any()


def test_a_crop_of_one_pixel_can_be_drawn():
    assert annotated(np.zeros((1, 1), np.uint8), Prediction("", 0.0, 0.0, characters=())).ndim == 3


def test_captions_are_in_a_font_that_has_their_letters():
    own = caption_font("open", 20)
    assert own.getname() == ImageFont.load_default(20).getname() == caption_font("", 20).getname()
    assert caption_font("\ufffe\ufffd日", 20).getname()  # of no font: still one to draw with
    try:
        known = ImageFont.truetype("DejaVuSans.ttf", 20).getname()
    except OSError:
        pytest.skip("no DejaVu Sans here: the caption of 'über' was not tested")
    assert caption_font("über", 20).getname() == known
