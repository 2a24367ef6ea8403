from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.layers.grcl_t_pami import GRCLTPAMI, Downsampling
from grcnn_ocr.layers.selective_kernel import SKConv
from grcnn_ocr.models.cost import count_parameters

SELECTIVE = partial(SKConv, kernels=((3, 1), (1, 1)), groups=2, reduction=32)


def randomise(layer: torch.nn.Module) -> None:
    """Fill every tensor with random values, behind which no mistake can hide, and switch to evaluation."""
    for tensor in layer.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) - 0.3 if tensor.ndim > 1 else torch.rand_like(tensor) + 0.1)
    layer.eval()


@given(st.integers(1, 3), st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.booleans(), st.booleans())
def test_parameters_follow_the_published_closed_form(inputs, width, expansion, iterations, shared, selective):
    groups, cin, p = 2, 2 * inputs, 2 * width
    c = p * expansion
    make_selective = SELECTIVE if selective else None
    with torch.device("meta"):
        layer = GRCLTPAMI(cin, p, c, iterations, groups, shared, make_selective)
        downsampling = Downsampling(c, p, make_selective=make_selective, unused_norm=not selective)
    spatial = 10 * p * p // groups + 4 * p + 3 * p * 32 + 2 * 32 if selective else 9 * p * p
    expected = 4 * cin + 9 * cin * c // groups + cin * c // groups + c + c * c // groups
    expected += (1 if shared else iterations) * (2 * c * p + spatial) + iterations * (4 * c + 2 * p)
    expected += 0 if selective else iterations * 2 * p
    assert count_parameters(layer) == expected
    unused = 0 if selective else 2 * p
    assert count_parameters(downsampling) == 4 * c + c * c + 2 * p + 2 * c * p + spatial + unused


@pytest.mark.parametrize("shared", [False, True])
def test_grcl_computes_its_equation(shared):
    """Written out step by step with functions, from the docstring."""
    torch.manual_seed(0)
    layer = GRCLTPAMI(4, 3, 6, iterations=3, groups=2, weight_sharing=shared)
    randomise(layer)
    x = torch.randn(2, 4, 5, 7)
    s = F.conv2d(layer.feed_forward_norm(x).clamp(min=0), layer.feed_forward.weight, padding=1, groups=2)
    gate_input = layer.gate_feed_forward_norm(x).clamp(min=0)
    g = F.conv2d(gate_input, layer.gate_feed_forward.weight, layer.gate_feed_forward.bias, groups=2)
    for t in range(3):
        conv = 0 if shared else t
        state = F.conv2d(layer.gate_recurrent_norm[t](s).clamp(min=0), layer.gate_recurrent.weight, groups=2)
        b = F.conv2d(layer.reduce_norm[t](s).clamp(min=0), layer.reduce[conv].weight)
        b = F.conv2d(layer.spatial_norm[t](b).clamp(min=0), layer.spatial[conv].weight, padding=1)
        b = F.conv2d(layer.expand_norm[t](b).clamp(min=0), layer.expand[conv].weight)
        s = b / (1 + torch.exp(-(state + g))) + s
    torch.testing.assert_close(layer(x), s)


def test_a_selective_kernel_takes_the_place_of_a_convolution_its_norm_and_relu():
    torch.manual_seed(0)
    layer = GRCLTPAMI(4, 4, 4, iterations=1, groups=2, make_selective=SELECTIVE)
    randomise(layer)
    x = torch.randn(2, 4, 5, 7)
    s = F.conv2d(layer.feed_forward_norm(x).clamp(min=0), layer.feed_forward.weight, padding=1, groups=2)
    g = layer.gate_feed_forward(layer.gate_feed_forward_norm(x).clamp(min=0))
    gate = torch.sigmoid(g + layer.gate_recurrent(layer.gate_recurrent_norm[0](s).clamp(min=0)))
    b = layer.reduce[0](layer.reduce_norm[0](s).clamp(min=0))
    b = layer.expand[0](layer.spatial[0](layer.spatial_norm[0](b).clamp(min=0)))
    torch.testing.assert_close(layer(x), b * gate + s)
    assert len(layer.expand_norm) == 0


