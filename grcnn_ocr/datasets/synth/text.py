"""The texts that the engine draws: dictionary words in several cases, numbers, prices, dates, codes and more."""

from __future__ import annotations

import random
import string
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from grcnn_ocr.config import TextMix
from grcnn_ocr.text.charset import Charset, min_frames
from grcnn_ocr.text.frequencies import read_frequencies

SYSTEM_WORD_LISTS = (Path("/usr/share/dict/words"), Path("/usr/share/dict/american-english"))
BUNDLED_WORDS = Path(__file__).parent / "words.txt"
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec January February March April June July August".split()
CURRENCIES = "$£€"
MARKS_AFTER = ". . , , ! ! ? : ; !! !!! ... … ' ’ \" ” ) - * ®".split()
MARKS_BEFORE = "' ‘ \" “ ( @ # + - & • * $ ... /".split()
MARKS_AROUND = "\"\" “” '' ‘’ () [] -- **".split()
MARKS_AROUND_ABROAD = "«» »« ¿? ¡!".split()
"""Written only in charsets that have them."""
MARKS_INSIDE = "-'’./&:_+"
STRAIGHT = str.maketrans("‘’“”", "''\"\"")
"""Curly quotes are straight in a label: at the size of a crop they look alike."""
WEB_ENDINGS = [".com", ".com", ".com", ".org", ".net", ".co.uk", ".de", ".fr", ".in", ".info", ".eu", ".tv"]
RUNNING_TEXT = {1: 2, 2: 11, 3: 18, 4: 18, 5: 14, 6: 11, 7: 9, 8: 6, 9: 4, 10: 3, 11: 2, 12: 2}
"""Weights of the lengths of words, in characters, in running English text; the last one is for all longer words."""
MAX_DRAWS = 1000
"""Number of texts to try, until one has a usable label."""

Kind = Callable[[random.Random], str]
"""Draws a text of one kind."""

CASES: dict[str, Callable[[str, random.Random], str]] = {
    "upper": lambda word, rng: word.upper(),
    "title": lambda word, rng: word[:1].upper() + word[1:].lower(),
    "lower": lambda word, rng: word.lower(),
    "mixed": lambda word, rng: "".join(rng.choice((c.upper(), c.lower())) for c in word),
}


