from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.datasets.sampler import StepBatches


def take(count: int, **arguments: int) -> list[list[tuple[int, int]]]:
    return list(islice(StepBatches(**arguments), count))


@given(num_samples=st.integers(1, 40), batch_size=st.integers(1, 50), seed=st.integers(0, 5))
def test_every_epoch_takes_every_sample_once(num_samples, batch_size, seed):
    keys = [
        key
        for batch in take(2 * num_samples, num_samples=num_samples, batch_size=batch_size, seed=seed)
        for key in batch
    ]
    for epoch in range(2):
        assert sorted(position for e, position in keys if e == epoch) == list(range(num_samples))


@given(start=st.integers(0, 30))
def test_starting_at_a_step_continues_the_same_order(start):
    whole = take(start + 5, num_samples=7, batch_size=3, seed=1)
    assert take(5, num_samples=7, batch_size=3, seed=1, start=start) == whole[start:]


@given(num_processes=st.integers(1, 4))
def test_processes_together_take_what_one_process_takes(num_processes):
    one = take(6, num_samples=11, batch_size=2 * num_processes, seed=3)
    shares = [
        take(6, num_samples=11, batch_size=2, seed=3, process=process, num_processes=num_processes)
        for process in range(num_processes)
    ]
    assert one == [[key for share in shares for key in share[step]] for step in range(6)]


def test_epochs_and_seeds_differ():
    first, second = take(2, num_samples=50, batch_size=50, seed=0)
    assert [p for _, p in first] != [p for _, p in second]
    assert first != take(1, num_samples=50, batch_size=50, seed=1)[0]
