"""Reading in a smaller charset than the network's, such as without case.

B images of T frames; K classes of the network, K' of the smaller charset, 0 the blank of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.text.charset import CHARSETS, Charset, known_names

Float = TypeVar("Float", bound=np.floating)


@dataclass(frozen=True)
class ClassMerging:
    """Adds up, in every frame, the probabilities of classes whose characters fold to the same one.

        p'(k' | frame) = sum of p(k | frame) over the k that fold to k'; the blank's, over those that fold to nothing

    A letter that folds to several, such as ß to ss, becomes the first of them. The CTC likelihood of a word is then the
    sum over all texts that fold to it, except where neighbours become equal: "aA" counts as "a".

    Args:
        network: the charset of the network.
        charset: the one to read in.

    Raises:
        ValueError: if a character of either charset has no counterpart in the other.
    """

    network: Charset
    charset: Charset

    def __post_init__(self) -> None:
        outside = "".join(c for c in self.network.characters if c not in self._becomes)
        if outside:
            raise ValueError(
                f"charset {self.charset.name!r} has no character for {_shortened(outside)} of the network's; to "
                f"restrict answers to certain characters, give those as allowed (--allow){self._no_name()}"
            )
        missing = self.charset.decode(sorted({*range(self.charset.num_classes)} - {0, *self._becomes.values()}))
        if missing:
            raise ValueError(
                f"charset {self.charset.name!r}: the network does not know {_shortened(missing)}, it writes "
                f"{self.network.name!r}{self._no_name()}"
            )

    def __call__(self, log_probs: NDArray[Float]) -> NDArray[Float]:
        """Map (B, T, K) log-probabilities to (B, T, K'); the same array if both charsets have the same characters."""
        if self.charset.characters == self.network.characters:
            return log_probs
        order, starts = self._groups
        return np.logaddexp.reduceat(log_probs[:, :, order], starts, axis=2)

    def _no_name(self) -> str:
        """Say, if the charset was given by its characters, that they are not the name of one."""
        if self.charset.name in CHARSETS:
            return ""
        characters = self.charset.characters
        return f"; no charset has the name {_shortened(characters)}{known_names(characters)}"

    @cached_property
    def _becomes(self) -> dict[str, int]:
        """The class that each of the network's characters becomes."""
        return self.charset.counterparts(self.network.characters)

    @cached_property
    def _groups(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The network's classes sorted by the class that each becomes, and where each of those begins."""
        becomes = np.array([0, *self._becomes.values()])
        order = np.argsort(becomes, kind="stable")
        return order, np.searchsorted(becomes[order], np.arange(self.charset.num_classes))


def _shortened(characters: str) -> str:
    return repr(characters) if len(characters) <= 20 else f"{characters[:20]!r}..."
