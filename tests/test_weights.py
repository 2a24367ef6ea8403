import hashlib
import json

import numpy as np
import pytest
import torch
from conftest import SAMPLES, draw
from PIL import Image, ImageDraw, ImageFont
from safetensors.torch import save_file

from grcnn_ocr.build import build_model
from grcnn_ocr.datasets.words import Subset, open_words
from grcnn_ocr.evaluation.words import evaluate_words
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.releases import DEFAULT, RELEASED, released_weights
from grcnn_ocr.storage import pack, unpack
from grcnn_ocr.weights import (
    Weights,
    config_of,
    find_weights,
    load_weights,
    save_weights,
)


def test_one_file_is_enough_to_read_the_same(small_config, tmp_path, crops):
    weights = Weights(build_model(small_config), small_config)
    save_weights(tmp_path / "w.safetensors", weights)
    images = sorted(crops.glob("*.png"))
    assert Recognizer(tmp_path / "w.safetensors", "cpu").read_many(images) == Recognizer(weights, "cpu").read_many(
        images
    )


@pytest.mark.parametrize("content", [b"", b"junk", b"\x80\x02junk" * 100])
def test_a_checkpoint_that_is_not_one_is_an_error(content, tmp_path):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"w\.safetensors is not a safetensors weights file.*grcnn-ocr import"):
        load_weights(tmp_path / "w.safetensors")


def test_safetensors_of_another_project_are_an_error(tmp_path):
    save_file({"x": torch.zeros(2)}, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="no such format"):
        load_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({}, "'config'"),
        ({"config": "{"}, "Expecting"),
        ({"config": '{"model": {"front_end": {"name": "grlc"}}}'}, "did you mean 'grcl'"),
    ],
)
def test_a_header_that_makes_no_sense_is_an_error_that_names_the_file(header, message, tmp_path):
    save_file({"x": torch.zeros(2)}, tmp_path / "w.safetensors", {"format": "grcnn-ocr/1", **header})
    with pytest.raises(ValueError, match=message) as caught:
        load_weights(tmp_path / "w.safetensors")
    assert "w.safetensors" in str(caught.value)


def test_tensors_that_do_not_fit_the_header_are_named(small_config, tmp_path):
    other = small_config.model_copy(update={"model": small_config.model.model_copy(update={"lstm_features": (8, 16)})})
    save_weights(tmp_path / "w.safetensors", Weights(build_model(small_config), other))
    with pytest.raises(ValueError, match=r"sequence\.0\.lstm\.weight_ih_l0 has shape \(64, 16\), expected \(32, 16\)"):
        load_weights(tmp_path / "w.safetensors")


def test_settings_of_a_training_by_another_version_do_not_keep_weights_from_reading(small_config, tmp_path):
    from safetensors import safe_open
    from safetensors.torch import save_file

    path = tmp_path / "w.safetensors"
    save_weights(path, Weights(build_model(small_config), small_config))
    with safe_open(path, framework="pt") as file:
        tensors, header = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118
    values = json.loads(header["config"])
    values["data"]["engine"]["look"]["glitter"] = 1.0
    values["train"]["lucky"] = True
    save_file(tensors, path, {**header, "config": json.dumps(values)})
    assert load_weights(path).config.model == small_config.model
    values["model"]["glitter"] = 1.0
    save_file(tensors, path, {**header, "config": json.dumps(values)})
    with pytest.raises(ValueError, match=r"model\.glitter"):
        load_weights(path)


def test_released_weights_are_found_by_name_and_are_the_default():
    released = released_weights()
    assert DEFAULT in released
    assert find_weights() == find_weights(DEFAULT) == released[DEFAULT]
    with pytest.raises(ValueError, match=r"no weights 'nowhere'.*grcl_lstm_tiny"):
        find_weights("nowhere")


@pytest.mark.parametrize("name", released_weights())
def test_released_weights_are_what_their_checksum_says_and_read_the_samples(name):
    sums = dict(line.split()[::-1] for line in (RELEASED / "checksums.txt").read_text().splitlines())
    path = released_weights()[name]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sums[path.name]
    assert (RELEASED / f"{name}.md").is_file()
    assert config_of(path).name == name
    recognizer = Recognizer(name, "cpu")
    [result] = evaluate_words(recognizer, Subset(open_words(SAMPLES / "labels.tsv"), range(40)))
    assert result.counts.images == 40 and result.counts.word_accuracy > 0.75


@pytest.mark.parametrize("text", ["HELLO", "hello", "it's", "$5.99", "50%", "Open!"])
def test_the_default_reads_case_and_punctuation(text):
    assert Recognizer(device="cpu").read(draw(text)).text == text


