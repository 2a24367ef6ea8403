"""The CTC likelihood p(word | image) of many words at once.

Graves et al., "Connectionist Temporal Classification", ICML 2006, section 4.1.
N words of up to L characters; B images of T frames; K classes, 0 the blank; S = 2L + 1 states.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def log_likelihoods(
    log_probs: NDArray[np.floating],
    lengths: Sequence[int],
    words: Sequence[Sequence[int]],
    images: Sequence[int],
) -> Floats:
    """Return log p(words[n] | image images[n]), summed over all alignments, in float64.

    With l' the word with blanks around every character, the forward variables are

        alpha_t(s) = y_t(l'_s) (alpha_{t-1}(s) + alpha_{t-1}(s-1) + [l'_s not blank nor l'_{s-2}] alpha_{t-1}(s-2))

    and the likelihood is alpha_T of the last two states. All of it in logarithms.

    Args:
        log_probs: (B, T, K) log-softmax of the logits.
        lengths: (B,) frames of each image.
        words: N class sequences without blanks; an empty one means "nothing but blanks".
        images: (N,) which image each word is scored on.

    Returns:
        (N,) log-likelihoods; -inf for a word that cannot be written in the image's frames.
    """
    rows = np.asarray(images, dtype=np.intp)
    num_characters = np.array([len(word) for word in words], dtype=np.intp)
    states, no_skip = extended(words)
    frames = np.asarray(lengths, dtype=np.intp)[rows]
    emissions = np.asarray(log_probs, dtype=np.float64)
    alpha = np.full(states.shape, -np.inf)
    alpha[:, :2] = emissions[rows[:, None], 0, states[:, :2]]
    alpha[num_characters == 0, 1:] = -np.inf
    for t in range(1, int(frames.max(initial=0))):
        following = advanced(alpha, no_skip) + emissions[rows[:, None], t, states]
        alpha = following if (t < frames).all() else np.where((t < frames)[:, None], following, alpha)

    each = np.arange(len(words))
    last = alpha[each, 2 * num_characters]
    before = np.where(num_characters > 0, alpha[each, np.maximum(2 * num_characters - 1, 0)], -np.inf)
    return _log_sum_exp(np.stack([last, before]))


def extended(words: Sequence[Sequence[int]]) -> tuple[NDArray[np.intp], Floats]:
    """Return l' of each word, (N, S), padded with blanks; and 0 where s may be reached from s - 2, else -inf."""
    longest = max(map(len, words), default=0)
    states = np.zeros((len(words), 2 * longest + 1), dtype=np.intp)
    for row, word in zip(states, words, strict=True):
        row[1 : 2 * len(word) : 2] = word
    may_skip = np.zeros(states.shape, dtype=bool)
    may_skip[:, 2:] = (states[:, 2:] != 0) & (states[:, 2:] != states[:, :-2])
    return states, np.where(may_skip, 0.0, -np.inf)


def advanced(alpha: Floats, no_skip: Floats) -> Floats:
    """Return log(alpha(s) + alpha(s-1) + [may skip] alpha(s-2)) of (N, S)."""
    step = alpha.copy()
    step[:, 1:] = np.logaddexp(alpha[:, 1:], alpha[:, :-1])
    step[:, 2:] = np.logaddexp(step[:, 2:], alpha[:, :-2] + no_skip[:, 2:])
    return step


def _log_sum_exp(terms: Floats) -> Floats:
    """Return log(sum(exp(terms))) over the first axis."""
    largest = terms.max(axis=0)
    largest = np.where(np.isneginf(largest), 0.0, largest)
    with np.errstate(divide="ignore"):
        return largest + np.log(np.exp(terms - largest).sum(axis=0))
