"""Samples are functions of their number; augmentation does what its settings say."""

import numpy as np
import pytest
import torch
from archives import LABELS, NAMES, PIXELS, picture_files, png, write_folder
from hypothesis import given, settings
from hypothesis import strategies as st

from grcnn_ocr.config import ImageAugmentConfig
from grcnn_ocr.datasets.images.augment import NUM_PART_DRAWS, random_part, shift_and_flip, uniforms
from grcnn_ocr.datasets.images.open_images import open_images
from grcnn_ocr.datasets.images.prepare import ImagePreprocessor, decode_color
from grcnn_ocr.datasets.images.source import StoredImages
from grcnn_ocr.datasets.images.training_images import TrainingImages

SOURCE = StoredImages("memory", NAMES, LABELS, PIXELS)
PLAIN = ImagePreprocessor(32, 3, None, [0.5, 0.4, 0.3], [0.2, 0.3, 0.4])
AUGMENT = ImageAugmentConfig(pad=4, flip=True)


def training(augment=AUGMENT, preprocessor=PLAIN, source=SOURCE, seed=0) -> TrainingImages:
    return TrainingImages(source, np.arange(len(source)), preprocessor, augment, seed)


@pytest.mark.parametrize(
    ("augment", "preprocessor"),
    [(AUGMENT, PLAIN), (ImageAugmentConfig(area=(0.2, 1), flip=True), ImagePreprocessor(16, 3, 24, [0] * 3, [1] * 3))],
)
def test_a_sample_is_a_function_of_its_number(augment, preprocessor):
    images = training(augment, preprocessor)
    numbers = [3, 17, 4, 25, 17]
    together, labels = images[numbers]
    for at, number in enumerate(numbers):
        alone, label = images[[number]]
        assert torch.equal(alone[0], together[at]) and label[0] == labels[at]
    assert not torch.equal(training(augment, preprocessor, seed=1)[numbers][0], together)


def test_an_epoch_has_each_picture_once_in_another_order_each_time():
    images = training(ImageAugmentConfig())
    epochs = [images[range(first, first + 10)] for first in (0, 10)]
    for pixels, labels in epochs:
        assert sorted(map(bytes, pixels.numpy())) == sorted(map(bytes, PIXELS))
        assert sorted(labels.tolist()) == sorted(LABELS.tolist())
    assert not torch.equal(epochs[0][0], epochs[1][0])
    index = int(images.place(7).split()[-1])
    assert (images[[7]][0][0].numpy() == PIXELS[index]).all()


def test_shifts_move_black_in_and_flips_mirror():
    images = PIXELS[:4]
    draws = np.array([[0.5, 0.5, 0.9], [0.5, 0.5, 0.1], [0.0, 0.5, 0.9], [0.999, 0.999, 0.9]])
    found = shift_and_flip(images, draws, pad=2, flip=True)
    assert (found[0] == images[0]).all() and (found[1] == images[1][:, ::-1]).all()
    assert (found[2, 2:] == images[2, :-2]).all() and (found[2, :2] == 0).all()
    assert (found[3, :-2, :-2] == images[3, 2:, 2:]).all() and (found[3, -2:] == 0).all()
    assert shift_and_flip(images, draws, 0, False) is images


def test_random_numbers_are_uniform_and_do_not_repeat():
    draws = uniforms(3, np.arange(100_000), 2)
    assert ((draws >= 0) & (draws < 1)).all() and len(np.unique(draws)) == draws.size
    assert np.histogram(draws, bins=10, range=(0, 1))[0] == pytest.approx([20_000] * 10, rel=0.05)
    assert abs(np.corrcoef(draws[:-1, 0], draws[1:, 0])[0, 1]) < 0.02
    assert abs(np.corrcoef(draws[:, 0], uniforms(4, np.arange(100_000), 2)[:, 0])[0, 1]) < 0.02


@settings(max_examples=50)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 10**6))
def test_a_random_part_has_the_size_asked_for_whatever_the_picture(height, width, number):
    image = np.full((height, width, 3), 7, np.uint8)
    part = random_part(image, uniforms(0, np.array([number]), NUM_PART_DRAWS)[0], (0.08, 1.0), 24)
    assert part.shape == (24, 24, 3) and (part == 7).all()


def test_the_center_of_the_resized_picture_is_evaluated():
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, 50:150] = 255
    found = ImagePreprocessor(32, 3, 40, [0] * 3, [1] * 3).input(image)
    assert found.shape == (32, 32, 3) and (found == 255).all()
    whole = ImagePreprocessor(32, 3, None, [0] * 3, [1] * 3).input(image)
    assert (whole[:, 0] == 0).all() and (whole[:, 16] == 255).all()


def test_normalisation_of_each_channel():
    pixels = torch.from_numpy(PIXELS[:2])
    images = PLAIN.normalise(pixels, torch.device("cpu"))
    assert images.shape == (2, 3, 32, 32) and images.is_contiguous(memory_format=torch.channels_last)
    expected = (PIXELS[:2] / 255 - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.4]
    np.testing.assert_allclose(images.permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)


def test_gray_and_color_are_converted():
    gray = ImagePreprocessor(32, 1, None, [0.5], [0.5])
    assert gray.picture(SOURCE, 0).shape == (32, 32, 1)
    digits = StoredImages("memory", NAMES, LABELS, PIXELS[..., :1])
    assert (PLAIN.picture(digits, 0) == PIXELS[0, :, :, :1]).all() and PLAIN.picture(digits, 0).shape == (32, 32, 3)
    assert decode_color(png(PIXELS[0]), 1).shape == (32, 32, 1)


def test_files_are_named_when_they_cannot_be_decoded(tmp_path):
    folder = write_folder(tmp_path, picture_files())
    (folder / "train" / "cat" / "3.png").write_bytes(png(PIXELS[3])[:60])
    with pytest.raises(ValueError, match=r"train/cat/3\.png: not a picture"):
        training(source=open_images(folder, "train"))
    (folder / "train" / "cat" / "3.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"train/cat/3\.png: the file is empty"):
        training(source=open_images(folder, "train"))


def test_a_digest_tells_data_apart():
    [digest] = training().digests().values()
    other = PIXELS.copy()
    other[5, 0, 0, 0] ^= 1
    assert training().digests() == {"memory": digest}
    assert training(source=StoredImages("memory", NAMES, LABELS, other)).digests() != {"memory": digest}
