import threading

import numpy as np
import pytest

from grcnn_ocr.decoding.frames import Frames

pytest.importorskip("fastapi", reason="the serve extra is absent: no test of the server did run")
from grcnn_ocr.serve.batching import Batcher
from grcnn_ocr.serve.limits import RefusedError


class Network:
    """Answers an image with its first pixel; waits while `gate` is closed."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.entered = threading.Event()
        self.gate = threading.Event()

    def __call__(self, images):
        self.entered.set()
        assert self.gate.wait(60)
        self.batches.append(len(images))
        if any(image[0, 0] == 99 for image in images):
            raise RuntimeError("out of memory")
        return Frames(np.array([[[image[0, 0]]] for image in images], np.float32), [1] * len(images))


def image(value):
    return np.full((4, 4), value, np.uint8)


def answers(future):
    return future.result(60).log_probs[:, 0, 0].tolist()


def test_requests_that_come_meanwhile_share_a_pass():
    network = Network()
    with Batcher(network) as batcher:
        first = batcher.submit([image(1)])
        assert network.entered.wait(60)
        others = [batcher.submit([image(2 * i), image(2 * i + 1)]) for i in range(1, 6)]
        assert batcher.num_waiting == 10
        network.gate.set()
        assert answers(first) == [1]
        assert [answers(other) for other in others] == [[2 * i, 2 * i + 1] for i in range(1, 6)]
    assert network.batches == [1, 10]
    assert (batcher.num_batches, batcher.num_images, batcher.num_waiting) == (2, 11, 0)


def test_a_full_batch_leaves_the_rest_to_the_next():
    network = Network()
    with Batcher(network, batch_size=4) as batcher:
        first = batcher.submit([image(0)] * 4)
        assert network.entered.wait(60)
        others = [batcher.submit([image(i)] * 3) for i in range(3)]
        network.gate.set()
        assert [len(answers(future)) for future in [first, *others]] == [4, 3, 3, 3]
    assert network.batches == [4, 6, 3]


def test_a_request_that_fails_fails_alone():
    network = Network()
    with Batcher(network) as batcher:
        batcher.submit([image(1)])
        assert network.entered.wait(60)
        good, bad, other = (batcher.submit([image(value)]) for value in (2, 99, 3))
        network.gate.set()
        assert answers(good) == [2] and answers(other) == [3]
        with pytest.raises(RuntimeError, match="out of memory"):
            bad.result(60)
        assert batcher.is_alive


def test_more_than_may_wait_is_refused():
    network = Network()
    with Batcher(network, max_waiting=2) as batcher:
        batcher.submit([image(1)])
        assert network.entered.wait(60)
        waits = batcher.submit([image(2), image(3)])
        with pytest.raises(RefusedError, match="2 images waiting") as refused:
            batcher.submit([image(4)])
        assert refused.value.status == 503
        network.gate.set()
        assert answers(waits) == [2, 3]


def test_a_second_look_at_admitted_images_is_never_refused_and_goes_first():
    network = Network()
    with Batcher(network, batch_size=1, max_waiting=1, patience=0) as batcher:
        batcher.submit([image(1)])
        assert network.entered.wait(60)
        seen = []
        for value, is_new in ((2, True), (3, False)):
            batcher.submit([image(value)], is_new).add_done_callback(lambda job: seen.append(answers(job)))
        network.gate.set()
    assert seen == [[3], [2]]


def test_a_request_of_more_than_may_wait_is_taken_when_none_do():
    network = Network()
    with Batcher(network, max_waiting=2) as batcher:
        batcher.submit([image(1)])
        assert network.entered.wait(60)
        waits = batcher.submit([image(value) for value in (2, 3, 4)])
        with pytest.raises(RefusedError, match="3 images waiting"):
            batcher.submit([image(5)])
        network.gate.set()
        assert answers(waits) == [2, 3, 4]


def test_closing_answers_waiting_requests_and_accepts_no_more():
    network = Network()
    with Batcher(network) as batcher:
        batcher.submit([image(1)])
        assert network.entered.wait(60)
        waits = batcher.submit([image(2)])
        threading.Timer(0.05, network.gate.set).start()
    assert answers(waits) == [2] and not batcher.is_alive
    with pytest.raises(RefusedError, match="shutting down"):
        batcher.submit([image(3)])
