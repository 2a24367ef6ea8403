"""The batches that one process of a run is fed with."""

import pytest

from grcnn_ocr.training import feed


@pytest.mark.parametrize(
    ("cores", "processes", "asked", "expected"),
    [(2, 1, None, 1), (1, 1, None, 1), (16, 1, None, 15), (16, 4, None, 3), (64, 1, None, 16), (2, 2, None, 1),
     (2, 1, 0, 0)],
)  # fmt: skip
def test_workers_are_by_default_the_cores_left(cores, processes, asked, expected, monkeypatch):
    monkeypatch.setattr(feed, "num_cores", lambda: cores)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
    assert feed.num_workers(asked) == expected
