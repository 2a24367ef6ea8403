import itertools
import json

import numpy as np
import pytest
import torch
from conftest import shared
from hypothesis import given, settings
from hypothesis import strategies as st

from grcnn_ocr.decoding.likelihood import log_likelihoods
from grcnn_ocr.text.charset import Charset


def random_log_probs(seed: int, num_frames: int, num_classes: int, scale: float = 1.0) -> np.ndarray:
    logits = scale * np.random.default_rng(seed).standard_normal((num_frames, num_classes))
    return torch.from_numpy(logits).log_softmax(1).numpy()


def collapse(path: tuple[int, ...]) -> list[int]:
    return [c for c, _ in itertools.groupby(path) if c != 0]


def test_likelihood_is_the_sum_over_all_alignments():
    log_probs = random_log_probs(0, num_frames=5, num_classes=3)
    words = [[], [1], [2], [1, 1], [1, 2], [2, 2, 1], [1, 2, 1, 2]]
    expected = [0.0] * len(words)
    for path in itertools.product(range(3), repeat=5):
        if collapse(path) in words:
            expected[words.index(collapse(path))] += np.exp(log_probs[range(5), path].sum())
    found = log_likelihoods(log_probs[None], [5], words, [0] * len(words))
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-12)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    num_frames=st.integers(1, 30),
    scale=st.sampled_from([0.1, 1.0, 10.0, 300.0]),
    words=st.lists(st.lists(st.integers(1, 4), max_size=12), min_size=1, max_size=8),
)
def test_likelihood_equals_torch_ctc_loss(seed, num_frames, scale, words):
    log_probs = random_log_probs(seed, num_frames, 5, scale)
    found = log_likelihoods(log_probs[None], [num_frames], words, [0] * len(words))
    for word, score in zip(words, found, strict=True):
        loss = torch.nn.functional.ctc_loss(
            torch.from_numpy(log_probs)[:, None],
            torch.tensor([word], dtype=torch.long),
            torch.tensor([num_frames]),
            torch.tensor([len(word)]),
            reduction="sum",
        )
        assert score == pytest.approx(-float(loss), rel=1e-9, abs=1e-9)


def test_each_image_ends_at_its_own_length():
    log_probs = np.stack([random_log_probs(seed, 9, 4) for seed in range(3)])
    lengths, words = [9, 4, 6], [[1, 2], [3], [2, 2, 1]]
    together = log_likelihoods(log_probs, lengths, words, [0, 1, 2])
    for image, (length, word) in enumerate(zip(lengths, words, strict=True)):
        alone = log_likelihoods(log_probs[image : image + 1, :length], [length], [word], [0])
        assert together[image] == pytest.approx(alone[0], abs=1e-12)


def test_a_word_that_cannot_fit_has_no_likelihood():
    log_probs = random_log_probs(0, 3, 4)
    found = log_likelihoods(log_probs[None], [3], [[1, 1], [1, 1, 1], [1, 2, 3, 1]], [0, 0, 0])
    assert np.isfinite(found[0]) and np.isneginf(found[1:]).all()


def test_likelihoods_match_published_fixture():
    numbers = np.load(shared("oracles/ctc.npz"))
    words = json.loads(shared("oracles/ctc.words.json").read_text())
    charset = Charset.named("alnum36")
    found = log_likelihoods(numbers["logprobs"][None], [26], [charset.encode(word) for word in words], [0] * len(words))
    np.testing.assert_allclose(found, numbers["scores"], rtol=1e-9)