@pytest.mark.parametrize("selective", [False, True])
def test_shared_convolutions_keep_normalisations_of_their_own(selective):
    layer = GRCLTPAMI(4, 4, 8, 3, groups=2, weight_sharing=True, make_selective=SELECTIVE if selective else None)
    assert len(layer.reduce) == len(layer.spatial) == len(layer.expand) == 1
    norms = [*layer.gate_recurrent_norm, *layer.reduce_norm, *layer.spatial_norm, *layer.expand_norm]
    assert len({id(norm) for norm in norms}) == (9 if selective else 12)


@pytest.mark.parametrize("selective", [False, True])
@pytest.mark.parametrize("stride", [(2, 2), (2, 1)])
def test_downsampling_computes_its_equation(stride, selective):
    torch.manual_seed(0)
    layer = Downsampling(6, 4, stride, SELECTIVE if selective else None)
    randomise(layer)
    s = torch.randn(2, 6, 4, 6)
    pooled = F.avg_pool2d(layer.shortcut_norm(s).clamp(min=0), stride, stride)
    b = F.conv2d(layer.reduce_norm(s).clamp(min=0), layer.reduce.weight)
    b = layer.spatial_norm(b).clamp(min=0)
    b = layer.spatial(b) if selective else F.conv2d(b, layer.spatial.weight, stride=stride, padding=1)
    expected = F.conv2d(pooled, layer.shortcut.weight) + F.conv2d(b, layer.expand.weight)
    torch.testing.assert_close(layer(s), expected)


@pytest.mark.parametrize(("size", "expected"), [((7, 5), (4, 3)), ((1, 1), (1, 1)), ((8, 5), (4, 3))])
def test_downsampling_rounds_a_size_up(size, expected):
    assert Downsampling(6, 4)(torch.randn(2, 6, *size)).shape == (2, 6, *expected)


def test_the_unused_norm_is_registered_but_neither_applied_nor_trained():
    torch.manual_seed(0)
    layer = Downsampling(6, 4, unused_norm=True)
    s = torch.randn(2, 6, 4, 4)
    before = layer(s)
    torch.nn.init.constant_(layer.unused_norm.weight, 9.0)
    assert torch.equal(layer(s), before)
    before.sum().backward()
    without_gradient = {key for key, parameter in layer.named_parameters() if parameter.grad is None}
    assert without_gradient == {"unused_norm.weight", "unused_norm.bias"}
    assert not layer.unused_norm.weight.requires_grad


@pytest.mark.parametrize("shared", [False, True])
def test_initialisation_is_the_authors(shared):
    torch.manual_seed(0)
    layer = GRCLTPAMI(32, 64, 128, 2, groups=1, weight_sharing=shared)
    for conv, fan_in in ((layer.feed_forward, 32 * 9), (layer.reduce[0], 128), (layer.expand[-1], 64)):
        assert conv.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.1)
    for gate in (layer.gate_feed_forward, layer.gate_recurrent):
        assert gate.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert not layer.gate_feed_forward.bias.any()
    he, torch_default = (2 / (64 * 9)) ** 0.5, (1 / (3 * 64 * 9)) ** 0.5
    assert layer.spatial[0].weight.std().item() == pytest.approx(he if shared else torch_default, rel=0.1)


def test_zero_iterations_are_an_error():
    with pytest.raises(ValueError, match="at least 1 iteration, found 0"):
        GRCLTPAMI(4, 4, 8, iterations=0, groups=2)


@pytest.mark.parametrize(("in_channels", "channels"), [(5, 8), (4, 9)])
def test_groups_that_do_not_divide_the_channels_are_an_error(in_channels, channels):
    with pytest.raises(ValueError, match=f"{in_channels} channels in and {channels} out do not divide into 2 groups"):
        GRCLTPAMI(in_channels, 4, channels, 1, groups=2)
