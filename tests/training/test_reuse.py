from itertools import count, islice

import numpy as np
import pytest
import torch

from grcnn_ocr.datasets.streams import Sample
from grcnn_ocr.training.distortion import distort
from grcnn_ocr.training.reuse import DISTANCE, reused


def slices(start: int):
    """Slice n is one sample of class n."""
    for number in count(start):
        yield [Sample(np.zeros((32, 100), np.uint8), [number])]


@pytest.mark.parametrize("times", [1, 2, 4])
def test_each_slice_serves_several_steps_a_distance_apart(times):
    for step, samples in enumerate(islice(reused(slices(0), times), 60)):
        assert [sample.classes for sample in samples] == [[step + n * DISTANCE] for n in range(times)]


def test_resuming_at_a_step_gives_the_same_samples():
    whole = [[sample.classes for sample in samples] for samples in islice(reused(slices(0), 3), 12)]
    resumed = [[sample.classes for sample in samples] for samples in islice(reused(slices(7), 3), 5)]
    assert resumed == whole[7:]


def test_distortion_is_fresh_each_step_and_a_function_of_its_seed():
    images = torch.zeros(4, 1, 32, 100)
    images[:, :, 8:24, 30:70] = 1.0
    assert torch.equal(distort(images, (3,)), distort(images, (3,)))
    assert not torch.equal(distort(images, (3,)), distort(images, (4,)))
    changed = distort(images, (3,))
    assert changed.shape == images.shape and changed.abs().max() <= 1
    assert all(not torch.allclose(a, b) for a, b in zip(changed[:-1], changed[1:], strict=True))


def test_distorted_letters_stay_in_the_picture():
    images = torch.full((64, 1, 32, 100), -0.5)
    images[:, :, 10:22, 15:85] = 0.5
    shares = [float(((image - image[0, 0, 0]).abs() > 0.3).float().mean()) for image in distort(images, (0,))]
    assert min(shares) > 0.2 and max(shares) < 0.45  # 0.26 undistorted


def test_distortion_stays_between_black_and_white():
    images = torch.rand(16, 1, 32, 100)
    changed = distort(images, (0, 1), black=0.0, white=1.0)
    assert changed.min() >= 0 and changed.max() <= 1 and 0.3 < changed.mean() < 0.7
