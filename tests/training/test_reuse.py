from itertools import count, islice

import pytest
import torch

from grcnn_ocr.datasets.batch import Batch
from grcnn_ocr.training import reuse
from grcnn_ocr.training.distortion import distort
from grcnn_ocr.training.reuse import DISTANCE, reused

CPU = torch.device("cpu")


def slices(start: int):
    """Slice n is one white image of class n + 1."""
    for number in count(start):
        yield Batch(torch.ones(1, 1, 32, 100), torch.tensor([100]), torch.tensor([number + 1]), torch.tensor([1]))


@pytest.mark.parametrize("times", [2, 4])
def test_each_slice_serves_several_steps_a_distance_apart(times):
    batches = list(islice(reused(slices(0), times, 0, 0, CPU), 60))
    for step, batch in enumerate(batches):
        assert batch.targets.tolist() == [step + n * DISTANCE + 1 for n in range(times)]
        assert len(batch.images) == len(batch.widths) == len(batch.target_lengths) == times


def test_resuming_at_a_step_gives_the_same_batches(monkeypatch):
    whole = list(islice(reused(slices(0), 3, 5, 0, CPU), 12))
    resumed = list(islice(reused(slices(7), 3, 5, 7, CPU), 5))
    for a, b in zip(whole[7:], resumed, strict=True):
        assert all(torch.equal(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True))


def test_distortion_is_fresh_each_step_and_a_function_of_its_seed():
    images = torch.zeros(4, 1, 32, 100)
    images[:, :, 8:24, 30:70] = 1.0
    assert torch.equal(distort(images, 3), distort(images, 3))
    assert not torch.equal(distort(images, 3), distort(images, 4))
    changed = distort(images, 3)
    assert changed.shape == images.shape and changed.abs().max() <= 1
    assert all(not torch.allclose(a, b) for a, b in zip(changed[:-1], changed[1:], strict=True))
    assert reuse.DISTANCE > 1


def test_distorted_letters_stay_in_the_picture():
    images = torch.full((64, 1, 32, 100), -0.5)
    images[:, :, 10:22, 15:85] = 0.5
    spans = []
    for image in distort(images, 0):
        contrast = (image - image[0, 0, 0]).abs()[0] > 0.3
        spans.append(float(contrast.float().mean()))
    assert min(spans) > 0.2 and max(spans) < 0.45  # 0.26 undistorted
