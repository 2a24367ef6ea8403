"""Protocols: which characters count, and which images are left out."""

from __future__ import annotations

from dataclasses import dataclass

from grcnn_ocr.registry import closest
from grcnn_ocr.text.charset import Charset


@dataclass(frozen=True)
class Protocol:
    """Folds predictions and labels before they are compared; an image whose label folds to nothing is left out.

    Args:
        name: for reports.
        charset: whose folding is used.
        drop_others: whether characters outside the charset are dropped; else they are compared too.
        only_alphanumeric: whether to leave out images whose label holds anything but ASCII letters and digits.
        min_length: images with shorter labels are left out.
        num_images: how many images of the protocol's dataset remain; None if any number may.
    """

    name: str
    charset: Charset
    drop_others: bool
    only_alphanumeric: bool = False
    min_length: int = 1
    num_images: int | None = None

    def fold(self, text: str) -> str:
        """Return the part of `text` that is compared."""
        folded = self.charset.fold(text)
        return "".join(c for c in folded if c in self.charset.characters) if self.drop_others else folded

    def keep(self, label: str) -> bool:
        """Tell whether an image with this label, as stored, counts."""
        if self.only_alphanumeric and not (label.isascii() and label.isalnum()):
            return False
        return len(label) >= self.min_length and self.fold(label) != ""

    def count_warning(self, num_images: int) -> str | None:
        """Return a warning if the number of images is not that of the protocol; else None."""
        if self.num_images is None or num_images == self.num_images:
            return None
        return (
            f"protocol {self.name} has {self.num_images} images, {num_images} are counted here: not the same data, "
            "so the figures cannot be compared with published ones"
        )


ALPHANUMERIC = Protocol("alphanumeric, case-folded", Charset.named("alnum36"), drop_others=True)
"""The literature's: letters and digits, without case."""

CASED = Protocol("alphanumeric, with case", Charset.named("alnum62", fold_case=False), drop_others=True)
"""Letters and digits with case."""


def charset_protocol(charset: Charset) -> Protocol:
    """Return the protocol that compares everything a charset can write, and counts what it cannot as wrong."""
    return Protocol(f"charset {charset.name}", charset, drop_others=False)


def _published(name: str, only_alphanumeric: bool = False, min_length: int = 1) -> Protocol:
    num_images = int(name.rpartition("-")[2])
    return Protocol(name, ALPHANUMERIC.charset, True, only_alphanumeric, min_length, num_images)


PUBLISHED = {
    protocol.name: protocol
    for protocol in (
        _published("ic03-860", only_alphanumeric=True, min_length=3),
        _published("ic03-867", only_alphanumeric=True, min_length=3),
        _published("iiit5k-3000"),
        _published("svt-647"),
        _published("ic13-857", only_alphanumeric=True, min_length=3),
        _published("ic13-1015", only_alphanumeric=True),
        _published("ic13-1095"),
    )
}
"""Published test sets; all compare letters and digits without case. The counts are those that Baek et al. (ICCV 2019,
section 2) give:

ic03-860, ic03-867   of ICDAR 2003's 1,110 test words those of 3 or more characters, all alphanumeric (Wang, Babenko and
                     Belongie, ICCV 2011). The rule is the same; the 860 lack seven boxes of the 867, so the data at
                     hand decide which of the two it is
iiit5k-3000          all test words of IIIT 5K-Words (Mishra et al., BMVC 2012)
svt-647              all test words of Street View Text (Wang and Belongie, ECCV 2010)
ic13-857             of ICDAR 2013's 1,095 test words those of 3 or more characters, all alphanumeric
ic13-1015            those that are all alphanumeric, of any length
ic13-1095            all of them; other characters than letters and digits are dropped before comparing
"""


def find_protocol(name: str, charset: Charset) -> Protocol:
    """Return a protocol by name.

    Args:
        name: "alphanumeric", "cased", "charset" or one of `PUBLISHED`.
        charset: the network's, for "charset".

    Raises:
        ValueError: on another name.
    """
    if name == "alphanumeric":
        return ALPHANUMERIC
    if name == "cased":
        return CASED
    if name == "charset":
        return charset_protocol(charset)
    if name in PUBLISHED:
        return PUBLISHED[name]
    known = ["alphanumeric", "cased", "charset", *PUBLISHED]
    raise ValueError(f"no protocol {name!r}{closest(name, known)} (known: {', '.join(known)})")
