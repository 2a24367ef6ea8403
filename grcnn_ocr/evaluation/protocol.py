"""Protocols: which characters count, and which images are left out."""

from __future__ import annotations

from dataclasses import dataclass

from grcnn_ocr.text.charset import Charset


@dataclass(frozen=True)
class Protocol:
    """Folds predictions and labels before they are compared; an image whose label folds to nothing is left out.

    Args:
        name: for reports.
        charset: whose folding is used.
        drop_others: whether characters that the charset cannot write are dropped, or stay to be compared.
    """

    name: str
    charset: Charset
    drop_others: bool

    def fold(self, text: str) -> str:
        """Return what of `text` is compared."""
        folded = self.charset.fold(text)
        return "".join(c for c in folded if c in self.charset.characters) if self.drop_others else folded


ALPHANUMERIC = Protocol("alphanumeric, case-folded", Charset.named("alnum36"), drop_others=True)
"""The literature's: letters and digits, without case."""


def charset_protocol(charset: Charset) -> Protocol:
    """Return the protocol that compares all a network's charset can write, and counts what it cannot as wrong."""
    return Protocol(f"charset {charset.name}", charset, drop_others=False)
