import pytest
import torch

from grcnn_ocr.layers.rcl import RCL, LocalResponseNorm


def response_norm(x: torch.Tensor, size: int) -> torch.Tensor:
    """The definition, map by map: f / (1 + alpha / N * sum of f^2 over N neighbouring maps) ^ beta."""
    maps = x.shape[1]
    result = torch.empty_like(x)
    for c in range(maps):
        near = x[:, max(0, c - size // 2) : min(maps, c + size // 2 + 1)]
        result[:, c] = x[:, c] / (1 + 0.001 / size * (near**2).sum(1)) ** 0.75
    return result


def convolve(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """A padded 3x3 convolution, tap by tap."""
    height, width = x.shape[2:]
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1))
    return sum(
        torch.einsum("bchw,oc->bohw", padded[:, :, i : i + height, j : j + width], weight[:, :, i, j])
        for i in range(3)
        for j in range(3)
    )


@pytest.mark.parametrize(("maps", "size"), [(64, 9), (96, 13), (5, 3), (3, 9), (4, 1)])
def test_response_norm_is_its_definition(maps, size):
    torch.manual_seed(0)
    x = torch.randn(2, maps, 3, 4) * 30
    torch.testing.assert_close(LocalResponseNorm(maps, size)(x), response_norm(x, size))
    torch.testing.assert_close(
        LocalResponseNorm(maps, size)(x), torch.nn.LocalResponseNorm(size, alpha=0.001, beta=0.75, k=1)(x)
    )


def test_response_norm_of_an_even_size_is_an_error():
    with pytest.raises(ValueError, match="odd number of maps, found 4"):
        LocalResponseNorm(8, 4)


@pytest.mark.parametrize(("maps", "size"), [(64, 9), (96, 13), (128, 17), (160, 21)])
def test_rcl_normalises_over_the_published_number_of_maps(maps, size):
    """A single map of ones affects only the `size` maps around it."""
    norm = RCL(1, maps, iterations=1).norms[0]
    x = torch.full((1, maps, 1, 1), 1e-3)
    alone = norm(x)
    x[:, maps // 2] = 100
    assert (norm(x) != alone).sum() == size


@pytest.mark.parametrize(("iterations", "norm"), [(1, "lrn"), (3, "lrn"), (2, "batch_norm")])
def test_rcl_computes_its_recurrence(iterations, norm):
    torch.manual_seed(0)
    layer = RCL(2, 24, iterations, norm).eval()
    u = torch.randn(2, 2, 4, 5)
    for state_norm in layer.norms if norm == "batch_norm" else ():
        torch.nn.init.uniform_(state_norm.running_mean)
        torch.nn.init.uniform_(state_norm.running_var, 0.5, 2)

    def normalise(t: int, x: torch.Tensor) -> torch.Tensor:
        if norm == "lrn":
            return response_norm(x, 3)  # N = 24 / 8 + 1 is even
        mean, variance = layer.norms[t].running_mean, layer.norms[t].running_var
        return (x - mean[:, None, None]) / (variance[:, None, None] + 1e-5) ** 0.5

    f = convolve(u, layer.feed_forward.weight) + layer.feed_forward.bias[:, None, None]
    x = normalise(0, f.clamp(min=0))
    for t in range(1, iterations + 1):
        x = normalise(t, (f + convolve(x, layer.recurrent.weight)).clamp(min=0))
    torch.testing.assert_close(layer(u), x, atol=1e-5, rtol=1e-5)


def test_rcl_has_one_bias_a_map_and_keeps_no_normalisation():
    layer = RCL(96, 96)
    assert sum(parameter.numel() for parameter in layer.parameters()) == 18 * 96**2 + 96
    assert set(layer.state_dict()) == {"feed_forward.weight", "feed_forward.bias", "recurrent.weight"}


def test_every_iteration_has_a_batch_norm_of_its_own():
    layer = RCL(4, 4, iterations=3, norm="batch_norm")
    assert len({id(norm) for norm in layer.norms}) == 4


def test_signal_keeps_its_size_through_a_fresh_rcl():
    torch.manual_seed(0)
    u = torch.randn(4, 64, 12, 12).relu()
    assert 0.4 < RCL(64, 64)(u).square().mean() / u.square().mean() < 1.6


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_response_norm_under_autocast_keeps_the_type_and_sums_in_float32(memory_format):
    torch.manual_seed(0)
    norm = LocalResponseNorm(32, 5)
    x = (torch.randn(2, 32, 6, 6) * 30).bfloat16().contiguous(memory_format=memory_format)
    with torch.autocast("cpu", torch.bfloat16):
        y = norm(x)
    assert y.dtype == torch.bfloat16
    assert y.is_contiguous(memory_format=memory_format)
    torch.testing.assert_close(y, norm(x.float()).bfloat16(), atol=0, rtol=0)


def test_rcl_under_autocast_and_channels_last_is_the_same_layer():
    torch.manual_seed(0)
    layer, u = RCL(16, 32), torch.randn(2, 16, 8, 8)
    expected = layer(u)
    layer.to(memory_format=torch.channels_last)
    u = u.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(layer(u), expected, atol=1e-5, rtol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(u)
    y.float().square().sum().backward()
    torch.testing.assert_close(y.float(), expected, atol=0.05, rtol=0.05)
    assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())


def test_zero_iterations_are_an_error():
    with pytest.raises(ValueError, match="at least 1 iteration"):
        RCL(2, 4, iterations=0)
