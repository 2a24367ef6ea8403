import pytest
import torch
from safetensors.torch import save_file

from grcnn_ocr.build import build_model
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.weights import Weights, find_weights, load_weights, save_weights


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


def test_the_newest_run_is_the_best_at_hand(tmp_path, monkeypatch, small_config):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"no weights at hand.*python train\.py"):
        find_weights()
    for name in ("a", "demo/b"):
        save_weights(tmp_path / "runs" / name / "best.safetensors", Weights(build_model(small_config), small_config))
    assert find_weights().parent.name == "b"
    with pytest.raises(ValueError, match="no weights file nowhere"):
        find_weights("nowhere")
