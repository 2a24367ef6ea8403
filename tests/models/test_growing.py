import pytest
import torch

from grcnn_ocr.models.front_ends.grcl import grcl, grcl_dtrb
from grcnn_ocr.models.growing import can_grow, grow
from grcnn_ocr.models.recognizer import CTCRecognizer

SMALL = {"widths": (3, 4, 5, 6, 7), "iterations": 2}
LARGE = {"widths": (3, 8, 13, 7, 16), "iterations": 4}


def recognizer(lstm_features=(5, 6), num_classes=9, **options) -> CTCRecognizer:
    return CTCRecognizer(grcl(**options), lstm_features, num_classes)


def trained(**options) -> CTCRecognizer:
    """A network with BatchNorm statistics from a few training passes."""
    torch.manual_seed(1)
    model = recognizer(**SMALL, **options)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(4, 1, 32, 64), torch.full((4,), 64))
    return model.eval()


def read(model: CTCRecognizer) -> torch.Tensor:
    images = torch.randn(4, 1, 32, 64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        return model(images, torch.full((4,), 64))[0].log_softmax(2)


@pytest.mark.parametrize("skip", ["paper", "released"])
@pytest.mark.parametrize(("shared", "larger_shared"), [(False, False), (True, True), (True, False)])
def test_the_grown_network_computes_the_same(skip, shared, larger_shared):
    small = trained(skip=skip, weight_sharing=shared)
    into = recognizer((11, 17), num_classes=3, **LARGE, skip=skip, weight_sharing=larger_shared)
    assert can_grow(small, into)
    grown = grow(small, into)
    shapes = {key: value.shape for key, value in into.state_dict().items() if key not in into.head_keys}
    assert shapes.items() <= {key: value.shape for key, value in grown.state_dict().items()}.items()
    assert torch.allclose(read(grown.eval()), read(small), atol=1e-4)
    assert torch.allclose(read(grown.train()), read(small.train()), atol=1e-4)  # by the statistics of the batch


def test_copies_and_new_iterations_learn_to_differ():
    grown = grow(trained(), recognizer((10, 12), **LARGE))
    grown.train()(torch.randn(4, 1, 32, 64), torch.full((4,), 64))[0].square().mean().backward()
    first, second = grown.front_end.grcl1.feed_forward.weight.grad.chunk(2)  # channels 4 to 7 are copies of 0 to 3
    assert (first - second).abs().max() > 0.01 * first.abs().max()
    assert grown.front_end.grcl1.product_norm[1].weight.grad.abs().max() > 0  # the last new one; then those before


def test_only_larger_networks_of_grcls_are_grown_into():
    small = trained()
    assert not can_grow(small, small)
    assert can_grow(trained(weight_sharing=True), small)
    assert not can_grow(recognizer(**LARGE), small)
    assert not can_grow(small, recognizer((5, 6, 6), **LARGE))
    assert not can_grow(small, recognizer(**LARGE, skip="released"))
    assert not can_grow(small, recognizer(**LARGE, weight_sharing=True))  # one convolution for two
    assert not can_grow(small, CTCRecognizer(grcl_dtrb(**LARGE), (5, 6), 9))
