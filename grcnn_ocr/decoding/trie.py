"""Word lists as a forest of tries, in arrays: words with a common prefix share its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int32]


@dataclass(frozen=True)
class Forest:
    """One trie per list. Nodes are numbered level by level, the children of a node consecutively.

    The first nodes are the roots of the lists, which add no character.

    Attributes:
        characters: (N,) class that a node adds to its parent's prefix.
        first_child: (N,) number of its first child.
        num_children: (N,)
        words: (N,) index of the given word that ends here; -1 for none.
        shortest: (N,) fewest characters that a word of its subtree still needs, 0 if one ends here.
        longest: (N,) most of them.
        num_words: (N,) words of its subtree.
    """

    characters: Indices
    first_child: Indices
    num_children: Indices
    words: Indices
    shortest: Indices
    longest: Indices
    num_words: Indices


def plant(lists: Sequence[Sequence[Sequence[int]]]) -> Forest:
    """Build the forest of lists of words; a word's index counts through all lists, in order.

    Args:
        lists: of words, each a sequence of classes without blanks. Of equal words in a list the first stays.

    Raises:
        ValueError: on a word without characters.
    """
    lengths = np.array([len(word) for words in lists for word in words], dtype=np.int32)
    if len(lengths) == 0 or lengths.min() == 0:
        raise ValueError("a trie needs words, each of at least one character")
    owners = np.repeat(np.arange(len(lists)), [len(words) for words in lists])
    table = np.zeros((len(lengths), lengths.max()), dtype=np.int32)  # 0, in no word, ends a row
    table[np.arange(table.shape[1]) < lengths[:, None]] = [c for words in lists for word in words for c in word]

    order = np.lexsort((*table.T[::-1], owners))
    differs = np.ones(len(order), dtype=bool)
    differs[1:] = (table[order[1:]] != table[order[:-1]]).any(axis=1) | (owners[order[1:]] != owners[order[:-1]])
    order = order[differs]
    table, lengths, owners = table[order], lengths[order], owners[order]

    node = owners.astype(np.int32)  # of each word, on the level above
    begins = np.ones(len(order), dtype=bool)  # whether its prefix differs from that of the word before
    begins[1:] = owners[1:] != owners[:-1]
    characters = [np.zeros(len(lists), dtype=np.int32)]
    parents: list[Indices] = []
    words = [np.full(len(lists), -1, dtype=np.int32)]
    shortest = [np.zeros(len(lists), dtype=np.int32)]
    longest = [np.zeros(len(lists), dtype=np.int32)]
    num_words = [np.bincount(owners, minlength=len(lists)).astype(np.int32)]
    num_nodes = len(lists)
    for depth in range(table.shape[1]):
        begins[1:] |= table[1:, depth] != table[:-1, depth]
        inside = np.flatnonzero(lengths > depth)  # the words of this level
        starts = np.flatnonzero(begins[inside])
        rows = inside[starts]
        characters.append(table[rows, depth])
        parents.append(node[rows])
        words.append(np.where(lengths[rows] == depth + 1, order[rows], -1).astype(np.int32))
        shortest.append(np.minimum.reduceat(lengths[inside], starts) - depth - 1)
        longest.append(np.maximum.reduceat(lengths[inside], starts) - depth - 1)
        num_words.append(np.diff(starts, append=len(inside)).astype(np.int32))
        node[inside] = num_nodes + np.cumsum(begins[inside], dtype=np.int32) - 1
        num_nodes += len(rows)
    parent = np.concatenate(parents)
    num_children = np.bincount(parent, minlength=num_nodes).astype(np.int32)
    first_child = np.zeros(num_nodes, dtype=np.int32)
    first_child[parent[::-1]] = np.arange(num_nodes - 1, len(lists) - 1, -1, dtype=np.int32)
    return Forest(
        np.concatenate(characters),
        first_child,
        num_children,
        np.concatenate(words),
        np.concatenate(shortest),
        np.concatenate(longest),
        np.concatenate(num_words),
    )
