"""Exact search of a trie for the words with the highest CTC likelihood.

The forward variables of a node (Graves et al., ICML 2006, section 4.1) serve every word below it. With y_t(c) the
probability of class c at frame t, 0 the blank, a node that adds character c to its parent's prefix has

    first_t = y_t(c) (blank'_{t-1} + [c != c'] label'_{t-1})    its character appears for the first time
    label_t = first_t + y_t(c) label_{t-1}                      all alignments that end in the character
    blank_t = y_t(0) (blank_{t-1} + label_{t-1})                all that end in a blank after it

where ' marks the parent; p(word | image) is blank + label at the last frame. A node is skipped when

    sum_t first_t max_r rest_{t+1}(r) < the best likelihood found,   r from its shortest to its longest rest of a word

where rest_t(r) bounds the probability that frames t, t + 1, ... write r more characters, whichever they are. B images
(or N pairs of an image and a node), T frames, K classes, R lengths of a rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.trie import Forest, Indices

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NARROW = 6
"""Nodes per image and level in the first pass, which only has to find a good word."""
LONGEST_REST = 12
"""Longer rests share one bound."""
SMALLEST = 1e-250
"""Scaled likelihoods below it may have lost digits."""
TIE = 1e-9
"""Log-likelihoods this close count as equal."""
CERTAIN = 0.5
"""Share of an image's probability beyond which no other word can be likelier."""
FIRST_SLACK = 1e-4
POSTERIOR_ERROR = 1e-3
"""For posteriors, words are searched down to `FIRST_SLACK` times the best likelihood, and further until what was
skipped cannot change a posterior by more than this share of it."""


@dataclass(frozen=True)
class Found:
    """The likeliest words of one image, and what is known of the others.

    Attributes:
        words: indices of words, the likeliest first; words within `TIE` of the last asked for are all there.
        log_likelihoods: of each.
        log_total: if posteriors were asked for, the log-likelihood of the whole list, too large by at most the share
            `POSTERIOR_ERROR`.
    """

    words: Integers
    log_likelihoods: Floats
    log_total: float = np.nan


def search(
    log_probs: NDArray[np.floating],
    forest: Forest,
    lists: Sequence[int] | Integers,
    num_best: int = 1,
    posteriors: bool = False,
) -> list[Found]:
    """Find the `num_best` likeliest words of each image's list, exactly.

    Args:
        log_probs: (B, T, K) log-softmax, class 0 the blank. Frames beyond an image must hold a certain blank.
        forest: the lists.
        lists: (B,) the list of each image.
        num_best: words per image.
        posteriors: whether to find the list's total likelihood, which divides those of its words.

    Returns:
        For each image what was found; of a list, words of likelihood 0 may be missing, and so may those below
        `SMALLEST` times that of the likeliest path.
    """
    log_emissions = np.asarray(log_probs, dtype=np.float64)
    largest = log_emissions.max(axis=2)  # (B, T); the scale keeps long images from underflowing
    emissions = np.exp(log_emissions - largest[:, :, None]).transpose(0, 2, 1).copy()  # (B, K, T)
    images = _Images(emissions, _bounds(emissions, int(min(forest.longest.max(initial=0), LONGEST_REST))))
    found = _Best(len(emissions), num_best)
    roots = np.asarray(lists, dtype=np.int64)
    everyone = np.arange(len(emissions))
    _walk(images, forest, everyone, roots, found, NARROW * num_best)
    slack = FIRST_SLACK if posteriors else 1.0
    open_images = everyone if num_best > 1 or posteriors else np.flatnonzero(~found.is_certain(emissions))
    while len(open_images):
        for part in open_images[:, None] if posteriors else [open_images]:  # so many nodes stay open that one will do
            found.missed[part] = _walk(images, forest, part, roots[part], found, None, slack)[part]
        too_much = found.missed > POSTERIOR_ERROR * found.totals()
        open_images = np.flatnonzero(too_much) if posteriors else everyone[:0]
        slack *= FIRST_SLACK
    return found.sorted(largest.sum(axis=1))


