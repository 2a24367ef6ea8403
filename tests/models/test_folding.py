"""The folded form computes the same as the network, and does not change the network."""

import copy

import pytest
import torch
from torch import nn

from grcnn_ocr.build import build_model
from grcnn_ocr.config import list_configs, load_config
from grcnn_ocr.models.folding import fold
from grcnn_ocr.models.front_ends.grcnn_t_pami import grcnn_t_pami
from grcnn_ocr.models.recognizer import CTCRecognizer


def randomised(model: CTCRecognizer) -> CTCRecognizer:
    """Give every BatchNorm statistics and weights, and the logits a range, like those of a trained network."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.3, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
    last = model.sequence[-1]
    for join in (last.join_forward, last.join_backward):
        join.weight.data *= 60
    return model.eval()


@torch.no_grad()
def log_probs(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    logits, lengths = model(images, torch.tensor([images.shape[-1], 90]))
    assert lengths.tolist() == [model.num_frames(images.shape[-1]), model.num_frames(90)]
    return logits.log_softmax(2)


VARIANTS = {
    "released skip, shared convolutions": lambda: build_model(
        load_config("grcl_lstm_tiny", ["model.front_end.skip=released", "model.front_end.weight_sharing=true"])
    ),
    "T-PAMI": lambda: CTCRecognizer(grcnn_t_pami(), [32, 32], 37),
    "T-PAMI, shared convolutions": lambda: CTCRecognizer(grcnn_t_pami(weight_sharing=True), [32, 32], 37),
}
PRESETS = {name: lambda name=name: build_model(load_config(name)) for name in list_configs()}


@pytest.mark.parametrize("name", [*PRESETS, *VARIANTS])
def test_folded_equals_unfolded(name):
    model = randomised((PRESETS | VARIANTS)[name]())
    images = torch.randn(2, 1, 32, 100)
    expected = log_probs(model, images)
    assert expected.std() > 1, "logits of a range in which 1e-4 is little"
    torch.testing.assert_close(log_probs(fold(model), images), expected, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("name", [*PRESETS, *VARIANTS])
def test_only_what_precedes_an_activation_of_its_own_input_stays(name):
    folded = fold((PRESETS | VARIANTS)[name]())
    kept = [key for key, module in folded.named_modules() if isinstance(module, nn.BatchNorm2d)]
    assert bool(kept) == (name == "densenet_lstm" or name.startswith("T-PAMI")), kept


def test_folding_leaves_a_network_in_training_as_it_was(small_config):
    model = build_model(small_config).train()
    before = copy.deepcopy(model.state_dict())
    folded = fold(model)
    assert all(module.training for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert model.state_dict().keys() == before.keys()
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert not any(module.training for module in folded.modules())
    own = {tensor.data_ptr() for tensor in model.state_dict().values()}
    assert not own & {tensor.data_ptr() for tensor in folded.state_dict().values()}
