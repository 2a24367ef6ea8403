"""Charsets: which characters a network knows, and how labels are folded to them."""

from __future__ import annotations

import difflib
import string
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

ACCENTED = "àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþāăąćčďđēėęěğģīįķĺļľłńņňőœŕřśşšťūųůűźżžșț"
"""Lower-case letters, besides those of English, the sharp s and the dotless i, of Catalan, Croatian, Czech, Danish,
Dutch, Estonian, Finnish, French, German, Hungarian, Icelandic, Italian, Latvian, Lithuanian, Norwegian, Polish,
Portuguese, Romanian, Slovak, Slovenian, Spanish, Swedish and Turkish."""

CHARSETS = {
    "digits": string.digits,
    "alnum36": string.digits + string.ascii_lowercase,
    "alnum62": string.digits + string.ascii_lowercase + string.ascii_uppercase,
    "ascii94": string.digits + string.ascii_letters + string.punctuation,
    "latin": string.digits + string.ascii_letters + string.punctuation + ACCENTED + ACCENTED.upper() + "ßıİ£€«»¿¡",
}
TRANSLITERATED = {"æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ð": "d", "\N{LATIN SMALL LETTER DOTLESS I}": "i"}
"""Latin letters that are no others with an accent."""


@dataclass(frozen=True)
class Charset:
    """An ordered set of characters; class 0 is the CTC blank, character i is class i + 1.

    A character that is in the set is never changed. One that is not is replaced, in this order, by its other
    case (`fold_case`), by its base letters without accents and strokes, as æ by ae (`fold_accents`), or by nothing if
    it is punctuation, a symbol or a space (`drop_punctuation`).

    Raises:
        ValueError: on an empty set or a repeated character.
    """

    characters: str
    name: str = "custom"
    fold_case: bool = True
    fold_accents: bool = True
    drop_punctuation: bool = True

    def __post_init__(self) -> None:
        if fault := _fault(self.characters):
            raise ValueError(f"charset {self.name!r}: {fault}; expected characters, once each")

    @classmethod
    def named(cls, characters: str, **folding: bool) -> Charset:
        """Build from a name in `CHARSETS`, or from the characters themselves.

        Raises:
            ValueError: if `characters` looks like a misspelt name, or as in `Charset`.
        """
        if characters in CHARSETS:
            return cls(CHARSETS[characters], characters, **folding)
        if difflib.get_close_matches(characters, CHARSETS, n=1, cutoff=0.75):
            raise ValueError(f"no charset {characters!r}{known_names(characters)}")
        if fault := _fault(characters):
            raise ValueError(
                f"charset {characters!r}: no such name, and as characters {fault}; expected one of "
                f"{', '.join(CHARSETS)}, or characters, once each"
            )
        return cls(characters, "custom", **folding)

    @property
    def num_classes(self) -> int:
        """Number of characters + 1 for the blank."""
        return len(self.characters) + 1

    @property
    def has_both_cases(self) -> bool:
        """Whether the set has both cases of a letter."""
        return any(char.swapcase() != char and char.swapcase() in self._classes for char in self.characters)

    @property
    def is_caseless(self) -> bool:
        """Whether both cases of a letter fold to the only one in the set."""
        return self.fold_case and not self.has_both_cases

    def as_listed(self, words: Iterable[str], match_case: bool = False) -> Charset:
        """Return the charset in which the words of a list are looked for.

        Punctuation that it lacks, such as a space, is dropped. Unless `match_case`, it has no case, no accents, and no
        punctuation marks but those that one of the words has.
        """
        if match_case:
            return replace(self, drop_punctuation=True)
        used = set("".join(words))
        plain = self.without_accents()
        kept = [char for char in plain.characters if char in used or not _is_punctuation(char)] or self.characters
        characters = "".join(dict.fromkeys(char.casefold() if len(char.casefold()) == 1 else char for char in kept))
        name = self.name if characters == self.characters else f"{self.name} without case"
        return replace(self, characters=characters, name=name, fold_case=True, drop_punctuation=True)

    def without_accents(self) -> Charset:
        """Return the charset without the letters that fold to others of the set without their accents."""
        characters = "".join(char for char in self.characters if not self._is_accented(char))
        return (
            self
            if characters == self.characters
            else replace(self, characters=characters, name=f"{self.name} without accents")
        )

    def _is_accented(self, char: str) -> bool:
        """Whether this letter folds to another of the set without its accent."""
        base = base_letter(char)
        return self.fold_accents and base != char and base in self._classes

    def fold(self, text: str) -> str:
        """Return `text`, accents composed (NFC), each character folded; what cannot be folded stays, see `unknown`."""
        return unicodedata.normalize("NFC", text).translate(self._folding)

    def forms(self, word: str) -> tuple[str, ...]:
        """Return `word` folded, and also its capitals where these are more: Straße may be written STRASSE."""
        capitals = word.upper()
        written = [word] if len(capitals) == len(word) or not self.fold_case else [word, capitals]
        return tuple(dict.fromkeys(map(self.fold, written)))

    def unknown(self, text: str) -> str:
        """Return the characters of `text`, once each, that are not in the set."""
        return "".join(dict.fromkeys(char for char in text if char not in self._classes))

    def shown(self, text: str) -> str:
        """Return `text` with a character for each that it folds to: its own, unless that folds to several."""
        each = [(char, self.fold(char)) for char in unicodedata.normalize("NFC", text)]
        return "".join(char if len(folded) == 1 else folded for char, folded in each)

    def encode(self, text: str) -> list[int]:
        """Fold `text` and return its classes.

        Raises:
            ValueError: if a character is neither in the set nor folds into it.
        """
        folded = self.fold(text)
        if unknown := self.unknown(folded):
            raise ValueError(f"{text!r}: {unknown!r} not in charset {self.name!r}")
        return [self._classes[char] for char in folded]

    def counterparts(self, characters: str) -> dict[str, int]:
        """Return the class that each character folds to: 0 where it folds to nothing, the first where to several.

        Characters that fold to none of the set are left out.
        """
        folds = {char: self.fold(char) for char in characters}
        return {char: self._classes[text[0]] if text else 0 for char, text in folds.items() if not self.unknown(text)}

    def decode(self, classes: Iterable[int]) -> str:
        """Return the text of `classes`, none of which may be the blank."""
        return "".join(self.characters[index - 1] for index in classes)

    @cached_property
    def _classes(self) -> dict[str, int]:
        return {char: index for index, char in enumerate(self.characters, start=1)}

    @cached_property
    def _folding(self) -> _Folding:
        return _Folding(self._fold_character)

    def _fold_character(self, char: str) -> str:
        if char in self.characters:
            return char
        if self.fold_case:
            for other in (char.lower(), char.upper()):
                if other in self._classes:
                    return other
            if char.casefold() in self._classes:  # such as the Greek sigma that ends a word
                return char.casefold()
        if self.fold_accents:
            base = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
            if unicodedata.normalize("NFC", base) != char:  # as Hangul and Bengali, put together again, are
                return self.fold(base)
            if (base := _base_letters(char)) != char:
                return self.fold(base)
        if self.drop_punctuation and _is_punctuation(char):
            return ""
        return char


