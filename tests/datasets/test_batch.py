import numpy as np
import pytest
import torch
from conftest import WORDS
from torch.utils.data import DataLoader

from grcnn_ocr.datasets.augment import Augmenter
from grcnn_ocr.datasets.batch import TrainingWords, collate
from grcnn_ocr.datasets.streams import Sample, StoredStream
from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.preprocess import Preprocessor
from grcnn_ocr.text.charset import Charset

CPU = torch.device("cpu")


def test_a_batch_holds_images_and_labels_in_order():
    charset, preprocessor = Charset.named("alnum36"), Preprocessor()
    samples = [Sample(np.full((32, 100), n, np.uint8), charset.encode(WORDS[n])) for n in (2, 0)]
    batch = collate(samples, preprocessor, CPU)
    assert len(batch) == 2 and batch.images.shape == (2, 1, 32, 100) and batch.widths.tolist() == [100, 100]
    assert batch.images[:, 0, 0, 0].tolist() == [(2 - 128) / 128, -1]
    assert batch.target_lengths.tolist() == [2, 5]
    assert charset.decode(batch.targets.tolist()) == WORDS[2] + WORDS[0]


def test_training_sees_the_pixels_that_reading_sees():
    preprocessor = Preprocessor(width="proportional", mean=100.0, scale=50.0)
    images = [np.random.default_rng(n).integers(0, 255, (32, 60 + n), np.uint8) for n in range(3)]
    batch = collate([Sample(image, [1]) for image in images], preprocessor, CPU)
    stacked, widths = preprocessor.stack(images)
    assert torch.equal(batch.images, torch.from_numpy(preprocessor.normalise(stacked)))
    assert batch.widths.tolist() == widths.tolist() == [60, 61, 62]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_same_samples_as_none(workers, crops):
    source = open_words(crops / "labels.tsv")
    charset, preprocessor = Charset.named("alnum36"), Preprocessor()

    def images(num_workers: int) -> list[np.ndarray]:
        stream = StoredStream(source, np.arange(len(source)), charset, preprocessor, Augmenter(), 0)
        numbers = [[1, 3], [21, 40], [2, 18]]
        loader = DataLoader(
            TrainingWords(stream, preprocessor), batch_sampler=numbers, collate_fn=list, num_workers=num_workers
        )
        return [sample.image for samples in loader for sample in samples]

    assert all((a == b).all() for a, b in zip(images(0), images(workers), strict=True))
