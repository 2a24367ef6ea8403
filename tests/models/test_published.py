"""The published networks, filled deterministically, give the published numbers."""

import numpy as np
import pytest
import torch
from conftest import assert_close_to_published, fill, published_state_dict, shared

from grcnn_ocr.config import load_config
from grcnn_ocr.foreign_weights import import_weights


@pytest.fixture
def images() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal((2, 1, 32, 100)).astype(np.float32))


@pytest.mark.parametrize(("skip", "published"), [("paper", "logp_paper"), ("released", "logp_inplace")])
def test_small_recogniser_matches_published_fixture(skip, published, images, tmp_path):
    numbers = np.load(shared("oracles/ocr_lua_small.npz"))
    torch.save(published_state_dict("ocr_lua_small"), tmp_path / "lua.pt")
    config = load_config("grcl_lstm_small", [f"model.front_end.skip={skip}"])
    model = import_weights(tmp_path / "lua.pt", config).model.eval()
    with torch.inference_mode():
        logits, lengths = model(images, torch.tensor([100, 100]))
    log_probs = logits.log_softmax(2).transpose(0, 1)  # (B, T, K) -> (T, B, K)
    assert lengths.tolist() == [26, 26]
    assert_close_to_published(log_probs.numpy(), numbers[published])


def test_dtrb_front_end_matches_published_fixture(images, tmp_path, caplog):
    numbers = np.load(shared("oracles/clova_rcnn_fe.npz"))
    torch.save({"state_dict": published_state_dict("clova_rcnn_fe")}, tmp_path / "dtrb.pt")
    model = import_weights(tmp_path / "dtrb.pt", load_config("grcl_lstm_dtrb")).model.eval()
    with torch.inference_mode():
        columns = model.front_end(images)
    assert_close_to_published(columns.numpy(), numbers["logits"])
    assert "BiLSTMs are untrained" in caplog.text


def test_whole_dtrb_checkpoint_is_imported(images, tmp_path):
    """The benchmark's own sequence layers and Prediction, run as it runs them, against ours after the import."""
    state = {f"module.FeatureExtraction.{key}": value for key, value in published_state_dict("clova_rcnn_fe").items()}
    lstms, linears = [], []
    for index, features in enumerate((512, 256)):
        lstm, linear = (
            torch.nn.LSTM(features, 256, bidirectional=True, batch_first=True),
            torch.nn.Linear(512, 256),
        )
        for part, module in (("rnn", lstm), ("linear", linear)):
            module.load_state_dict(
                {key: fill(f"{index}.{part}.{key}", list(v.shape)) for key, v in module.state_dict().items()}
            )
            state |= {f"module.SequenceModeling.{index}.{part}.{key}": v for key, v in module.state_dict().items()}
        lstms.append(lstm)
        linears.append(linear)
    prediction = torch.nn.Linear(256, 37)
    state |= {f"module.Prediction.{key}": value for key, value in prediction.state_dict().items()}
    torch.save(state, tmp_path / "dtrb.pt")

    model = import_weights(tmp_path / "dtrb.pt", load_config("grcl_lstm_dtrb")).model.eval()
    with torch.inference_mode():
        frames = model.front_end(images).squeeze(2).transpose(1, 2)
        for lstm, linear in zip(lstms, linears, strict=True):
            frames = linear(lstm(frames)[0])
        logits, _ = model(images, torch.tensor([100, 100]))
        torch.testing.assert_close(logits, prediction(frames), atol=1e-4, rtol=1e-4)
