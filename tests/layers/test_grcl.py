import pytest
import torch

from grcnn_ocr.layers.grcl import GRCL


def num_parameters(layer: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in layer.parameters())


@pytest.mark.parametrize(
    ("in_channels", "channels", "iterations", "weight_sharing", "expected"),
    [
        (64, 64, 5, False, 248_704),
        (64, 128, 5, False, 907_008),
        (128, 256, 5, False, 3_616_256),
        (64, 64, 3, True, 83_584),
        (64, 128, 3, True, 249_088),
        (128, 256, 3, True, 989_696),
    ],
)
def test_grcl_has_the_published_parameters(in_channels, channels, iterations, weight_sharing, expected):
    assert num_parameters(GRCL(in_channels, channels, iterations, weight_sharing)) == expected


def test_grcl_computes_its_equation():
    """Written out step by step with functions, from the docstring."""
    torch.manual_seed(0)
    layer = GRCL(3, 5, iterations=2).eval()
    u = torch.randn(2, 3, 6, 7)
    f = layer.feed_forward_norm(torch.conv2d(u, layer.feed_forward.weight, layer.feed_forward.bias, padding=1))
    g = layer.gate_feed_forward_norm(torch.conv2d(u, layer.gate_feed_forward.weight, layer.gate_feed_forward.bias))
    x = f.clamp(min=0)
    for t in range(2):
        state = layer.recurrent_norm[t](torch.conv2d(x, layer.recurrent[t].weight, layer.recurrent[t].bias, padding=1))
        gate = layer.gate_recurrent_norm[t](
            torch.conv2d(x, layer.gate_recurrent[t].weight, layer.gate_recurrent[t].bias)
        )
        x = (f + layer.product_norm[t](state / (1 + torch.exp(-(g + gate))))).clamp(min=0)
    torch.testing.assert_close(layer(u), x)


def test_skip_readings_differ_where_f_is_negative():
    torch.manual_seed(0)
    paper, released = GRCL(2, 4, 1, skip="paper").eval(), GRCL(2, 4, 1, skip="released").eval()
    released.load_state_dict(paper.state_dict())
    u = torch.randn(1, 2, 5, 5)
    assert not torch.allclose(paper(u), released(u))


def test_shared_convolutions_keep_normalisations_of_their_own():
    layer = GRCL(2, 4, iterations=3, weight_sharing=True)
    assert len(layer.recurrent) == len(layer.gate_recurrent) == 1
    assert len({id(norm) for norm in [*layer.recurrent_norm, *layer.gate_recurrent_norm, *layer.product_norm]}) == 9


def test_zero_iterations_are_an_error():
    with pytest.raises(ValueError, match="at least 1 iteration"):
        GRCL(2, 4, iterations=0)
