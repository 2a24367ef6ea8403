"""What messages share."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 word", "2 words" or "2 wrong words"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