@dataclass(frozen=True)
class _Images:
    emissions: Floats  # (B, K, T)
    bounds: Floats  # (B, R, R, T) at (shortest, longest): of the rest after each frame


@dataclass(frozen=True)
class _Nodes:
    """Pairs of an image and a node that may lead to a better word."""

    images: Integers  # (N,)
    nodes: Integers  # (N,)
    labels: Floats  # (N, T)
    blanks: Floats  # (N, T)

    def at(self, indices: Integers) -> _Nodes:
        return _Nodes(self.images[indices], self.nodes[indices], self.labels[indices], self.blanks[indices])


class _Best:
    """The likeliest words so far of every image."""

    def __init__(self, num_images: int, num_best: int) -> None:
        self.num_best = num_best
        self.words: list[dict[int, float]] = [{} for _ in range(num_images)]
        self.thresholds = np.zeros(num_images)
        """(B,) likelihood of the `num_best`-th word, 0 until there is one."""
        self.missed = np.zeros(num_images)
        """(B,) upper bound of the likelihood of all words skipped."""

    def add(self, images: Integers, words: Indices, likelihoods: Floats) -> None:
        """Add words, and raise the thresholds."""
        for image, word, likelihood in zip(images.tolist(), words.tolist(), likelihoods.tolist(), strict=True):
            self.words[image][word] = likelihood
        for image in np.unique(images).tolist():
            likelihoods_here = self.words[image].values()
            if len(likelihoods_here) >= self.num_best:
                self.thresholds[image] = sorted(likelihoods_here, reverse=True)[self.num_best - 1]

    def is_certain(self, emissions: Floats) -> NDArray[np.bool_]:
        """Return (B,) whether the best word has more than half of the whole probability."""
        return self.thresholds > CERTAIN * (1 + TIE) * emissions.sum(axis=1).prod(axis=1)

    def totals(self) -> Floats:
        """Return (B,) the likelihood of all words so far."""
        return np.array([sum(words.values()) for words in self.words])

    def sorted(self, scales: Floats) -> list[Found]:
        """Return the best of each image, with the scale put back."""
        with np.errstate(divide="ignore"):
            totals = np.log(self.totals() + self.missed) + scales
        return [self._sorted(image, scales[image], totals[image]) for image in range(len(scales))]

    def _sorted(self, image: int, scale: float, total: float) -> Found:
        indices = np.array(list(self.words[image]), dtype=np.int64)
        likelihoods = np.array(list(self.words[image].values()))
        threshold = self.thresholds[image]
        keep = (likelihoods >= threshold * (1 - TIE)) & (likelihoods > SMALLEST)
        order = np.argsort(-likelihoods[keep], kind="stable")
        return Found(indices[keep][order], np.log(likelihoods[keep][order]) + scale, total)


def _walk(
    images: _Images,
    forest: Forest,
    which: Integers,
    roots: Integers,
    found: _Best,
    width: int | None,
    slack: float = 1.0,
) -> Floats:
    """Descend level by level, skipping every node that cannot hold a better word; with a width, keep only the best few.

    Returns:
        (B,) upper bound of the likelihood of all words in the nodes skipped, except those beyond the width.
    """
    blanks = np.cumprod(images.emissions[which, 0], axis=1)  # (N, T) of the empty prefix
    front = _Nodes(which, roots, np.zeros_like(blanks), blanks)
    missed = np.zeros(len(images.emissions))
    is_root = True
    while len(front.nodes):
        children, bounds = _children(images, forest, front, is_root)
        is_root = False
        is_better = (bounds >= slack * found.thresholds[children.images] * (1 - 2 * TIE)) & (bounds > 0)
        passed = np.flatnonzero(~is_better)
        np.add.at(missed, children.images[passed], bounds[passed] * forest.num_words[children.nodes[passed]])
        keep = np.flatnonzero(is_better)
        if width is not None:
            keep = keep[best_of_each(children.images[keep], bounds[keep], width)]
        front = _forward(children.at(keep), images.emissions[:, 0])
        words = forest.words[front.nodes]
        ends = np.flatnonzero(words >= 0)
        found.add(front.images[ends], words[ends], front.labels[ends, -1] + front.blanks[ends, -1])
    return missed


