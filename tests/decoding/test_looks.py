import cv2
import numpy as np
import pytest
from conftest import SAMPLES
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.datasets.words import decoded, open_words
from grcnn_ocr.decoding.confidence import UNCALIBRATED
from grcnn_ocr.decoding.framing import framed
from grcnn_ocr.decoding.looks import LOOKS, Look
from grcnn_ocr.pixels import to_grayscale
from grcnn_ocr.preprocess import Preprocessor
from grcnn_ocr.reader import BaseReader
from grcnn_ocr.runtime import Reader
from grcnn_ocr.text.charset import Charset
from grcnn_ocr.text.lexicon import Lexicon
from grcnn_ocr.text.ngram import NGram

DIGITS = Charset.named("0123456789")
PREPROCESSOR = Preprocessor(width="proportional", max_width=256)


class Counting(BaseReader):
    """Reads the last digit of a crop's gray level confidently if it is resized to the best width, else an unsure 0."""

    def __init__(self, best: int, second_look: bool = True, preprocessor: Preprocessor = PREPROCESSOR) -> None:
        super().__init__(DIGITS, preprocessor, UNCALIBRATED, batch_size=3, second_look=second_look)
        self.best = best
        self.widths: list[int] = []

    def num_frames(self, width: int) -> int:
        return width // 4

    def _forward(self, images, widths):
        self.widths.extend(widths.tolist())
        lengths = [self.num_frames(width) for width in widths.tolist()]
        log_probs = np.full((len(images), images.shape[3] // 4, DIGITS.num_classes), -20.0, np.float32)
        log_probs[:, :, 0] = 0.0
        for row, (image, width) in enumerate(zip(images, widths.tolist(), strict=True)):
            gray = round(float(image.mean()) * PREPROCESSOR.scale + PREPROCESSOR.mean)
            chance = 0.99 if width == self.best else 0.2
            log_probs[row, 1, :] = np.log((1 - chance) / DIGITS.num_classes)
            log_probs[row, 1, 1 + gray % 10 if width == self.best else 1] = np.log(chance)
        return log_probs, lengths


def crop(width, digit):
    return np.full((32, width), 20 + digit, np.uint8)


FAR, NEAR, FAR_INVERTED = 32, 91, 43
"""Resized widths of the looks at a crop of 64 pixels after the first and its inverse."""


def test_confident_readings_get_no_second_look():
    reader = Counting(best=64)
    assert reader.read(crop(64, 7)).text == "7" and reader.widths == [64]


@pytest.mark.parametrize(
    ("best", "text", "widths"),
    [
        (FAR, "7", [64, 64, FAR]),
        (NEAR, "7", [64, 64, FAR, NEAR]),
        (FAR_INVERTED, "8", [64, 64, FAR, NEAR, FAR_INVERTED]),  # 255 - 27 is what it sees
    ],
)
def test_looks_are_taken_until_one_is_confident(best, text, widths):
    reader = Counting(best)
    assert reader.read(crop(64, 7)).text == text and reader.widths == widths
    assert Counting(best, second_look=False).read(crop(64, 7)).text == "0"


class Voting(Counting):
    """Reads, at each look, the next of some digits with the next of some likelihoods."""

    def __init__(self, *votes: tuple[int, float]) -> None:
        super().__init__(best=64)
        self.votes = iter(votes)

    def _forward(self, images, widths):
        log_probs, lengths = super()._forward(images, widths)
        digit, chance = next(self.votes)
        log_probs[:, 1] = np.log((1 - chance) / (DIGITS.num_classes - 1))
        log_probs[:, 1, 1 + digit] = np.log(chance)
        return log_probs, lengths


def test_the_likelihoods_of_looks_that_agree_are_added():
    found = Voting((1, 0.5), (2, 0.3), (3, 0.4), (2, 0.35), (4, 0.2)).read(crop(64, 0))
    assert found.text == "2" and found.log_likelihood == pytest.approx(np.log(0.35), abs=1e-3)  # 0.65; its best look
    assert Voting((1, 0.5), (2, 0.3), (3, 0.7), (2, 0.35), (4, 0.2)).read(crop(64, 0)).text == "3"
    assert Voting((1, 0.5), (2, 0.81)).read(crop(64, 0)).text == "2"


def test_a_sloping_crop_is_framed_first_and_for_all_further_looks():
    sloping = np.full((64, 96), 27, np.uint8)
    cv2.line(sloping, (4, 48), (91, 16), 227, 3)  # 20 degrees
    level = framed(sloping).image
    reader = Counting(best=1)
    reader.read(sloping)
    changed = [sloping, level, *(look(level) for look in LOOKS)]
    assert reader.widths == [PREPROCESSOR.resized_width(*image.shape) for image in changed]


def test_sure_and_unsure_crops_of_many_batches_keep_their_order():
    widths, digits = [NEAR, 64, 60, NEAR, 64, NEAR, NEAR, 64], [1, 2, 3, 4, 5, 6, 7, 8]
    found = Counting(best=NEAR).read_many([crop(w, d) for w, d in zip(widths, digits, strict=True)])
    assert [p.text for p in found] == ["1", "2", "0", "4", "5", "6", "7", "8"]  # no look at 60 is of the best width


@pytest.mark.parametrize(
    "options", [{"lexicon": ["0", "7"]}, {"allowed": "07"}, {"pattern": "[07]"}, {"num_best": 2}, {"characters": True}]
)
def test_a_second_look_is_taken_with_any_option(options):
    reader = Counting(best=NEAR)
    found = reader.read(crop(64, 7), **options)
    assert found.text == "7" and reader.widths == [64, 64, FAR, NEAR]
    if "characters" in options:
        (seven,) = found.characters
        assert 0 <= seven.left < seven.right <= 64
    assert Counting(best=NEAR, second_look=False).read(crop(64, 7), **options).text == "0"


def test_each_crop_is_looked_at_again_under_its_own_list():
    lists = Lexicon((("0", "1"), ("0", "2"), ("0", "3")), per_image=True)
    found = Counting(best=NEAR).read_many([crop(64, 1), crop(NEAR, 2), crop(64, 3)], lists)
    assert [p.text for p in found] == ["1", "2", "3"]


def test_what_a_pattern_fits_badly_at_one_look_it_may_fit_at_another():
    once, again = (Counting(best=NEAR, second_look=look).read(crop(64, 7), pattern="7") for look in (False, True))
    assert once.log_likelihood < np.log(0.1) and again.log_likelihood > np.log(0.9)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_nan_outputs_do_not_affect_neighbouring_crops():
    class Broken(Counting):
        def _forward(self, images, widths):
            log_probs, lengths = super()._forward(images, widths)
            log_probs[images.mean(axis=(1, 2, 3)) > 0] = np.nan
            return log_probs, lengths

    found = Broken(best=NEAR).read_many([crop(NEAR, 5), np.full((32, 64), 200, np.uint8), crop(64, 6)])
    assert [found[0].text, found[2].text] == ["5", "6"]


def test_crops_of_one_width_are_looked_at_once():
    reader = Counting(best=64, preprocessor=Preprocessor())
    assert not reader.second_look and reader.read(crop(30, 7)).text == "0" and reader.widths == [100]


@pytest.fixture(scope="module")
def small_crops():
    """Samples at a height of 11 pixels, some of which are not read confidently."""
    images = [to_grayscale(decoded(open_words(SAMPLES / "labels.tsv"), index)) for index in range(24)]
    return [cv2.resize(image, (round(11 / image.shape[0] * image.shape[1]), 11)) for image in images]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_best": 3},
        {"characters": True},
        {"lexicon": ["open", "street", "kitchen", "garden"]},
        {"allowed": "abcdefghijklm"},
        {"language_model": NGram.load("english")},
        {"upright": True},
    ],
)
def test_a_second_look_does_not_depend_on_neighbours_with_any_option(small_crops, options):
    reader = Reader(threads=1)
    crops = [*small_crops, *(image.T for image in small_crops[:4])] if "upright" in options else small_crops
    together = reader.read_many(crops, **options)
    for image, found in zip(crops, together, strict=True):
        alone = reader.read(image, **options)
        assert alone.text == found.text and alone.confidence == pytest.approx(found.confidence, abs=1e-4)
        for character in found.characters or ():
            assert 0 <= character.left < character.right <= image.shape[1]
    once = Reader(threads=1, second_look=False).read_many(crops)
    twice = reader.read_many(crops)
    assert any(b.log_likelihood > a.log_likelihood + 0.1 for a, b in zip(once, twice, strict=True))


@given(height=st.integers(1, 80), width=st.integers(1, 90), seed=st.integers(0, 9))
def test_looks_add_and_cut_above_and_below_alone(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    near, far = Look(border=-1 / 16)(image), Look(border=1 / 4)(image)
    cut, added = (height - len(near)) // 2, (len(far) - height) // 2
    assert near.size and cut == round(height / 16) and added == round(height / 4)
    assert (near == image[cut : height - cut]).all() and (far[added : height + added] == image).all()
    assert (far[:added] == image[0]).all() and (far[height + added :] == image[-1]).all()
    assert (Look(inverted=True)(image) == 255 - image).all() and (Look()(image) == image).all()
    assert all(look(image).shape[1] == max(1, round(look.stretch * width)) for look in LOOKS)
