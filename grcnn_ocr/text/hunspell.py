"""Hunspell dictionaries as word lists: the stems of a .dic file, or every form that its .aff file makes of them.

A line of the .dic is `stem/FLAGS`; a rule of the .aff, `SFX V e ive e`, makes `ive` of the ending `e` of stems that
have flag V and match the condition `e$`. A stem takes each suffix, each prefix, and both together where both allow it
(cross product); a suffix may carry flags of further suffixes. Compounds are not made.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

EXPANDED = ":expanded"
"""Follows the path of a dictionary to ask for all forms of its stems."""
HIDDEN = ("NEEDAFFIX", "PSEUDOROOT", "ONLYINCOMPOUND", "FORBIDDENWORD")
"""Options whose flag marks stems that are not words by themselves."""


@dataclass(frozen=True)
class Rule:
    """One affix.

    Attributes:
        is_prefix: whether it is a prefix, else a suffix.
        crosses: whether it combines with an affix at the other end.
        strip: what is removed from the stem.
        affix: what replaces it.
        condition: matches the stems that it applies to.
        flags: of further affixes.
    """

    is_prefix: bool
    crosses: bool
    strip: str
    affix: str
    condition: re.Pattern[str]
    flags: tuple[str, ...]

    def applied(self, stem: str) -> str | None:
        """Return the form, or None if the rule does not apply."""
        if not self.condition.search(stem):
            return None
        if self.is_prefix:
            return self.affix + stem[len(self.strip) :] if stem.startswith(self.strip) else None
        return stem[: len(stem) - len(self.strip)] + self.affix if stem.endswith(self.strip) else None


def dictionary_words(path: Path) -> list[str] | None:
    """Read the stems of `NAME.dic`, or every form for `NAME.dic:expanded`; return None for a file of another kind.

    Raises:
        ValueError: if the dictionary is gzipped, or as in `read_hunspell`.
    """
    name, expanded, rest = str(path).partition(EXPANDED)
    if expanded and not rest and not path.exists():
        return read_hunspell(Path(name), expand=True)
    if path.suffixes[-2:] == [".dic", ".gz"]:
        raise ValueError(f"{path} is a gzipped Hunspell dictionary: unpack it, with its .aff file beside it")
    return read_hunspell(path) if path.suffix == ".dic" else None


def read_hunspell(path: Path, expand: bool = False) -> list[str]:
    """Read the words of a .dic file, once each, in its order.

    Args:
        path: the dictionary; its .aff file, of the same name, must lie beside it.
        expand: whether to make every form, or to list only the stems.

    Raises:
        ValueError: if a file is missing, not in its encoding, or a rule is malformed, naming file and line.
    """
    affixes = _Affixes(path.with_suffix(".aff"))
    words: dict[str, None] = {}
    for number, line in enumerate(_lines(path), start=1):
        entry = re.split(rb"\t|\s+(?=[a-z]{2}:)", line, maxsplit=1)[0].strip()  # morphology follows
        if number == 1 and entry.split(b" ")[0].isdigit() or not entry or line.startswith((b"#", b"/")):  # noqa: RUF021
            continue
        place = f"{path}:{number}"
        begin, *rest = re.split(rb"(?<!\\)/", entry, maxsplit=1)
        stem = affixes.text(begin, place).replace("\\/", "/")
        flags = affixes.flags(rest[0], place) if rest else ()
        hidden = affixes.hidden.intersection(flags)
        if "FORBIDDENWORD" in {affixes.hidden_names[flag] for flag in hidden}:
            continue
        if not hidden:
            words[stem] = None
        if expand:
            words.update(dict.fromkeys(affixes.forms(stem, flags)))
    return list(words)


class _Affixes:
    """The rules of an .aff file, by flag."""

    def __init__(self, path: Path) -> None:
        lines = _lines(path)
        options = dict(line.split()[:2] for line in lines if re.match(rb"(SET|FLAG)\s+\S", line))
        self.encoding = options.get(b"SET", b"iso-8859-1").decode("ascii", "replace")
        self.flag_type = options.get(b"FLAG", b"char").decode("ascii", "replace").lower()
        self.aliases: list[bytes] = []
        self.hidden_names: dict[str, str] = {}
        self.rules: dict[str, list[Rule]] = {}
        crosses: dict[tuple[bytes, bytes], bool] = {}
        for number, line in enumerate(lines, start=1):
            place = f"{path}:{number}"
            kind, *values = line.split() or [b""]
            if kind == b"AF" and values:
                self.aliases.append(values[0])
            elif kind.decode("ascii", "replace") in HIDDEN and values:
                self.hidden_names[self._split(values[0])[0]] = kind.decode("ascii")
            elif kind in (b"PFX", b"SFX"):
                is_new = (kind, *values[:1]) not in crosses
                if len(values) < 3 or is_new and not (values[1] in (b"Y", b"N") and values[2][:1].isdigit()):  # noqa: RUF021
                    expected = "FLAG Y|N NUMBER" if is_new else "FLAG STRIP AFFIX CONDITION"
                    found = line.strip().decode("utf-8", "replace")
                    raise ValueError(f"{place}: expected {kind.decode()} {expected}, found {found!r}")
                if is_new:  # a comment may follow
                    crosses[kind, values[0]] = values[1] == b"Y"
                else:
                    self._add(kind == b"PFX", crosses[kind, values[0]], values, place)
        self.hidden = frozenset(self.hidden_names)

    def _add(self, is_prefix: bool, crosses: bool, values: list[bytes], place: str) -> None:
        added, *further = values[2].split(b"/", maxsplit=1)
        strip, affix = ("" if field == b"0" else self.text(field, place) for field in (values[1], added))
        condition = self.text(values[3], place) if len(values) > 3 else "."
        condition = re.sub(r"[-\\(){}+*?|$]", r"\\\g<0>", condition)  # only dots and sets have a meaning
        try:
            pattern = re.compile("" if condition == "." else f"^{condition}" if is_prefix else f"{condition}$")
        except re.error as error:
            raise ValueError(f"{place}: condition {condition!r}: {error}") from None
        flags = self.flags(further[0], place) if further else ()
        rule = Rule(is_prefix, crosses, strip, affix, pattern, flags)
        self.rules.setdefault(self._split(values[0])[0], []).append(rule)

    def text(self, field: bytes, place: str) -> str:
        """Decode a part of a word."""
        try:
            return field.decode(self.encoding)
        except (UnicodeDecodeError, LookupError) as error:
            reason = f"cannot be read as {self.encoding}, the encoding of its .aff file"
            raise ValueError(f"{place} {reason}: {error}") from None

    def flags(self, field: bytes, place: str) -> tuple[str, ...]:
        """Return the flags of a word."""
        if self.aliases and field.isdigit():
            if not 1 <= int(field) < len(self.aliases):
                raise ValueError(f"{place}: no line {int(field)} of flags (AF) in the .aff file")
            field = self.aliases[int(field)]  # the first AF line holds their number
        return self._split(field)

    def _split(self, field: bytes) -> tuple[str, ...]:
        """Split flags: bytes, pairs of bytes, numbers with commas, or characters of UTF-8."""
        if self.flag_type == "utf-8":
            return tuple(field.decode("utf-8", "replace"))
        text = field.decode("iso-8859-1")
        if self.flag_type == "num":
            return tuple(text.split(","))
        if self.flag_type == "long":
            return tuple(text[i : i + 2] for i in range(0, len(text), 2))
        return tuple(text)

    def forms(self, stem: str, flags: tuple[str, ...]) -> Iterator[str]:
        """Make every form of a stem except the stem itself."""
        rules = [rule for flag in flags for rule in self.rules.get(flag, ())]
        prefixes = [rule for rule in rules if rule.is_prefix]
        for prefix in prefixes:
            if form := prefix.applied(stem):
                yield form
        for suffix in rules:
            if suffix.is_prefix or not (form := suffix.applied(stem)):
                continue
            ways = [(form, suffix.crosses)]
            for flag in suffix.flags:
                ways += [
                    (longer, further.crosses)
                    for further in self.rules.get(flag, ())
                    if not further.is_prefix and (longer := further.applied(form))
                ]
            for made, crosses in ways:
                yield made
                if crosses:
                    yield from (both for prefix in prefixes if prefix.crosses and (both := prefix.applied(made)))


def _lines(path: Path) -> list[bytes]:
    """Return the lines of a file, whose flags and comments need not be in the encoding of its words."""
    try:
        return path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    except OSError as error:
        raise ValueError(f"no {path} ({error.strerror}): a Hunspell dictionary is a .dic and an .aff file") from None
