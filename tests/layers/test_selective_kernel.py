import pytest
import torch
import torch.nn.functional as F

from grcnn_ocr.layers.selective_kernel import SKConv
from grcnn_ocr.models.cost import count_parameters

CIFAR = ((3, 1), (1, 1))
IMAGENET = ((3, 1), (3, 2))


def randomise(layer: torch.nn.Module) -> None:
    """Fill every tensor with random values, behind which no mistake can hide, and switch to evaluation."""
    for tensor in layer.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.1)
    layer.eval()


@pytest.mark.parametrize(
    ("kernels", "taps", "channels", "groups", "reduction", "features"),
    [(CIFAR, 10, 448, 16, 32, 32), (IMAGENET, 18, 128, 32, 16, 32), (IMAGENET, 18, 1024, 32, 16, 64)],
)
def test_parameters_follow_the_closed_form(kernels, taps, channels, groups, reduction, features):
    layer = SKConv(channels, (1, 1), kernels, groups, reduction)
    expected = taps * channels * channels // groups + 4 * channels + 3 * channels * features + 2 * features
    assert count_parameters(layer) == expected


@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (2, 1)])
@pytest.mark.parametrize("kernels", [CIFAR, IMAGENET])
def test_it_computes_its_equation(kernels, stride):
    torch.manual_seed(0)
    layer = SKConv(4, stride, kernels, groups=2, reduction=2)
    randomise(layer)
    x = torch.randn(3, 4, 8, 6)
    maps = []
    for branch, (size, dilation) in zip(layer.branches, kernels, strict=True):
        padding = dilation if size == 3 else 0
        conv = F.conv2d(x, branch.conv.weight, None, stride, padding, dilation, groups=2)
        maps.append(branch.norm(conv).clamp(min=0))
    mean = (maps[0] + maps[1]).flatten(2).mean(2)
    z = layer.squeeze_norm((mean @ layer.squeeze.weight[:, :, 0, 0].T)[:, :, None, None]).clamp(min=0)[:, :, 0, 0]
    scores = z @ layer.select.weight[:, :, 0, 0].T
    first, second = scores[:, :4].exp(), scores[:, 4:].exp()
    weights = (first / (first + second))[:, :, None, None]
    torch.testing.assert_close(layer(x), weights * maps[0] + (1 - weights) * maps[1])


def test_it_chooses_for_each_image_alone():
    torch.manual_seed(0)
    layer = SKConv(4, (1, 1), CIFAR, groups=1, reduction=1)
    randomise(layer)
    images = torch.randn(3, 4, 5, 5)
    torch.testing.assert_close(layer(images)[1:2], layer(images[1:2]))
