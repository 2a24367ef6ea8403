"""Endless streams of training samples: sample number n = 0, 1, 2, ... is a pure function of n."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.config import ENGINE
from grcnn_ocr.datasets.augment import Augmenter
from grcnn_ocr.datasets.sampler import permutation
from grcnn_ocr.datasets.synth.engine import WordEngine
from grcnn_ocr.datasets.words import WordSource, decoded
from grcnn_ocr.pixels import Pixels, to_grayscale
from grcnn_ocr.preprocess import Preprocessor
from grcnn_ocr.text.charset import Charset

MIXTURE_BLOCK = 1000
"""Samples in each of which the shares of a mixture hold, rounded to one in this many."""


@dataclass(frozen=True)
class Sample:
    """One preprocessed image (H, W) and the classes of its label."""

    image: Pixels
    classes: list[int]


class Stream(Protocol):
    """Training samples without end."""

    def sample(self, number: int) -> Sample:
        """Return sample `number`, counted from 0."""
        ...

    def place(self, number: int) -> str:
        """Name sample `number` in a message."""
        ...

    def digests(self) -> dict[str, str]:
        """Return a digest of each source's contents, by name: a resumed run must find the same."""
        ...


@dataclass(frozen=True)
class StoredStream:
    """Words of a source, in a new random order each epoch and with new random augmentation each time.

    Args:
        source: where the words are.
        indices: of the usable ones, see `audit`.
        charset: encodes labels.
        preprocessor: resizes images.
        augmenter: applied to the resized image, or None.
        seed: of order and augmentation.

    Raises:
        ValueError: from `sample`, if an image cannot be decoded, naming it.
    """

    source: WordSource
    indices: NDArray[np.int64]
    charset: Charset
    preprocessor: Preprocessor
    augmenter: Augmenter | None
    seed: int

    def sample(self, number: int) -> Sample:
        """Return sample `number`: the (number mod N)-th of its epoch's permutation of N."""
        epoch, position = self._position(number)
        index = int(self.indices[position])
        image = self.preprocessor.resize(decoded(self.source, index))
        if self.augmenter is not None:
            image = self.augmenter(image, (self.seed, epoch, position))
        return Sample(image, self.charset.encode(self.source.label(index)))

    def place(self, number: int) -> str:
        """Name the word in its source."""
        return self.source.place(int(self.indices[self._position(number)[1]]))

    def digests(self) -> dict[str, str]:
        """Return a digest of the usable words and their labels."""
        found = hashlib.sha256()
        for index in self.indices.tolist():
            found.update(f"{index} {self.source.label(index)}\n".encode())
        return {str(self.source.path): found.hexdigest()}

    def _position(self, number: int) -> tuple[int, int]:
        epoch, offset = divmod(number, len(self.indices))
        return epoch, int(permutation(self.seed, epoch, len(self.indices))[offset])


@dataclass(frozen=True)
class DrawnStream:
    """The word engine's samples.

    Args:
        engine: draws them.
        preprocessor: resizes images.
        chosen: (N,) numbers of the engine's samples to use, in order and then from the start again; by default all
            samples, each once.
    """

    engine: WordEngine
    preprocessor: Preprocessor
    chosen: NDArray[np.int64] | None = None

    def sample(self, number: int) -> Sample:
        """Draw sample `number` of the engine, or of those chosen."""
        image, label = self.engine.sample(self._of_engine(number))
        return Sample(self.preprocessor.resize(to_grayscale(image)), self.engine.sampler.charset.encode(label))

    def place(self, number: int) -> str:
        """Name the sample."""
        return f"sample {self._of_engine(number)} of the word engine"

    def digests(self) -> dict[str, str]:
        """Return a digest of the engine's manifest, and of what was chosen."""
        digest = self.engine.digest()
        if self.chosen is not None:
            digest = hashlib.sha256(digest.encode() + self.chosen.tobytes()).hexdigest()
        return {ENGINE: digest}

    def _of_engine(self, number: int) -> int:
        return number if self.chosen is None else int(self.chosen[number % len(self.chosen)])


@dataclass(frozen=True)
class Mixture:
    """Several streams, each with its share of every `MIXTURE_BLOCK` samples, in random order.

    Args:
        streams: at least one.
        shares: of each, adding up to 1.
        seed: of the order.

    Raises:
        ValueError: on a share too small for one sample a block.
    """

    streams: Sequence[Stream]
    shares: Sequence[float]
    seed: int

    def __post_init__(self) -> None:
        if (_counts(tuple(self.shares)) == 0).any():
            raise ValueError(f"shares {list(self.shares)}: each must be at least 1 in {MIXTURE_BLOCK}")

    def sample(self, number: int) -> Sample:
        """Return the next sample of the stream whose turn it is."""
        turn, earlier = self._turn(number)
        return self.streams[turn].sample(earlier)

    def place(self, number: int) -> str:
        """Name the sample in its stream."""
        turn, earlier = self._turn(number)
        return self.streams[turn].place(earlier)

    def digests(self) -> dict[str, str]:
        """Return the digests of all streams."""
        return {name: digest for stream in self.streams for name, digest in stream.digests().items()}

    def _turn(self, number: int) -> tuple[int, int]:
        """Return the stream whose turn it is, and how many samples it gave before."""
        block, offset = divmod(number, MIXTURE_BLOCK)
        turns = _turns(self.seed, block, tuple(self.shares))
        turn = int(turns[offset])
        return turn, block * int(_counts(tuple(self.shares))[turn]) + int((turns[:offset] == turn).sum())


def _counts(shares: tuple[float, ...]) -> NDArray[np.int64]:
    """Return how many samples of each stream are in a block."""
    ends = np.round(np.cumsum(shares) / np.sum(shares) * MIXTURE_BLOCK).astype(np.int64)
    return np.diff(ends, prepend=0)


@lru_cache(maxsize=8)
def _turns(seed: int, block: int, shares: tuple[float, ...]) -> NDArray[np.int64]:
    """Return the stream of each sample of a block."""
    return np.random.default_rng((seed, block)).permutation(np.repeat(np.arange(len(shares)), _counts(shares)))
