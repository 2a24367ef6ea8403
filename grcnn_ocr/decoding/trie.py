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

    The first nodes are the roots of the lists, which add no character; their `shortest` and `longest` are 0.

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

    A node is a prefix. In alphabetical order the words that share it follow one another, so the first d characters of a
    word are a new node if they are not also those of the word before. Here a word's list is its first character, which
    makes roots of the shortest prefixes.

    Args:
        lists: of words, each a sequence of classes without blanks. Of equal words in a list the first stays.

    Raises:
        ValueError: on a list without words, or a word without characters.
    """
    counts = [len(words) for words in lists]
    lengths = np.array([len(word) for words in lists for word in words], dtype=np.int32)
    if not counts or 0 in counts or 0 in lengths:
        raise ValueError("a trie needs words, each of at least one character")
    table = np.zeros((1 + lengths.max(), len(lengths)), dtype=np.int32)  # (D, W); 0, in no word, ends a column
    table[0] = np.repeat(np.arange(len(lists)), counts)
    is_inside = np.arange(lengths.max()) < lengths[:, None]
    table.T[:, 1:][is_inside] = [c for words in lists for word in words for c in word]

    order = np.lexsort(table[::-1])
    table = table[:, order]
    is_new = np.ones(table.shape, dtype=bool)  # whether a prefix differs from that of the word before
    is_new[:, 1:] = np.logical_or.accumulate(table[:, 1:] != table[:, :-1], axis=0)
    distinct = is_new[-1]
    order, table, is_new = order[distinct], table[:, distinct], is_new[:, distinct]
    lengths = lengths[order]

    depths, words = np.nonzero(np.arange(len(table))[:, None] <= lengths)  # (P,) the prefixes of all words, by length
    is_node = is_new[depths, words]
    rests = (lengths[words] - depths).astype(np.int32)
    starts = np.flatnonzero(is_node)  # (N,) where the prefixes of each node begin
    numbers = np.zeros(table.shape, dtype=np.int32)
    numbers[depths, words] = np.cumsum(is_node) - 1

    depth, word = depths[starts], words[starts]  # (N,) of each node, and the first word below it
    is_root = depth == 0
    parents = numbers[depth - 1, word][~is_root]
    first_child = np.zeros(len(starts), dtype=np.int32)
    first_child[parents[::-1]] = np.arange(len(starts) - 1, len(lists) - 1, -1, dtype=np.int32)
    return Forest(
        characters=np.where(is_root, 0, table[depth, word]).astype(np.int32),
        first_child=first_child,
        num_children=np.bincount(parents, minlength=len(starts)).astype(np.int32),
        words=np.where(rests[starts] == 0, order[word], -1).astype(np.int32),
        shortest=np.where(is_root, 0, np.minimum.reduceat(rests, starts)).astype(np.int32),
        longest=np.where(is_root, 0, np.maximum.reduceat(rests, starts)).astype(np.int32),
        num_words=np.diff(starts, append=len(rests)).astype(np.int32),
    )
