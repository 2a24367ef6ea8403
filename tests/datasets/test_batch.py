import numpy as np
import pytest
from conftest import WORDS
from torch.utils.data import DataLoader

from grcnn_ocr.datasets.augment import Augmenter
from grcnn_ocr.datasets.batch import TrainingWords
from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.preprocess import Preprocessor
from grcnn_ocr.text.charset import Charset


def dataset(crops, augmenter=None, seed=0) -> TrainingWords:
    source = open_words(crops / "labels.tsv")
    return TrainingWords(source, np.arange(len(source)), Charset.named("alnum36"), Preprocessor(), augmenter, seed)


def test_a_batch_holds_images_and_labels_in_order(crops):
    words = dataset(crops)
    batch = words.collate([words[0, 2], words[0, 0]])
    assert batch.images.shape == (2, 1, 32, 100) and batch.widths.tolist() == [100, 100]
    assert batch.target_lengths.tolist() == [2, 5]
    assert Charset.named("alnum36").decode(batch.targets.tolist()) == WORDS[2] + WORDS[0]


def test_augmentation_is_a_function_of_seed_epoch_and_position(crops):
    def images(words: TrainingWords, key: tuple[int, int]) -> np.ndarray:
        return words[key].image

    words = dataset(crops, Augmenter())
    keys = [(epoch, position) for epoch in range(3) for position in range(4)]
    first = [images(words, key) for key in keys]
    again = [images(words, key) for key in reversed(keys)][::-1]
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert any((a != b).any() for a, b in zip(first[:4], first[4:8], strict=True))
    other = [images(dataset(crops, Augmenter(), seed=1), key) for key in keys]
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_same_batches_as_none(workers, crops):
    def batches(num_workers: int) -> list[np.ndarray]:
        words = dataset(crops, Augmenter())
        keys = [[(0, 1), (0, 3)], [(1, 5), (2, 0)], [(0, 2), (1, 2)]]
        loader = DataLoader(words, batch_sampler=keys, collate_fn=words.collate, num_workers=num_workers)
        return [batch.images.numpy() for batch in loader]

    assert all((a == b).all() for a, b in zip(batches(0), batches(workers), strict=True))


def test_an_image_that_cannot_be_decoded_is_an_error_that_names_it(crops):
    (crops / "3.png").write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"3\.png .*labels\.tsv:4.*not a picture"):
        dataset(crops)[0, 3]