class Vocabulary:
    """Words to draw from.

    Args:
        counts: how often each word occurs, in proportion to which it is drawn.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._words = list(counts)
        self._sums = list(accumulate(counts.values())) if len(set(counts.values())) > 1 else None

    def draw(self, rng: random.Random) -> str:
        """Return a word."""
        return rng.choice(self._words) if self._sums is None else rng.choices(self._words, cum_weights=self._sums)[0]


class TextSampler:
    """Draws random texts with their labels.

    Args:
        words: the dictionary, or how often each of its words occurs; words without a usable label are left out.
        charset: a label is the text folded by it. A label is usable if it is not empty, has only characters of the
            charset, and respects the two limits below; a text without one is drawn again.
        mix: how often each kind of text and each case is drawn.
        max_length: of a label, in characters.
        max_frames: largest number of frames that CTC may need for a label; None: no limit.

    Raises:
        ValueError: if nothing can be written in the charset.
    """

    def __init__(
        self,
        words: Sequence[str] | Mapping[str, int],
        charset: Charset,
        mix: TextMix = TextMix(),  # noqa: B008 (frozen)
        max_length: int = 23,
        max_frames: int | None = None,
    ) -> None:
        self.charset = charset
        self.mix = mix
        self.max_length = max_length
        self.max_frames = max_frames
        self._marks_around = [*MARKS_AROUND, *(pair for pair in MARKS_AROUND_ABROAD if not charset.unknown(pair))]
        counts = words if isinstance(words, Mapping) else dict.fromkeys(words, 1)
        self.counts = {word: count for word, count in counts.items() if self._label(word)}
        self._words = Vocabulary(self.counts)
        by_length: dict[int, dict[str, int]] = {}
        for word, count in self.counts.items():
            by_length.setdefault(min(len(word), max(RUNNING_TEXT)), {})[word] = count
        self._by_length = [Vocabulary(found) for found in by_length.values()]
        self._length_weights = [RUNNING_TEXT[length] for length in by_length]
        of_words = {
            self._word: mix.words, self._name: mix.names, self._web: mix.web, self._compound: mix.compounds,
        }  # fmt: skip
        others = {
            _number: mix.numbers, _price: mix.prices, _date: mix.dates, _phone: mix.phones, _code: mix.codes,
            _initials: mix.initials,
        }  # fmt: skip
        weights: dict[Kind, float] = {**(of_words if self.counts else {}), **others}
        self._kinds, self._weights = list(weights), list(weights.values())
        writes_ascii = any(character in string.ascii_letters + string.digits for character in charset.characters)
        if not any(self._weights) or not (self.counts or writes_ascii):
            raise ValueError(f"none of {len(words)} words can be written in charset {charset.name!r}; give others")

    def draw(self, rng: random.Random) -> tuple[str, str]:
        """Return a text to draw and its label.

        Raises:
            ValueError: if none of `MAX_DRAWS` texts has a usable label.
        """
        for _ in range(MAX_DRAWS):
            text = unicodedata.normalize("NFC", rng.choices(self._kinds, self._weights)[0](rng))
            if label := self._label(text):
                return text, label
        name = self.charset.name
        raise ValueError(f"none of {MAX_DRAWS} texts has a label in charset {name!r}: give more weight to words")

    def _label(self, text: str) -> str:
        """Return the label of a text; empty if it has no usable one."""
        label = self.charset.fold(text.translate(STRAIGHT))
        if self.charset.unknown(label) or len(label) > self.max_length:
            return ""
        if self.max_frames is not None and min_frames(self.charset.encode(label)) > self.max_frames:
            return ""
        return label

    def _word(self, rng: random.Random) -> str:
        mix = self.mix
        case = rng.choices(list(CASES), [mix.upper, mix.title, mix.lower, mix.mixed])[0]
        words = self._words
        if rng.random() < mix.short:
            words = rng.choices(self._by_length, self._length_weights)[0]
        word = CASES[case](words.draw(rng), rng)
        return self._punctuated(word, rng) if rng.random() < mix.punctuation else word

    def _punctuated(self, word: str, rng: random.Random) -> str:
        place = rng.random()
        if place < 0.55:
            return word + rng.choice(MARKS_AFTER)
        if place < 0.7:
            return rng.choice(MARKS_BEFORE) + word
        if place < 0.9:
            marks = rng.choice(self._marks_around)
            return marks[0] + word + marks[1]
        position = rng.randint(0, len(word))
        return word[:position] + rng.choice(MARKS_INSIDE) + word[position:]

    def _name(self, rng: random.Random) -> str:
        """Return a name as on doors and shops: O'NEIL, McDonald, J.Smith, Joe's."""
        name = self._words.draw(rng).title()
        prefix = rng.choices(
            ("", "Mc", "Mac", "O'", "De", "La", rng.choice(string.ascii_uppercase) + "."), (8, 2, 1, 2, 1, 1, 3)
        )
        name = prefix[0] + name + rng.choices(("", "'s", "s", "'S"), (6, 4, 1, 1))[0]
        return name.upper() if rng.random() < 0.4 else name

    def _web(self, rng: random.Random) -> str:
        """Return a web or email address."""
        words = (min(self._words.draw(rng), self._words.draw(rng), key=len) for _ in range(rng.choice((1, 1, 2))))
        host = "".join(character for word in words for character in word if character.isalnum()) or "shop"
        host = rng.choices((str.lower, str.title, str.upper), (6, 2, 1))[0](host)
        before = rng.choices(("www.", "", "@", "http://", self._words.draw(rng).lower() + "@"), (8, 3, 1, 1, 1))[0]
        address = before + host + rng.choice(WEB_ENDINGS)
        return address.upper() if rng.random() < 0.1 else address

    def _compound(self, rng: random.Random) -> str:
        """Return two short words joined, as in web addresses and company names, or a word and a number."""
        short = min((self._words.draw(rng) for _ in range(4)), key=len)
        other = rng.choice((str(rng.randint(1, 99)), min((self._words.draw(rng) for _ in range(4)), key=len)))
        return rng.choice((str.upper, str.lower, str.title))(short + rng.choice(("", "", "-", ".", "&")) + other)


def _number(rng: random.Random) -> str:
    digits = rng.choices((1, 2, 3, 4, 5, 6, 8), (4, 6, 6, 6, 2, 2, 1))[0]
    number = "".join(rng.choice(string.digits) for _ in range(digits))
    if rng.random() < 0.15:  # repeats, such as 00 and 1111
        number = number[0] * digits
    return number + rng.choices(("", "%", "th", "st", "kg", "km", "m", "am", "pm"), (20, 1, 1, 1, 1, 1, 1, 1, 1))[0]


def _price(rng: random.Random) -> str:
    cents = rng.choice(("99", "95", "50", "00", f"{rng.randint(0, 99):02d}"))
    amount = rng.choice((f"{rng.randint(0, 99)}.{cents}", f"{rng.randint(1, 999)}", f"{rng.randint(1, 9)},{cents}0"))
    return rng.choice(CURRENCIES) + amount if rng.random() < 0.8 else amount + rng.choice("€p")


def _date(rng: random.Random) -> str:
    day, month, year = rng.randint(1, 31), rng.randint(1, 12), rng.randint(1900, 2035)
    return rng.choice(
        (f"{day:02d}/{month:02d}/{year % 100:02d}", f"{day}.{month}.{year}", f"{year}", f"{year}-{month:02d}",
         f"{day}{rng.choice(MONTHS)}", f"{rng.choice(MONTHS)}{year}", f"{day:02d}:{month:02d}")
    )  # fmt: skip


def _phone(rng: random.Random) -> str:
    groups = [rng.randint(2, 4) for _ in range(rng.randint(2, 3))]
    return rng.choice(("-", ".", "")).join("".join(rng.choice(string.digits) for _ in range(n)) for n in groups)


def _code(rng: random.Random) -> str:
    """Return a text as on number plates, or a random string of letters and digits."""
    if rng.random() < 0.5:
        letters = "".join(rng.choice(string.ascii_uppercase) for _ in range(rng.randint(1, 3)))
        digits = "".join(rng.choice(string.digits) for _ in range(rng.randint(1, 4)))
        parts = [letters, digits, rng.choice(("", rng.choice(string.ascii_uppercase) * rng.randint(1, 2)))]
        return rng.choice(("", "", "-")).join(part for part in parts if part)
    length = rng.choices(range(1, 11), (2, 4, 5, 5, 4, 3, 2, 2, 1, 1))[0]
    alphabet = rng.choice((string.ascii_uppercase + string.digits, string.ascii_letters + string.digits))
    return "".join(rng.choice(alphabet) for _ in range(length))


def _initials(rng: random.Random) -> str:
    length = rng.choice((1, 2, 2, 3, 3, 4))
    letters = [rng.choice(string.ascii_uppercase) for _ in range(length)]
    return rng.choice(("", "", ".", "&" if length == 2 else "")).join(letters)


def load_words(path: Path | None = None) -> dict[str, int]:
    """Read words and how often each occurs; without a path, those of the system's word list, or else the bundled one.

    Args:
        path: one word or `word<TAB>count` per line in UTF-8, gzipped or not, or a Hunspell dictionary, see
            `dictionary_words`. A word may have spaces in it, as number plates have; on several lines, it has the
            largest of their counts.

    Raises:
        ValueError: if the file cannot be read or holds no words, or as in `read_frequencies`.
    """
    found = path or next((known for known in SYSTEM_WORD_LISTS if known.is_file()), BUNDLED_WORDS)
    drops_possessives = path is None  # the system's list has one for each noun
    counts: dict[str, int] = {}
    try:
        for word, count in read_frequencies(found):
            if not (drops_possessives and word.endswith("'s")):
                counts[word] = max(count, counts.get(word, 0))
    except OSError as error:
        raise ValueError(f"cannot read the words in {found}: {error}; give a UTF-8 file, one word per line") from None
    if not counts:
        raise ValueError(f"{found} holds no words; give a UTF-8 file, one word per line")
    return dict(sorted(counts.items()))
