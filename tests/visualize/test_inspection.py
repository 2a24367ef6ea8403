import numpy as np
import pytest
from conftest import draw
from PIL import Image

from grcnn_ocr.build import build_model
from grcnn_ocr.config import load_config
from grcnn_ocr.pixels import to_grayscale
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.visualize.draw import draw_fields, draw_gates, draw_lattice
from grcnn_ocr.visualize.gates import Gates
from grcnn_ocr.visualize.inspection import Inspection, inspect
from grcnn_ocr.visualize.lattice import lattice
from grcnn_ocr.weights import Weights, find_weights, load_weights


@pytest.fixture(scope="module")
def weights() -> Weights:
    return load_weights(find_weights("grcl_lstm_tiny"))


def test_reading_is_the_recognisers(weights):
    pixels = to_grayscale(draw("street"))
    seen = inspect(weights, pixels)
    assert seen.text == Recognizer(weights).read(pixels).text == "street"
    assert seen.fields.shape[:2] == (6, 32)
    assert [layer.maps.shape[:2] for layer in seen.gates] == [(3, 32), (3, 64), (3, 128)]
    assert seen.lattice.occupancy.shape == (len(seen.lattice.path), 13)


def test_padding_is_left_out(weights):
    pixels = to_grayscale(draw("street"))[:, :72]
    seen = inspect(weights, pixels)  # stretched to 90, padded to 96
    assert seen.fields.shape[2] == 90
    assert [layer.maps.shape[3] for layer in seen.gates] == [45, 22, 23]
    assert len(seen.lattice.path) == 23


def test_fields_follow_their_characters_along_the_word(weights):
    pixels = to_grayscale(draw("street"))
    columns = inspect(weights, pixels).fields.sum(axis=1)
    centres = (columns * np.arange(columns.shape[1])).sum(axis=1) / columns.sum(axis=1)
    assert np.corrcoef(centres, np.arange(len(centres)))[0, 1] > 0.8  # neighbours overlap, and may change places


def test_another_word_is_folded_and_asked_about(weights):
    seen = inspect(weights, to_grayscale(draw("street")), "Stre-at")
    assert seen.text == "streat"
    assert len(seen.fields) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("...", "no character of charset"),
        ("日本", "not in charset"),
        ("ab" * 20, "40 frames does not fit the image's 26"),
    ],
)
def test_words_that_cannot_be_written_are_errors(weights, text, message):
    with pytest.raises(ValueError, match=message):
        inspect(weights, to_grayscale(draw("street")), text)


@pytest.mark.parametrize("shape", [(32, 12), (32, 100), (16, 200)])
def test_pictures_of_any_width_show_something(weights, tmp_path, shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    seen = inspect(weights, pixels, "it")
    for name, picture in (("gates", draw_gates), ("fields", draw_fields), ("lattice", draw_lattice)):
        path = tmp_path / f"{name}.png"
        picture(seen).savefig(path)
        with Image.open(path) as image:
            assert image.width == 900
            assert len(np.unique(np.asarray(image.convert("L")))) > 50


def test_layers_of_unequal_iterations_have_a_row_each():
    maps = [Gates(name, np.zeros((count, 2, 4, 8), np.float32)) for name, count in (("a", 1), ("b", 3))]
    pixels = np.zeros((32, 64), np.uint8)
    seen = Inspection(pixels, "", maps, np.zeros((0, 32, 64), np.float32), lattice(np.zeros((4, 2)), []))
    titles = [axis.get_title(loc="left") for axis in draw_gates(seen).axes if axis.axison]
    assert titles[:5] == ["the crop, in pixels", "a, iteration 1", *(f"b, iteration {t}" for t in (1, 2, 3))]


def test_nothing_to_draw_is_an_error():
    config = load_config("grcl_lstm_tiny", ["model.front_end={name: vgg}", "model.lstm_features=[4]"])
    model = build_model(config)
    for join in (model.sequence[0].join_forward, model.sequence[0].join_backward):
        join.bias.data[0] = 100  # blanks only
    seen = inspect(Weights(model, config), to_grayscale(draw("x")))
    assert (seen.text, seen.gates, len(seen.fields)) == ("", [], 0)
    with pytest.raises(ValueError, match="no gates to draw"):
        draw_gates(seen)
    with pytest.raises(ValueError, match="nothing was read"):
        draw_fields(seen)
    assert draw_lattice(seen).get_suptitle() == "CTC lattice of nothing"
