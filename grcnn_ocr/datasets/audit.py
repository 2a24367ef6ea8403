"""Which samples a network can be trained on, and why the others cannot be used."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.datasets.words import WordSource
from grcnn_ocr.text.charset import Charset, min_frames

NUM_EXAMPLES = 5


@dataclass(frozen=True)
class Audit:
    """The result of checking every label.

    Attributes:
        usable: indices of the samples to train on, ascending.
        num_folded: usable samples whose label the charset's folding changed.
        unusable: number of samples left out, by reason.
        examples: a few of these, by reason.
    """

    usable: NDArray[np.int64]
    num_folded: int
    unusable: Counter[str]
    examples: dict[str, list[str]]

    def report(self, fate: str = "left out") -> str:
        """Describe the audit; `fate` says what happens to the unusable samples."""
        total = len(self.usable) + self.unusable.total()
        lines = [f"{len(self.usable)} of {total} samples usable, {self.num_folded} of them with a folded label"]
        for reason, count in self.unusable.most_common():
            lines.append(f"  {count} {fate}: {reason}, such as {'; '.join(self.examples[reason])}")
        return "\n".join(lines)


def audit(source: WordSource, charset: Charset, num_frames: int) -> Audit:
    """Find the usable samples.

    A label must fold into the charset, not fold to nothing, and fit: CTC needs one frame per character, and one more
    between equal neighbours.

    Raises:
        ValueError: if no sample is usable.
    """
    usable, unusable, num_folded = [], Counter[str](), 0
    examples: dict[str, list[str]] = {}
    for index in range(len(source)):
        label = source.label(index)
        folded = charset.fold(label)
        if reason := _reason(folded, charset, num_frames):
            unusable[reason] += 1
            shown = examples.setdefault(reason, [])
            if len(shown) < NUM_EXAMPLES:
                shown.append(f"{label!r} of {source.place(index)}")
        else:
            usable.append(index)
            num_folded += folded != label
    result = Audit(np.array(usable, dtype=np.int64), num_folded, unusable, examples)
    if not usable:
        raise ValueError(f"{source.path}: {result.report()}\nChange charset.characters or its folding, or the labels")
    return result


def _reason(folded: str, charset: Charset, num_frames: int) -> str | None:
    if not folded:
        return f"nothing left of the label in charset {charset.name!r}"
    if unknown := charset.unknown(folded):
        return f"{unknown[0]!r} not in charset {charset.name!r}"
    if min_frames(charset.encode(folded)) > num_frames:
        return f"label too long for {num_frames} frames"
    return None
