import numpy as np
import pytest
from conftest import WORDS
from torch.utils.data import DataLoader

from grcnn_ocr.datasets.augment import Augmenter
from grcnn_ocr.datasets.batch import TrainingWords
from grcnn_ocr.datasets.streams import Sample, StoredStream
from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.preprocess import Preprocessor
from grcnn_ocr.text.charset import Charset


def test_a_batch_holds_images_and_labels_in_order(crops):
    charset, preprocessor = Charset.named("alnum36"), Preprocessor()
    samples = [Sample(np.full((32, 100), n, np.uint8), charset.encode(WORDS[n])) for n in (2, 0)]
    batch = TrainingWords(None, preprocessor).collate(samples)
    assert batch.images.shape == (2, 1, 32, 100) and batch.widths.tolist() == [100, 100]
    assert batch.images[:, 0, 0, 0].tolist() == [(2 - 128) / 128, -1]
    assert batch.target_lengths.tolist() == [2, 5]
    assert charset.decode(batch.targets.tolist()) == WORDS[2] + WORDS[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_same_batches_as_none(workers, crops):
    source = open_words(crops / "labels.tsv")
    charset, preprocessor = Charset.named("alnum36"), Preprocessor()

    def batches(num_workers: int) -> list[np.ndarray]:
        stream = StoredStream(source, np.arange(len(source)), charset, preprocessor, Augmenter(), 0)
        words = TrainingWords(stream, preprocessor)
        loader = DataLoader(words, batch_sampler=[[1, 3], [21, 40], [2, 18]], collate_fn=words.collate,
                            num_workers=num_workers)  # fmt: skip
        return [batch.images.numpy() for batch in loader]

    assert all((a == b).all() for a, b in zip(batches(0), batches(workers), strict=True))
