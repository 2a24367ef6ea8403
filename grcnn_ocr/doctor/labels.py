"""Checking every label: characters outside the charset, a charset that has them, crops with too few frames."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import yaml
from numpy.typing import NDArray

from grcnn_ocr.datasets.importers.records import Problem
from grcnn_ocr.doctor.words import Words
from grcnn_ocr.text.charset import CHARSETS, Charset, min_frames
from grcnn_ocr.wording import counted


def unknown_characters(labels: Sequence[str], charset: Charset) -> dict[str, int]:
    """Return the characters that neither are in the charset nor fold into it, with the number of labels with them."""
    counts = Counter(char for label in labels for char in set(label))
    return {char: count for char, count in counts.most_common() if charset.unknown(charset.fold(char))}


def propose_charset(unknown: Sequence[str], labels: Sequence[str], charset: Charset) -> str | None:
    """Return the `--set` argument, quoted for a shell, of a charset that writes all labels; None if `charset` does.

    It is the smallest named charset that does; else the named one, or `charset` itself, that lacks the fewest
    characters, with these added.

    Args:
        unknown: the characters that `charset` cannot write.
        labels: all of them.
        charset: whose folding is kept.
    """
    if not unknown:
        return None
    found = set().union(*labels)
    named = [replace(charset, characters=characters, name=name) for name, characters in CHARSETS.items()]
    missing = {known: "".join(sorted(c for c in found if known.unknown(known.fold(c)))) for known in [*named, charset]}
    best = min(missing, key=lambda known: (len(missing[known]), len(known.characters)))
    if not missing[best]:
        return f"--set charset.characters={best.name}"
    characters = best.characters + missing[best]
    value = yaml.safe_dump(characters, default_style='"', allow_unicode=True, width=float("inf")).strip()
    return "--set " + shlex.quote(f"charset.characters={value}")


def too_narrow(
    words: Words, usable: NDArray[np.int64], charset: Charset, num_frames: Callable[[int], int]
) -> Iterator[Problem]:
    """Yield the usable samples whose crop has fewer frames than CTC needs for the label.

    Padding gives no frames, as in training.

    Args:
        words: the data.
        usable: indices of the samples to check; those with an unreadable image are skipped.
        charset: encodes labels.
        num_frames: T of the network for a width.
    """
    widths = words.images.measures["resized_width"]
    usable = usable[words.images.is_sound[usable]]
    frames = {width: num_frames(width) for width in np.unique(widths[usable]).tolist()}
    for index in usable.tolist():
        label, width = words.labels[index] or "", int(widths[index])
        needed = min_frames(charset.encode(label))
        if needed > frames[width]:
            detail = f"{label!r} needs {counted(needed, 'frame')}, its {width} pixels give {frames[width]}"
            yield Problem("crop too narrow", words.source.place(index), detail)
