import pytest
import torch

from grcnn_ocr.models.cost import count_parameters
from grcnn_ocr.models.front_ends import grcnn_t_pami  # noqa: F401 (imported to register)
from grcnn_ocr.models.front_ends.base import FRONT_ENDS, FrontEnd
from grcnn_ocr.models.recognizer import CTCRecognizer

SMALL = {"stem_channels": 4, "widths": (2, 4, 4), "iterations": (1, 2, 2), "groups": 4, "out_channels": 6}


def build(**options: object) -> FrontEnd:
    return FRONT_ENDS.build("grcnn_t_pami", options)


def test_every_width_gives_the_promised_frames():
    front_end = build(**SMALL).eval()
    widths = torch.tensor([*range(2, 40), 100, 127, 128, 130])
    with torch.inference_mode():
        shapes = [tuple(front_end(torch.zeros(2, 1, 32, width)).shape) for width in widths.tolist()]
    assert shapes == [(2, 6, 1, num_frames) for num_frames in front_end.num_frames(widths).tolist()]
    assert torch.equal(front_end.num_frames(widths), (widths + 2) // 4)


@pytest.mark.parametrize(("weight_sharing", "expected"), [(False, 1_559_200), (True, 932_512)])
def test_default_front_end_has_its_parameters(weight_sharing, expected):
    with torch.device("meta"):
        assert count_parameters(build(weight_sharing=weight_sharing)) == expected


@pytest.mark.parametrize("weight_sharing", [False, True])
def test_recogniser_runs_forward_and_backward_with_every_gradient(weight_sharing):
    torch.manual_seed(0)
    model = CTCRecognizer(build(**SMALL, weight_sharing=weight_sharing), [8, 8], num_classes=11).train()
    logits, lengths = model(torch.randn(2, 1, 32, 100), torch.tensor([100, 64]))
    assert logits.shape == (2, 25, 11)
    assert lengths.tolist() == [25, 16]
    logits.square().mean().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), key
        assert parameter.grad.abs().sum() > 0, key


def test_an_image_is_read_alone_as_in_a_batch():
    torch.manual_seed(0)
    front_end = build().eval()
    images = torch.randn(3, 1, 32, 64)
    with torch.inference_mode():
        torch.testing.assert_close(front_end(images[1:2]), front_end(images)[1:2], atol=1e-4, rtol=1e-4)


def test_groups_that_do_not_divide_the_channels_are_an_error():
    with pytest.raises(ValueError, match="8 channels in and 128 out do not divide into 16 groups"):
        build(stem_channels=8)
