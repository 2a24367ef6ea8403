from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.datasets.sampler import StreamBatches


def take(count: int, **arguments: int) -> list[list[int]]:
    return list(islice(StreamBatches(**arguments), count))


@given(start=st.integers(0, 30), batch_size=st.integers(1, 9))
def test_starting_at_a_batch_continues_the_same_order(start, batch_size):
    whole = take(start + 5, batch_size=batch_size)
    assert take(5, batch_size=batch_size, start=start) == whole[start:]


@given(num_processes=st.integers(1, 4), batch_size=st.integers(1, 9))
def test_processes_together_take_every_sample_once_and_what_one_process_takes(num_processes, batch_size):
    shares = [
        take(6, batch_size=batch_size, process=process, num_processes=num_processes) for process in range(num_processes)
    ]
    together = [[number for share in shares for number in share[step]] for step in range(6)]
    assert together == take(6, batch_size=num_processes * batch_size)
    assert [number for batch in together for number in batch] == list(range(6 * num_processes * batch_size))
