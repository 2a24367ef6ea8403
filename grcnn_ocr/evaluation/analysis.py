"""Error analysis: pure functions of readings and their labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import editdistance

from grcnn_ocr.evaluation.words import Example

LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15)
"""Least label length of each bin, in characters."""
HEIGHTS = (1, 12, 16, 24, 32, 48, 64, 96, 128, 192)
"""Least crop height of each bin, in pixels."""


@dataclass(frozen=True)
class Judged:
    """A reading compared under a protocol.

    Attributes:
        example: as read.
        label: folded.
        text: the reading, folded.
        edits: edit distance between the two.
    """

    example: Example
    label: str
    text: str
    edits: int

    @property
    def right(self) -> bool:
        """Whether the reading is the label."""
        return self.edits == 0


def judge(examples: Sequence[Example], fold: Callable[[str], str]) -> list[Judged]:
    """Fold readings and labels as a protocol does, and compare them."""
    folded = [(example, fold(example.label), fold(example.text)) for example in examples]
    return [Judged(example, label, text, int(editdistance.eval(label, text))) for example, label, text in folded]


def worst(judged: Sequence[Judged]) -> list[Judged]:
    """Return the wrong readings, the most confident first (to the percent), then those with the most edits."""
    wrong = [reading for reading in judged if not reading.right]
    return sorted(
        wrong, key=lambda reading: (-round(100 * reading.example.confidence), -reading.edits, reading.example.index)
    )


def wilson_interval(correct: int, images: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share, 0 to 1; without images it is (0, 1).

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if images == 0:
        return 0.0, 1.0
    z = 1.959964
    share = correct / images
    centre = share + z * z / (2 * images)
    spread = z * math.sqrt(share * (1 - share) / images + z * z / (4 * images * images))
    scale = 1 + z * z / images
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return max(min(low, share), 0.0), min(max(high, share), 1.0)  # rounding must not exclude the share


def align(label: str, text: str) -> list[tuple[str, str]]:
    """Align the characters of two texts with the fewest edits.

    Returns:
        Pairs in order: (a, a) unchanged, (a, b) substituted, (a, "") deleted, ("", b) inserted. Of several
        alignments, the one with its edits closest to the start.
    """
    costs = [list(range(len(text) + 1))]
    for row, character in enumerate(label, start=1):
        costs.append([row])
        for column, other in enumerate(text, start=1):
            same = costs[row - 1][column - 1] + (character != other)
            costs[row].append(min(same, costs[row - 1][column] + 1, costs[row][column - 1] + 1))
    pairs = []
    row, column = len(label), len(text)
    while row or column:
        cost = costs[row][column]
        if row and column and cost == costs[row - 1][column - 1] + (label[row - 1] != text[column - 1]):
            row, column = row - 1, column - 1
            pairs.append((label[row], text[column]))
        elif row and cost == costs[row - 1][column] + 1:
            row -= 1
            pairs.append((label[row], ""))
        else:
            column -= 1
            pairs.append(("", text[column]))
    return pairs[::-1]


@dataclass(frozen=True)
class Confusion:
    """A kind of edit, and how often it occurs.

    Attributes:
        label: the character of the label; empty for an insertion.
        text: the character of the reading; empty for a deletion.
        count: number of such edits.
        example: the first reading among those with this edit and the fewest edits in all.
    """

    label: str
    text: str
    count: int
    example: Judged

    @property
    def kind(self) -> str:
        """Return "substitution", "deletion" or "insertion"."""
        if not self.text:
            return "deletion"
        return "substitution" if self.label else "insertion"


def confusions(judged: Sequence[Judged]) -> list[Confusion]:
    """Count the edits between labels and readings, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    clearest: dict[tuple[str, str], Judged] = {}
    for reading in judged:
        if reading.right:
            continue
        for pair in align(reading.label, reading.text):
            if pair[0] != pair[1]:
                counts[pair] = counts.get(pair, 0) + 1
                if pair not in clearest or reading.edits < clearest[pair].edits:
                    clearest[pair] = reading
    return [
        Confusion(*pair, counts[pair], clearest[pair])
        for pair in sorted(counts, key=lambda pair: (-counts[pair], pair))
    ]


@dataclass(frozen=True)
class Bin:
    """Images of similar size.

    Attributes:
        low: the least size in the bin.
        high: the greatest; None if it has no upper end.
        images: number of images.
        correct: number of images read right.
    """

    low: int
    high: int | None
    images: int
    correct: int

    @property
    def name(self) -> str:
        """Return, for example, "3", "10 to 11" or "from 15"."""
        if self.high is None:
            return f"from {self.low}"
        return f"{self.low}" if self.low == self.high else f"{self.low} to {self.high}"

    @property
    def accuracy(self) -> float:
        """Share of images read right, 0 to 1."""
        return self.correct / self.images


def by_length(judged: Sequence[Judged]) -> list[Bin]:
    """Return the bins of the labels' lengths, after folding, that hold images."""
    return _binned(judged, LENGTHS, lambda reading: len(reading.label))


def by_height(judged: Sequence[Judged]) -> list[Bin]:
    """Return the bins of the crops' heights that hold images."""
    return _binned(judged, HEIGHTS, lambda reading: reading.example.height)


def _binned(judged: Sequence[Judged], starts: Sequence[int], size: Callable[[Judged], int]) -> list[Bin]:
    bins = []
    for low, following in zip(starts, [*starts[1:], None], strict=True):
        inside = [r.right for r in judged if size(r) >= low and (following is None or size(r) < following)]
        if inside:
            bins.append(Bin(low, None if following is None else following - 1, len(inside), sum(inside)))
    return bins
