import pytest
import torch
from conftest import published_state_dict

from grcnn_ocr.config import load_config
from grcnn_ocr.foreign_weights import import_weights


def test_missing_extra_and_misshapen_keys_are_named(tmp_path):
    state = published_state_dict("ocr_lua_small")
    del state["g2.r.0.weight"]
    state["surplus"] = torch.zeros(2)
    state["c0.bias"] = torch.zeros(63)
    torch.save(state, tmp_path / "lua.pt")
    with pytest.raises(ValueError, match="3 keys") as caught:
        import_weights(tmp_path / "lua.pt", load_config("grcl_lstm_small"))
    message = str(caught.value)
    assert "missing front_end.grcl2.recurrent.0.weight (128, 128, 3, 3)" in message
    assert "unexpected surplus (2,)" in message
    assert "front_end.stem.bias has shape (63,), expected (64,)" in message


def test_a_prediction_layer_of_another_size_is_named(tmp_path):
    state = published_state_dict("clova_rcnn_fe")
    state |= {
        "SequenceModeling.1.linear.weight": torch.zeros(256, 512),
        "SequenceModeling.1.linear.bias": torch.zeros(256),
    }
    state |= {"Prediction.weight": torch.zeros(37, 512), "Prediction.bias": torch.zeros(37)}
    torch.save(state, tmp_path / "dtrb.pt")
    with pytest.raises(ValueError, match=r"Prediction\.weight has shape \(37, 512\)"):
        import_weights(tmp_path / "dtrb.pt", load_config("grcl_lstm_dtrb"))


def test_a_file_that_would_run_code_is_refused(tmp_path):
    torch.save({"model": print}, tmp_path / "evil.pt")
    with pytest.raises(ValueError, match="not a PyTorch checkpoint of plain tensors"):
        import_weights(tmp_path / "evil.pt", load_config("grcl_lstm_small"))


def test_a_network_without_a_known_layout_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "x.pt")
    with pytest.raises(ValueError, match="no other project's key layout is known for front end 'vgg'"):
        import_weights(tmp_path / "x.pt", load_config("crnn"))


@pytest.mark.parametrize("name", ["grcl_lstm_paper", "grcl_lstm_dtrb"])
def test_a_file_of_tensors_without_names_is_refused(name, tmp_path):
    torch.save({0: torch.zeros(1)}, tmp_path / "numbered.pt")
    with pytest.raises(ValueError, match=r"numbered\.pt holds no state dict: expected names and tensors"):
        import_weights(tmp_path / "numbered.pt", load_config(name))
