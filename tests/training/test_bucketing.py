from itertools import count, islice

import numpy as np
import pytest

from grcnn_ocr.datasets.streams import Sample
from grcnn_ocr.preprocess import Preprocessor
from grcnn_ocr.training.bucketing import BLOCK, block_start, by_width, of_one_width

PROPORTIONAL = Preprocessor(width="proportional")
BATCH = 6


def sample(number: int) -> Sample:
    width = int(np.random.default_rng(number).integers(20, 200))
    return Sample(np.zeros((32, width), np.uint8), [number])


def steps(start: int):
    for step in count(start):
        yield [sample(number) for number in range(step * BATCH, (step + 1) * BATCH)]


def numbers(samples: list[Sample]) -> list[int]:
    return [sample.classes[0] for sample in samples]


def take(first: int, how_many: int) -> list[list[Sample]]:
    return list(islice(by_width(steps(block_start(first)), PROPORTIONAL, 0, first), how_many))


def test_each_block_deals_out_its_own_samples_once():
    found = take(0, 3 * BLOCK)
    assert all(len(samples) == BATCH for samples in found)
    for block in range(3):
        dealt = [number for samples in found[block * BLOCK : (block + 1) * BLOCK] for number in numbers(samples)]
        assert sorted(dealt) == list(range(block * BLOCK * BATCH, (block + 1) * BLOCK * BATCH))


@pytest.mark.parametrize("step", [1, BLOCK - 1, BLOCK, BLOCK + 5])
def test_starting_at_a_step_continues_the_same_order(step):
    whole = [numbers(samples) for samples in take(0, step + BLOCK)]
    assert [numbers(samples) for samples in take(step, BLOCK)] == whole[step:]


def test_most_steps_are_of_one_width_and_their_order_is_random():
    found = take(0, 2 * BLOCK)
    parts = [of_one_width(samples, PROPORTIONAL) for samples in found]
    num_widths = len({PROPORTIONAL.padded_width(run[0].image) for runs in parts for run in runs})
    assert sum(len(runs) for runs in parts) <= 2 * (BLOCK + num_widths - 1)
    for samples, runs in zip(found, parts, strict=True):
        assert numbers([sample for run in runs for sample in run]) == numbers(samples)
        assert all(len({PROPORTIONAL.padded_width(sample.image) for sample in run}) == 1 for run in runs)
    widths = [PROPORTIONAL.padded_width(samples[0].image) for samples in found[:BLOCK]]
    assert widths != sorted(widths)
