"""Wording that messages share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 word", "2 words" or "2 wrong words"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def first_of(items: Sequence[object], shown: int) -> Iterator[str]:
    """Yield the first `shown` items as text, and then how many more there are, if any."""
    yield from map(str, items[:shown])
    if len(items) > shown:
        yield f"... and {len(items) - shown} more"
