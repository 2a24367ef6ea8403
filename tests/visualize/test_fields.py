import numpy as np
import pytest
import torch

from grcnn_ocr.models.front_ends import grcl  # noqa: F401 (imported to register)
from grcnn_ocr.models.front_ends.base import FRONT_ENDS
from grcnn_ocr.models.recognizer import CTCRecognizer
from grcnn_ocr.visualize.fields import centre_field, character_fields

SMALL = {"widths": (2, 2, 2, 2, 4), "iterations": 1}


@pytest.fixture
def model() -> CTCRecognizer:
    torch.manual_seed(0)
    front_end = FRONT_ENDS.build("grcl", SMALL)
    return CTCRecognizer(front_end, [6], num_classes=5).eval()


def test_centre_field_is_zero_exactly_where_the_frame_cannot_look(model):
    """All pixels beyond the field may change, and the frame stays, bit for bit."""
    front_end, image = model.front_end, torch.randn(1, 1, 32, 200)
    field = centre_field(front_end, image)
    assert field.shape == (32, 200)
    assert field.min() == 0 and field.max() > 0
    seen = np.flatnonzero(field.any(axis=0))
    assert 20 < seen.max() - seen.min() < 80
    changed = image.clone()
    changed[..., : seen.min()] += 1
    changed[..., seen.max() + 1 :] -= 1
    middle = front_end.num_frames(torch.tensor(200)) // 2
    with torch.inference_mode():
        assert torch.equal(front_end(image)[..., middle], front_end(changed)[..., middle])


def test_centre_field_is_the_mean_over_images(model):
    images = torch.randn(3, 1, 32, 64)
    each = [centre_field(model.front_end, image[None]) for image in images]
    np.testing.assert_allclose(centre_field(model.front_end, images), np.mean(each, axis=0), rtol=1e-4, atol=1e-7)


def test_character_field_of_a_linear_model_is_the_size_of_its_weights():
    class Linear(torch.nn.Module):
        def forward(self, images: torch.Tensor, widths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            columns = images.sum(dim=(1, 2))[:, :, None]  # (B, W, 1)
            return columns * torch.tensor([1.0, -2.0, 3.0]), widths

    fields = character_fields(Linear(), torch.randn(1, 1, 4, 6), frames=[2, 5], classes=[1, 2])
    expected = np.zeros((2, 4, 6))
    expected[0, :, 2], expected[1, :, 5] = 2, 3
    np.testing.assert_array_equal(fields, expected)


def test_character_fields_are_a_function_of_the_seed(model):
    image = torch.randn(1, 1, 32, 48)
    first, again, other = (character_fields(model, image, [0, 5, 12], [1, 2, 1], seed) for seed in (0, 0, 1))
    assert first.shape == (3, 32, 48)
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert (first.reshape(3, -1).max(axis=1) > 0).all() and first.min() >= 0
    assert all(parameter.grad is None for parameter in model.parameters())


def test_no_characters_have_no_fields(model):
    assert character_fields(model, torch.zeros(1, 1, 32, 48), [], []).shape == (0, 32, 48)
