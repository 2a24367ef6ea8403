"""Every preset: its exact size, gradients everywhere, any batch size, save and load, and that it can learn."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import WORDS, draw

from grcnn_ocr.build import build_charset, build_model, build_preprocessor
from grcnn_ocr.config import DataConfig, TrainConfig, list_configs, load_config
from grcnn_ocr.decoding.greedy import greedy
from grcnn_ocr.models.cost import count_macs, count_parameters
from grcnn_ocr.pixels import to_grayscale
from grcnn_ocr.weights import Weights, load_weights, save_weights

PARAMETERS = {
    "crnn": 8_331_082,
    "densenet_lstm": 14_345_610,
    "grcl_lstm": 14_266_698,
    "grcl_lstm_dtrb": 4_640_202,
    "grcl_lstm_paper": 14_266_698,
    "grcl_lstm_small": 10_817_098,
    "grcl_lstm_tiny": 2_269_130,
    "grcl_lstm_tiny_94": 2_291_518,
    "grcl_lstm_tiny_latin": 2_349_032,
    "rcnn_lstm": 13_779_018,
}
JOINS = 2 * 512 * 512 + 2 * 512 * 37
"""The two BiLSTMs' joins for one frame, which the published count of the whole recogniser's "conv MACs" includes."""
FRONT_END_MACS = {
    "grcl_lstm": 767_734_784 - JOINS,
    "grcl_lstm_small": 500_347_904 - JOINS,
    "grcl_lstm_dtrb": 767_172_608,
}


@pytest.mark.parametrize("name", list_configs())
def test_preset_has_exactly_its_parameters(name):
    assert count_parameters(build_model(load_config(name))) == PARAMETERS[name]


def test_other_published_variants_have_their_parameters():
    def count(*overrides: str) -> int:
        return count_parameters(build_model(load_config("grcl_lstm", overrides)))

    assert count("model.front_end.iterations=3") == 12_539_210
    assert count("model.front_end.weight_sharing=true") == 10_822_474


def test_dtrb_front_end_has_its_published_parameters():
    assert count_parameters(build_model(load_config("grcl_lstm_dtrb")).front_end) == 1_859_968


@pytest.mark.parametrize(("name", "macs"), FRONT_END_MACS.items())
def test_front_end_has_the_published_multiply_adds(name, macs):
    assert count_macs(build_model(load_config(name)).front_end, torch.zeros(1, 1, 32, 100)) == macs


def test_multiply_adds_of_a_bilstm_counted_by_hand():
    lstm = torch.nn.LSTM(6, 4, batch_first=True, bidirectional=True)
    assert count_macs(lstm, torch.zeros(2, 5, 6)) == 2 * 5 * 2 * 4 * 4 * (6 + 4)


@pytest.mark.parametrize("name", list_configs())
def test_preset_runs_forward_and_backward_with_every_gradient(name):
    torch.manual_seed(0)
    config = load_config(name)
    model = build_model(config).train()
    logits, lengths = model(torch.randn(2, 1, 32, 100), torch.tensor([100, 100]))
    assert logits.shape == (2, 26, build_charset(config.charset).num_classes)
    assert lengths.tolist() == [26, 26]
    logits.square().mean().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), key
        # biases under a BatchNorm have a gradient of zero but for rounding
        assert key.endswith("bias") or parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize("name", list_configs())
def test_preset_reads_a_batch_of_one_as_in_a_batch_of_three(name):
    torch.manual_seed(0)
    model = build_model(load_config(name)).eval()
    images = torch.randn(3, 1, 32, 100)
    with torch.inference_mode():
        together, _ = model(images, torch.tensor([100] * 3))
        alone, _ = model(images[1:2], torch.tensor([100]))
    torch.testing.assert_close(alone, together[1:2], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", list_configs())
def test_preset_saves_and_loads(name, tmp_path):
    config = load_config(name)
    model = build_model(config)
    save_weights(tmp_path / "w.safetensors", Weights(model, config, {"steps": 3}))
    loaded = load_weights(tmp_path / "w.safetensors")
    defaults = {"data": DataConfig(), "train": TrainConfig()}
    assert loaded.config == config.model_copy(update=defaults)
    assert loaded.training == {"steps": 3}
    for key, value in model.state_dict().items():
        assert torch.equal(value, loaded.model.state_dict()[key]), key


def overfit(name: str, max_steps: int, lr: float) -> tuple[list[str], list[str]]:
    """Train on 16 drawn words until all are read; return labels and readings."""
    torch.manual_seed(0)
    config = load_config(name, ["preprocess.width=100"])
    charset, preprocessor = build_charset(config.charset), build_preprocessor(config.preprocess)
    model = build_model(config).to(memory_format=torch.channels_last)
    pixels = np.stack([preprocessor.resize(to_grayscale(draw(word))) for word in WORDS])
    images, widths = torch.from_numpy(preprocessor.normalise(pixels)), torch.full((len(WORDS),), 100)
    classes = [charset.encode(word) for word in WORDS]
    targets = torch.tensor([c for word in classes for c in word])
    target_lengths = torch.tensor([len(word) for word in classes])
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    readings: list[str] = []
    for step in range(max_steps):
        logits, lengths = model.train()(images, widths)
        log_probs = logits.log_softmax(2).transpose(0, 1)
        F.ctc_loss(log_probs, targets, lengths, target_lengths).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 10 == 9:
            with torch.inference_mode():
                logits, lengths = model.eval()(images, widths)
            readings = [charset.decode(c) for c in greedy(logits.numpy(), lengths.tolist())]
            if readings == WORDS:
                break
    return WORDS, readings


def test_tiny_preset_overfits_16_words():
    labels, readings = overfit("grcl_lstm_tiny", max_steps=300, lr=2e-3)
    assert readings == labels


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", sorted(name for name in list_configs() if "tiny" not in name and name != "grcl_lstm_paper")
)
def test_preset_overfits_16_words(name):
    labels, readings = overfit(name, max_steps=500, lr=5e-4)
    assert readings == labels