def test_the_default_finds_words_of_a_list_in_either_case():
    recognizer = Recognizer(device="cpu")
    [prediction] = recognizer.read_many([draw("OPEN!")], ["open", "closed", "New York"])
    assert prediction.text == "open" and prediction.confidence > 0.5
    exact = recognizer.read(draw("Open"), ["OPEN", "Open", "closed"], match_case=True)
    assert exact.text == "Open" and exact.confidence > 0.5
    assert recognizer.read(draw("NEWYORK"), ["open", "closed", "New York"]).text == "New York"


@pytest.mark.parametrize(
    ("plain", "letter", "is_umlaut", "text"),
    [("uber", 0, True, "über"), ("cafe", 3, False, "café"), ("schon", 3, True, "schön"), ("cafe", None, False, "cafe")],
)
def test_the_default_reads_accents(plain, letter, is_umlaut, text):
    font = ImageFont.load_default(40)  # which has no accents
    image = Image.new("L", (int(font.getlength(plain)) + 24, 64), 255)
    pen = ImageDraw.Draw(image)
    pen.text((12, 36), plain, font=font, fill=0, anchor="lm")
    if letter is not None:
        x = 12 + font.getlength(plain[:letter]) + font.getlength(plain[letter]) / 2
        if is_umlaut:
            for centre in (x - 6, x + 6):
                pen.ellipse((centre - 2.5, 15, centre + 2.5, 20), fill=0)
        else:
            pen.line((x - 2, 20, x + 5, 12), fill=0, width=4)
    assert Recognizer(device="cpu").read(np.asarray(image)).text == text


def test_half_precision_halves_the_file_and_hardly_changes_the_network(small_config, tmp_path):
    weights = Weights(build_model(small_config), small_config)
    save_weights(tmp_path / "whole.safetensors", weights)
    save_weights(tmp_path / "half.safetensors", weights, "float16")
    assert (tmp_path / "half.safetensors").stat().st_size < 0.7 * (tmp_path / "whole.safetensors").stat().st_size
    loaded = load_weights(tmp_path / "half.safetensors").model.state_dict()
    for key, value in weights.model.state_dict().items():
        assert loaded[key].dtype == value.dtype
        torch.testing.assert_close(loaded[key], value, atol=1e-3, rtol=1e-3)


def test_int8_weights_are_smaller_and_off_by_half_a_step_of_their_row(small_config, tmp_path):
    weights = Weights(build_model(small_config), small_config)
    weights.model.front_end.stem.weight.data[1] = 0
    save_weights(tmp_path / "whole.safetensors", weights)
    save_weights(tmp_path / "int8.safetensors", weights, "int8")
    assert (tmp_path / "int8.safetensors").stat().st_size < 0.6 * (tmp_path / "whole.safetensors").stat().st_size
    loaded = load_weights(tmp_path / "int8.safetensors").model.state_dict()
    assert loaded.keys() == weights.model.state_dict().keys()
    for key, value in weights.model.state_dict().items():
        if value.ndim < 2:
            torch.testing.assert_close(loaded[key], value, atol=1e-3, rtol=1e-3)
            continue
        off = (loaded[key] - value).abs().flatten(1)
        step = value.abs().flatten(1).amax(dim=1, keepdim=True) / 127
        assert (off <= step * (0.5 + 1e-5)).all() and off.max() > 0, key


@pytest.mark.parametrize(
    ("key", "value"),
    [("a.scales", None), ("a.scales", torch.ones(3)), ("a.scales", torch.ones(2, 1))],
    ids=["none", "too many", "another shape"],
)
def test_int8_without_its_scales_is_an_error(key, value):
    stored = pack({"a": torch.randn(2, 5), "b.scales": torch.randn(4)}, "int8")
    assert stored["a"].dtype == torch.int8 and unpack(stored).keys() == {"a", "b.scales"}
    del stored[key]
    if value is not None:
        stored[key] = value
    with pytest.raises(ValueError, match=r"a \(2, 5\) is in int8: expected as many scales as rows, found"):
        unpack(stored)


@pytest.mark.parametrize("storage", ["float16", "int8"])
def test_values_that_do_not_fit_are_an_error(storage):
    with pytest.raises(ValueError, match="running_var does not fit"):
        pack({"running_var": torch.tensor([1.0, 1e6])}, storage)
    with pytest.raises(ValueError, match="storage 'half': expected one of float32, float16, int8"):
        pack({}, "half")


def test_the_default_is_not_what_a_folder_of_its_name_holds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / DEFAULT).write_bytes(b"mine")
    assert find_weights() == released_weights()[DEFAULT]
