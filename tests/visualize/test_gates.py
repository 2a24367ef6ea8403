import numpy as np
import pytest
import torch

from grcnn_ocr.models.front_ends import grcl, grcnn_t_pami, vgg  # noqa: F401 (imported to register)
from grcnn_ocr.models.front_ends.base import FRONT_ENDS, FrontEnd
from grcnn_ocr.visualize.gates import gates

WIDTHS = (4, 4, 6, 8, 10)
T_PAMI = {"stem_channels": 4, "widths": (2, 4, 4), "iterations": (1, 2, 3), "groups": 4, "out_channels": 6}


def build(name: str, **options: object) -> FrontEnd:
    torch.manual_seed(0)
    front_end = FRONT_ENDS.build(name, options).eval()
    for module in front_end.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    return front_end


@torch.inference_mode()
def recomputed(layer: torch.nn.Module, u: torch.Tensor) -> np.ndarray:
    """The gates of a GRCL, by the equation in its docstring."""
    f = layer.feed_forward_norm(layer.feed_forward(u))
    g = layer.gate_feed_forward_norm(layer.gate_feed_forward(u))
    x, found = f.clamp(min=0), []
    for t in range(layer.iterations):
        conv = t % len(layer.recurrent)
        gate = 1 / (1 + torch.exp(-g - layer.gate_recurrent_norm[t](layer.gate_recurrent[conv](x))))
        found.append(gate[0].numpy())
        recurrent = layer.recurrent_norm[t](layer.recurrent[conv](x))
        x = (f + layer.product_norm[t](recurrent * gate)).clamp(min=0)
    return np.stack(found)


@pytest.mark.parametrize("weight_sharing", [False, True])
def test_gates_are_those_of_the_equation(weight_sharing):
    front_end = build("grcl", widths=WIDTHS, iterations=3, weight_sharing=weight_sharing)
    images = torch.randn(1, 1, 32, 40)
    inputs = {}
    for name in ("grcl1", "grcl2", "grcl3"):
        layer = getattr(front_end, name)
        layer.register_forward_pre_hook(lambda _, given, name=name: inputs.update({name: given[0]}))
    found = gates(front_end, images)
    assert [layer.name for layer in found] == ["grcl1", "grcl2", "grcl3"]
    assert [layer.maps.shape for layer in found] == [(3, 4, 16, 20), (3, 6, 8, 10), (3, 8, 4, 11)]
    for layer in found:
        expected = recomputed(getattr(front_end, layer.name), inputs[layer.name])
        np.testing.assert_allclose(layer.maps, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "iterations"),
    [("grcl_dtrb", {"widths": WIDTHS, "iterations": 2}, [2, 2, 2]), ("grcnn_t_pami", T_PAMI, [1, 2, 3])],
)
def test_every_kind_of_grcl_shows_every_iteration(name, options, iterations):
    found = gates(build(name, **options), torch.randn(1, 1, 32, 40))
    assert [len(layer.maps) for layer in found] == iterations
    for layer in found:
        assert 0 < layer.maps.min() < layer.maps.max() < 1


def test_reading_gates_changes_nothing_and_leaves_no_hook():
    front_end, images = build("grcl", widths=WIDTHS), torch.randn(1, 1, 32, 40)
    with torch.inference_mode():
        before = front_end(images)
        gates(front_end, images)
        assert torch.equal(front_end(images), before)
    assert not any(module._forward_hooks for module in front_end.modules())


def test_a_front_end_without_gates_shows_none():
    assert gates(build("vgg"), torch.zeros(1, 1, 32, 32)) == []