def base_letter(char: str) -> str:
    """Return the one letter that a Latin or Greek one is without accents and strokes, such as l of ł; else `char`."""
    letters = _base_letters(char)
    return letters if len(letters) == 1 else char


@cache
def _base_letters(char: str) -> str:
    """Return what a Latin or Greek letter is without accents and strokes, such as ae of æ; else `char`."""
    if known := TRANSLITERATED.get(char.lower()):
        return known.upper() if char.isupper() else known
    name, _, accents = unicodedata.name(char, "").partition(" WITH ")
    try:
        return unicodedata.lookup(name) if accents and name.startswith(("LATIN", "GREEK")) else char
    except KeyError:
        return char


def _is_punctuation(char: str) -> bool:
    """Whether this is punctuation, a symbol or a space."""
    return unicodedata.category(char)[0] in "PSZ"


def known_names(name: str) -> str:
    """Return the end of an error about an unknown charset: the nearest name, if any, and all names."""
    near = difflib.get_close_matches(name, CHARSETS, n=1, cutoff=0.5)
    return (f"; did you mean {near[0]!r}?" if near else "") + f" (known: {', '.join(CHARSETS)})"


def _fault(characters: str) -> str | None:
    """Say why these characters do not make a charset; None if they do."""
    repeated = sorted({char for char in characters if characters.count(char) > 1})
    if repeated:
        return f"{''.join(repeated)!r} repeated"
    return None if characters else "none at all"


class _Folding(dict[int, str]):
    """A table for `str.translate` that is filled as characters occur."""

    def __init__(self, fold: Callable[[str], str]) -> None:
        self._fold = fold

    def __missing__(self, code: int) -> str:
        self[code] = self._fold(chr(code))
        return self[code]


def min_frames(classes: Sequence[int]) -> int:
    """Return the frames that CTC needs for a label: one per character, and a blank between equal neighbours."""
    return len(classes) + sum(a == b for a, b in zip(classes, classes[1:]))  # noqa: B905 (shifted on purpose)
