"""Duplicate images: equal files, and equal pictures in different files."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.pixels import Pixels

COLUMNS, ROWS = 16, 4
"""Cosine waves in the hash, along the word and across it."""
MAX_DISTANCE = 4
"""Bits of 63 in which the hashes of one picture may differ. Measured on the 6,000 crops of IIIT5K and IC03: 54 pairs at
most this far apart, all of one word; at 6, 106 pairs, 5 of them of different words. None among 20,000 drawn words."""
BANDS = 7
"""Parts of a hash, of 9 bits and the last of 10. Of two hashes MAX_DISTANCE apart at least three parts are equal."""
MAX_PAIRS = 100_000
"""Most pairs that are listed; there are more only if most of the data are copies."""

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]

_NUM_BITS = np.array([bin(value).count("1") for value in range(2**16)], np.uint8)


@dataclass(frozen=True)
class SamePictures:
    """Pairs of positions, (P, 2), the lower first; the first of several identical files or hashes stands for all.

    Attributes:
        pairs: in order of their positions.
        distances: (P,) of the hashes; -1 for equal files.
        is_complete: whether these are all pairs.
    """

    pairs: Indices
    distances: Indices
    is_complete: bool


def perceptual_hash(image: Pixels) -> int:
    """Return 63 bits that hardly change when a picture (H, W) is compressed, resized, brightened or blurred.

    The picture is shrunk to 64 x 32, and each of the lowest 16 x 4 waves of its cosine transform, without the mean, is
    compared with their median. As half of the bits are set, two hashes usually differ in an even number of bits.
    """
    small = cv2.resize(image, (64, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    waves = cv2.dct(small)[:ROWS, :COLUMNS].ravel()[1:]
    return int.from_bytes(np.packbits(waves > np.median(waves), bitorder="little").tobytes(), "little")


def same_pictures(digests: Hashes, hashes: Hashes, limit: int = MAX_PAIRS) -> SamePictures:
    """Pair images with equal digests (N,) or similar hashes (N,).

    A picture that occurs n times gives n - 1 pairs, each with its first position. If there are more than `limit` pairs,
    the first ones are kept.
    """
    first = _first_of_each(digests)
    distinct = np.flatnonzero(first == np.arange(len(first)))  # files
    first_hash = distinct[_first_of_each(hashes[distinct])]
    unique = distinct[first_hash == distinct]  # pictures
    near, is_complete = near_pairs(hashes[unique], limit)
    near = unique[near]
    positions = np.arange(len(digests))
    groups = [_linked(first, positions), _linked(first_hash, distinct), near]
    distances = [np.full(len(groups[0]), -1), np.zeros(len(groups[1]), np.int64), distance(hashes, near)]
    pairs = np.concatenate(groups)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))[:limit]
    return SamePictures(pairs[order], np.concatenate(distances)[order], is_complete and len(pairs) <= limit)


def near_pairs(hashes: Hashes, limit: int = MAX_PAIRS) -> tuple[Indices, bool]:
    """Return every pair (P, 2) of hashes (N,) at most `MAX_DISTANCE` bits apart, and whether these are all.

    For each choice of `BANDS - MAX_DISTANCE` bands, the hashes are sorted by these, and those that agree in them are
    compared. No pair is missed, since its differing bits lie in at most `MAX_DISTANCE` bands.

    Args:
        hashes: in any order.
        limit: the search stops after more pairs than this.
    """
    num, codes = len(hashes), np.empty(0, np.int64)
    for bands in combinations(range(BANDS), BANDS - MAX_DISTANCE):
        keys = hashes & _mask(bands)
        order = np.argsort(keys)
        keys = keys[order]
        here, step = np.arange(num - 1), 1
        while len(here := here[here + step < num]) and len(here := here[keys[here] == keys[here + step]]):
            pairs = np.sort(np.stack([order[here], order[here + step]], axis=1), axis=1)
            pairs = pairs[distance(hashes, pairs) <= MAX_DISTANCE]
            codes = np.union1d(codes, pairs[:, 0] * num + pairs[:, 1]) if len(pairs) else codes
            if len(codes) > limit:
                return np.stack(np.divmod(codes[:limit], num), axis=1), False
            step += 1
    return np.stack(np.divmod(codes, max(num, 1)), axis=1), True


def distance(hashes: Hashes, pairs: Indices) -> Indices:
    """Return the number of bits (P,) in which the hashes of each pair (P, 2) differ."""
    differing = np.ascontiguousarray(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]])
    return _NUM_BITS[differing.view(np.uint16).reshape(-1, 4)].sum(axis=1, dtype=np.int64)


def _mask(bands: tuple[int, ...]) -> np.uint64:
    ends = [*(9 * band for band in range(BANDS)), 64]
    return np.uint64(sum((1 << ends[band + 1]) - (1 << ends[band]) for band in bands))


def _first_of_each(values: Hashes) -> Indices:
    """Return, for each of the values (N,), the first position of an equal one."""
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    return first[inverse]


def _linked(first: Indices, positions: Indices) -> Indices:
    """Return the pairs (P, 2) of a position and an earlier first one."""
    return np.stack([first, positions], axis=1)[first != positions]
