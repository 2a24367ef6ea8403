import pytest
import torch

from grcnn_ocr.layers.ungated_rcl import UngatedRCL
from grcnn_ocr.models.cost import count_parameters
from grcnn_ocr.models.front_ends import densenet, grcl, rcnn  # noqa: F401 (imported to register)
from grcnn_ocr.models.front_ends.base import FRONT_ENDS, FrontEnd
from grcnn_ocr.models.front_ends.densenet import DenseLayer
from grcnn_ocr.models.recognizer import CTCRecognizer

SMALL = {
    "rcnn": {"widths": (4, 4, 6, 8, 10), "iterations": 2},
    "densenet": {"stem_channels": 4, "blocks": (1, 2, 2), "growth": 2, "out_channels": 10},
}


def build(name: str, **options: object) -> FrontEnd:
    return FRONT_ENDS.build(name, options)


@pytest.mark.parametrize("name", SMALL)
def test_every_width_gives_the_frames_of_the_grcl_front_end(name):
    front_end = build(name, **SMALL[name]).eval()
    widths = torch.tensor([*range(4, 40), 100, 127, 128, 130])
    with torch.inference_mode():
        shapes = [tuple(front_end(torch.zeros(2, 1, 32, width)).shape) for width in widths.tolist()]
    assert shapes == [(2, 10, 1, num_frames) for num_frames in front_end.num_frames(widths).tolist()]
    assert torch.equal(front_end.num_frames(widths), build("grcl").num_frames(widths))


def test_defaults_are_about_the_size_of_the_grcl_front_end():
    with torch.device("meta"):
        counts = [count_parameters(build(name)) for name in ("grcl", "rcnn", "densenet")]
    assert counts == [5_298_432, 4_810_752, 5_377_344]


@pytest.mark.parametrize("name", SMALL)
def test_recogniser_runs_forward_and_backward_with_every_gradient(name):
    torch.manual_seed(0)
    model = CTCRecognizer(build(name, **SMALL[name]), [8], num_classes=11).train()
    logits, _ = model(torch.randn(2, 1, 32, 100), torch.tensor([100, 100]))
    assert logits.shape == (2, 26, 11)
    logits.square().mean().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), key
        assert key.endswith("bias") or parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize("weight_sharing", [False, True])
def test_ungated_rcl_computes_its_equation(weight_sharing):
    torch.manual_seed(0)
    layer = UngatedRCL(3, 5, 2, weight_sharing).eval()
    for norm in (layer.feed_forward_norm, *layer.recurrent_norm):
        torch.nn.init.uniform_(norm.running_mean)
        torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    u = torch.randn(2, 3, 6, 7)

    def normalised(norm: torch.nn.BatchNorm2d, x: torch.Tensor) -> torch.Tensor:
        return (x - norm.running_mean[:, None, None]) / (norm.running_var[:, None, None] + norm.eps) ** 0.5

    f = normalised(layer.feed_forward_norm, layer.feed_forward(u))
    x = f.clamp(min=0)
    for t in range(2):
        recurrent = layer.recurrent[0 if weight_sharing else t]
        x = (f + normalised(layer.recurrent_norm[t], recurrent(x))).clamp(min=0)
    torch.testing.assert_close(layer(u), x)


def test_ungated_rcl_is_a_grcl_without_the_parameters_of_its_gate():
    gated, ungated = (build(name, **SMALL["rcnn"]).state_dict() for name in ("grcl", "rcnn"))
    assert set(ungated) < set(gated)
    assert {key.split(".")[1] for key in set(gated) - set(ungated)} == {
        "gate_feed_forward",
        "gate_feed_forward_norm",
        "gate_recurrent",
        "gate_recurrent_norm",
        "product_norm",
    }


def test_dense_layer_keeps_what_it_was_given():
    torch.manual_seed(0)
    x = torch.randn(2, 4, 5, 6)
    y = DenseLayer(4, growth=3).eval()(x)
    assert y.shape == (2, 7, 5, 6)
    assert torch.equal(y[:, :4], x)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rcnn", {"iterations": 0}, "greater than 0"),
        ("rcnn", {"skip": "paper"}, "'skip'"),
        ("densenet", {"compression": 1.5}, "less than or equal to 1"),
        ("densenet", {"blocks": [6, 12]}, "blocks"),
    ],
)
def test_options_are_checked(name, options, message):
    with pytest.raises(ValueError, match=message):
        build(name, **options)


def test_zero_iterations_are_an_error():
    with pytest.raises(ValueError, match="at least 1 iteration"):
        UngatedRCL(2, 4, iterations=0)
