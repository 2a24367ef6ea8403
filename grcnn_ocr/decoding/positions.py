"""The position and the confidence of each character of a reading.

The forward-backward pass of CTC (Graves et al., ICML 2006, section 4.1) gives the probability of every character at
every frame. The centres of the characters divide the crop, and each boundary then moves to the nearby column of least
contrast, since letters have more contrast than the gaps between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.likelihood import Floats, advanced, extended
from grcnn_ocr.pixels import Pixels

LAG = 0.05
"""How far a character lies to the right of the frames that announce it, in heights of the crop."""
REACH = 0.4
"""How far a boundary may move, in widths of a character."""
STIFFNESS = 3.0
"""Cost of moving it by a whole width, in mean column contrasts. All three were chosen on IIIT5K train."""


@dataclass(frozen=True)
class Character:
    """One character of a reading.

    Attributes:
        text: the character, as the reading has it.
        confidence: the network's mean probability of it, 0 to 1, over its frames.
        left: of its span, in pixels of the original image, turned by `Prediction.rotation`.
        right: of its span, greater than `left`.
    """

    text: str
    confidence: float
    left: float
    right: float


def occupancies(log_probs: NDArray[np.floating], lengths: Sequence[int], words: Sequence[Sequence[int]]) -> Floats:
    """Return the probability of each state of each image's word at each frame, given the word.

    The S = 2L + 1 states are the word's L characters and blanks around them.

    Args:
        log_probs: (B, T, K) log-softmax, class 0 the blank.
        lengths: (B,) frames of each image.
        words: (B,) the class sequence of each image, which must fit its frames.

    Returns:
        (B, T, S), 0 beyond an image's frames and a word's end; the values of a frame add up to 1.
    """
    emissions = np.asarray(log_probs, dtype=np.float64)
    alpha = _forward(emissions, words)  # (T, B, S)
    backward = _forward(_reversed(emissions, lengths), [word[::-1] for word in words])
    chances = np.zeros(alpha.swapaxes(0, 1).shape)
    for image, (word, length) in enumerate(zip(words, lengths, strict=True)):
        (states, *_), _ = extended([word])
        joint = alpha[:length, image, : len(states)] + backward[:length, image, : len(states)][::-1, ::-1]
        joint -= emissions[image, :length][:, states]  # contained in both
        chances[image, :length, : len(states)] = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
    return chances


def _forward(emissions: Floats, words: Sequence[Sequence[int]]) -> Floats:
    """Return log alpha_t(s), (T, B, S), of word b on image b."""
    states, no_skip = extended(words)
    images = np.arange(len(words))[:, None]
    alpha = np.full((emissions.shape[1], *states.shape), -np.inf)
    alpha[0, :, :2] = emissions[images, 0, states[:, :2]]
    for t in range(1, len(alpha)):
        alpha[t] = advanced(alpha[t - 1], no_skip) + emissions[images, t, states]
    return alpha


def _reversed(emissions: Floats, lengths: Sequence[int]) -> Floats:
    """Reverse the frames of each image."""
    found = emissions.copy()
    for image, length in enumerate(lengths):
        found[image, :length] = emissions[image, :length][::-1]
    return found


def characters(text: str, confidences: Floats, centres: Floats, image: Pixels) -> tuple[Character, ...]:
    """Divide a crop among the characters of its reading.

    Args:
        text: L characters.
        confidences: (L,)
        centres: (L,) in pixels of the image, ascending.
        image: grayscale (H, W).
    """
    edges = _boundaries(centres, image)
    return tuple(
        Character(char, float(confidence), float(left), float(right))
        for char, confidence, left, right in zip(text, confidences, edges[:-1], edges[1:], strict=True)
    )


def centres_and_confidences(
    chances: Floats, log_probs: NDArray[np.floating], word: Sequence[int], num_frames: int, shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Return the centres of the characters of one image, in its pixels, and the network's mean probability there.

    Args:
        chances: (T, S) of `occupancies`.
        log_probs: (T, K)
        word: (L,) classes.
        num_frames: of the image.
        shape: (H, W) of the image.

    Returns:
        (L,) and (L,).
    """
    height, width = shape
    weights = chances[:num_frames, 1 : 2 * len(word) : 2]  # (T, L)
    weights = weights / weights.sum(axis=0)
    frames = (np.arange(num_frames) + 0.5) @ weights
    centres = frames * width / num_frames + LAG * height
    confidences = (np.exp(log_probs[:num_frames, list(word)]) * weights).sum(axis=0)
    return centres, confidences


def _boundaries(centres: Floats, image: Pixels) -> Floats:
    """Return the L + 1 edges of L characters' spans, ascending, at least a pixel apart where the crop allows it."""
    width = image.shape[1]
    between = (centres[1:] + centres[:-1]) / 2
    if len(centres) > 1:
        spacing = max((centres[-1] - centres[0]) / (len(centres) - 1), 1.0)
        edges = np.concatenate([[centres[0] - spacing / 2], between, [centres[-1] + spacing / 2]])
    else:
        spacing = float(width)
        edges = np.array([0.0, spacing])
    contrast = image.std(axis=0)
    contrast = contrast / max(float(contrast.mean()), 1e-6)
    columns = np.arange(width) + 0.5
    for place, edge in enumerate(edges):
        near = np.flatnonzero(np.abs(columns - edge) <= REACH * spacing)
        if len(near):
            cost = contrast[near] + STIFFNESS * ((columns[near] - edge) / spacing) ** 2
            edges[place] = columns[near[cost.argmin()]]
    smallest = min(1.0, width / len(centres))
    least = smallest * np.arange(len(edges))
    edges = np.maximum.accumulate(edges - least) + least
    return np.clip(edges, least, width - least[::-1])
