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
    frames = np.asarray(lengths, dtype=np.intp)[list(images)]
    order = np.argsort(-frames, kind="stable")  # words of the shortest images come last, and drop out first
    frames = frames[order]
    rows = np.asarray(images, dtype=np.intp)[order]
    ordered = [words[n] for n in order]
    num_characters = np.array([len(word) for word in ordered], dtype=np.intp)
    states, no_skip = extended(ordered)
    alpha = np.full(states.shape, -np.inf)
    alpha[:, :2] = log_probs[rows[:, None], 0, states[:, :2]]
    alpha[num_characters == 0, 1:] = -np.inf
    for t in range(1, int(frames.max(initial=0))):
        on = slice(np.searchsorted(-frames, -t))  # those of more than t frames
        alpha[on] = advanced(alpha[on], no_skip[on]) + log_probs[rows[on, None], t, states[on]]

    each = np.arange(len(ordered))
    last = alpha[each, 2 * num_characters]
    before = np.where(num_characters > 0, alpha[each, np.maximum(2 * num_characters - 1, 0)], -np.inf)
    found = np.empty(len(ordered))
    found[order] = np.logaddexp(last, before)
    return found


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
