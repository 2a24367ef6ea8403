"""The CTC lattice of a word: its states over the frames, how likely each is, and the best path through them.

Graves et al., "Connectionist Temporal Classification", ICML 2006, section 4.1.
T frames; S = 2L + 1 states: L characters, and blanks around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.likelihood import Floats, extended
from grcnn_ocr.decoding.positions import occupancies
from grcnn_ocr.text.charset import min_frames
from grcnn_ocr.wording import counted


@dataclass(frozen=True)
class Lattice:
    """A word's states over the frames of an image.

    Attributes:
        states: (S,) class of each state, 0 the blank.
        log_probs: (T, S) log-probability of each state's class at each frame.
        occupancy: (T, S) probability of each state at each frame, given the word; those of a frame add up to 1.
        path: (T,) the state at each frame of the likeliest alignment.
    """

    states: NDArray[np.intp]
    log_probs: Floats
    occupancy: Floats
    path: NDArray[np.intp]

    @property
    def character_frames(self) -> list[int]:
        """For each character the frame at which its state is most likely."""
        return self.occupancy[:, 1::2].argmax(axis=0).tolist()


def lattice(log_probs: NDArray[np.floating], word: Sequence[int]) -> Lattice:
    """Build the lattice of a word over the frames of an image.

    Args:
        log_probs: (T, K) log-softmax, class 0 the blank.
        word: its classes.

    Raises:
        ValueError: if the word needs more frames than there are.
    """
    if min_frames(word) > len(log_probs):
        raise ValueError(
            f"a word that needs {counted(min_frames(word), 'frame')} does not fit the image's {len(log_probs)}: "
            "give a wider image or a shorter word"
        )
    (states, *_), no_skip = extended([word])
    emissions = np.asarray(log_probs, dtype=np.float64)[:, states]  # (T, S)
    [occupancy] = occupancies(log_probs[None], [len(log_probs)], [word])
    return Lattice(states, emissions, occupancy, _best_path(emissions, no_skip[0]))


def _best_path(emissions: Floats, no_skip: Floats) -> NDArray[np.intp]:
    """Return the states of the alignment of the greatest product, (T,), by Viterbi's algorithm."""
    num_frames, num_states = emissions.shape
    score = np.full(num_states, -np.inf)
    score[:2] = emissions[0, :2]
    steps = np.zeros((num_frames, num_states), dtype=np.intp)  # how many states back the best path came from
    for t in range(1, num_frames):
        before = np.full((3, num_states), -np.inf)
        before[0] = score
        before[1, 1:] = score[:-1]
        before[2, 2:] = score[:-2] + no_skip[2:]
        steps[t] = before.argmax(axis=0)
        score = before.max(axis=0) + emissions[t]
    path = np.zeros(num_frames, dtype=np.intp)
    path[-1] = num_states - 1 - int(score[-2:][::-1].argmax())
    for t in range(num_frames - 1, 0, -1):
        path[t - 1] = path[t] - steps[t, path[t]]
    return path
