"""Counts of right and wrong that add up, and the figures made of them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import editdistance


@dataclass(frozen=True)
class Counts:
    """Sums over images.

    Attributes:
        images: number of images counted.
        correct: number read exactly.
        similarity: sum of 1 - edit distance / length of the longer text.
        edits: sum of edit distances.
        characters: sum of label lengths.
        left_out: images that the protocol leaves out; they are in no other sum.
    """

    images: int = 0
    correct: int = 0
    similarity: float = 0.0
    edits: int = 0
    characters: int = 0
    left_out: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))

    @property
    def word_accuracy(self) -> float:
        """Share of images read exactly, 0 to 1."""
        return self.correct / self.images if self.images else float("nan")

    @property
    def one_minus_ned(self) -> float:
        """1 minus the normalised edit distance, averaged over images."""
        return self.similarity / self.images if self.images else float("nan")

    @property
    def cer(self) -> float:
        """Character error rate: edits per label character, over all images."""
        return self.edits / self.characters if self.characters else float("nan")


def compare(prediction: str, label: str) -> Counts:
    """Count one image; both texts are already folded by the protocol."""
    edits = int(editdistance.eval(prediction, label))
    longer = max(len(prediction), len(label))
    similarity = 1 - edits / longer if longer else 1.0
    return Counts(1, int(edits == 0), similarity, edits, len(label))