def _children(images: _Images, forest: Forest, front: _Nodes, is_root: bool) -> tuple[_Nodes, Floats]:
    """Return all children, `first` and y_t(c) in the places of labels and blanks, and their bounds (N',)."""
    counts = forest.num_children[front.nodes]
    parents = np.repeat(np.arange(len(counts)), counts)  # (N',)
    offsets = np.arange(len(parents)) - np.repeat(np.cumsum(counts) - counts, counts)
    nodes = forest.first_child[front.nodes][parents] + offsets
    of = front.images[parents]
    characters = forest.characters[nodes]
    emissions = images.emissions[of, characters]  # (N', T)
    repeats = characters == forest.characters[front.nodes][parents]
    before = np.where(repeats[:, None], 0.0, front.labels[parents]) + front.blanks[parents]
    first = np.empty_like(emissions)
    first[:, 0] = emissions[:, 0] if is_root else 0.0
    np.multiply(emissions[:, 1:], before[:, :-1], out=first[:, 1:])
    limit = images.bounds.shape[1] - 1
    shortest, longest = (np.minimum(rest[nodes], limit) for rest in (forest.shortest, forest.longest))
    bounds = np.einsum("nt,nt->n", first, images.bounds[of, shortest, longest])
    return _Nodes(of, nodes, first, emissions), bounds


def _forward(nodes: _Nodes, blank_emissions: Floats) -> _Nodes:
    """Turn `first` and y_t(c), given as labels and blanks, into the forward variables."""
    first, emissions, silences = nodes.labels.T.copy(), nodes.blanks.T.copy(), blank_emissions[nodes.images].T.copy()
    labels, blanks = first, np.zeros_like(first)  # (T, N)
    for t in range(1, len(first)):
        labels[t] += emissions[t] * labels[t - 1]
        blanks[t] = silences[t] * (blanks[t - 1] + labels[t - 1])
    return _Nodes(nodes.images, nodes.nodes, labels.T.copy(), blanks.T.copy())


def best_of_each(groups: Integers, values: Floats, num: int) -> Integers:
    """Return the indices of the `num` largest values of each group, in ascending order."""
    order = np.lexsort((-values, groups))
    starts = np.searchsorted(groups[order], groups[order])
    return np.sort(order[np.arange(len(order)) - starts < num])


def _bounds(emissions: Floats, limit: int) -> Floats:
    """Bound what the frames after each can contribute to a prefix, by how many characters are still to come.

    Each character of the rest is replaced by the likeliest one of the frame. With z_t its probability,

        label_t(r) = z_t (label_{t+1}(r) + label_{t+1}(r-1)) + y_t(0) blank_{t+1}(r)
        blank_t(r) = y_t(0) blank_{t+1}(r) + z_t label_{t+1}(r-1)

    after a character and after a blank, for r characters to come.

    Args:
        emissions: (B, K, T).
        limit: R - 1.

    Returns:
        (B, R, R, T): at (i, j, t) the largest of label_{t+1}(r) for i <= r <= j, R - 1 standing for all above it.
    """
    num_images, _, num_frames = emissions.shape
    silence = emissions[:, 0].T  # (T, B)
    likeliest = emissions[:, 1:].max(axis=1).T
    label = np.zeros((num_frames + 1, max(num_frames, limit) + 1, num_images))  # (t, r, B)
    label[num_frames, 0] = 1.0
    blank = label[num_frames].copy()
    for t in range(num_frames - 1, -1, -1):
        onwards = np.zeros_like(blank)
        onwards[1:] = label[t + 1, :-1]  # of the next character
        onwards *= likeliest[t]
        silent = silence[t] * blank
        blank = silent + onwards
        label[t] = blank + likeliest[t] * label[t + 1]
    rest = label[1:, : limit + 1].copy()
    rest[:, limit] = label[1:, limit:].max(axis=1)
    bounds = np.zeros((num_images, limit + 1, limit + 1, num_frames))
    for i in range(limit + 1):
        bounds[:, i, i:] = np.maximum.accumulate(rest[:, i:], axis=1).transpose(2, 1, 0)
    return bounds
