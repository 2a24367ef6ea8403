"""Draw as many words of each of several word lists, so that the word engine writes several languages.

    python tools/sample_words.py --num 4000 --output words.txt /usr/share/hunspell/de_DE.dic /usr/share/hunspell/fr.dic

Half of the words of a list are drawn at random. The other half shows its rarer letters: each letter besides those of
English in turn gives a word with it, until there are enough or none is left.

With --exchange, more words of each list are drawn at random, and every third letter of these, on average, is exchanged
for one of the same base letter that is in 20 words or more of any list, such as e for ė: words of no language, from
which a network learns to see marks instead of guessing them.
"""

from __future__ import annotations

import argparse
import random
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from grcnn_ocr.datasets.synth.text import load_words
from grcnn_ocr.text.charset import base_letter

EXCHANGED = 1 / 3
"""Share of the letters."""
FREQUENT = 20
"""In words."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", nargs="+", type=Path, help="word lists or Hunspell dictionaries")
    parser.add_argument("--num", type=int, required=True, help="words of each list; of a shorter list all")
    parser.add_argument("--exchange", type=int, default=0, help="more words of each list, with letters exchanged")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True, help="a new text file, one word per line")
    arguments = parser.parse_args()
    if not arguments.output.parent.is_dir() or arguments.output.exists():
        parser.error(f"--output {arguments.output}: expected a new file in an existing folder")
    if arguments.num < 1 or arguments.exchange < 0:
        parser.error("--num must be 1 or more, --exchange 0 or more")
    rng = random.Random(arguments.seed)
    try:
        lists = [list(load_words(path)) for path in arguments.lists]
    except ValueError as error:
        parser.error(str(error))
    found = [word for words in lists for word in sample(words, arguments.num, rng)]
    if arguments.exchange:
        alike = by_base_letter(lists)
        for words in lists:
            drawn = rng.sample(words, min(arguments.exchange, len(words)))
            found += [exchange(unicodedata.normalize("NFC", word), alike, rng) for word in drawn]
    words = sorted(set(found))
    arguments.output.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    print(f"written: {arguments.output} ({len(words)} words)")


def sample(words: list[str], num: int, rng: random.Random) -> list[str]:
    """Return `num` of these words, once each and with accents composed (NFC), or all if there are not so many."""
    shuffled = [unicodedata.normalize("NFC", word) for word in rng.sample(words, len(words))]
    by_letter: dict[str, list[str]] = {}
    for word in shuffled:
        for letter in sorted(beyond_ascii(word)):
            by_letter.setdefault(letter, []).append(word)
    turns = [word for turn in zip_longest(*by_letter.values()) for word in turn if word is not None]
    rare = list(dict.fromkeys(turns))[: num // 2]
    return list(dict.fromkeys([*rare, *shuffled]))[:num]


def by_base_letter(lists: Sequence[list[str]]) -> dict[str, list[str]]:
    """Return the letters with accents that are in `FREQUENT` words or more of any list, by their base letters."""
    frequent: set[str] = set()
    for words in lists:
        counts = Counter(letter for word in words for letter in beyond_ascii(unicodedata.normalize("NFC", word)))
        frequent |= {letter for letter, count in counts.items() if count >= FREQUENT}
    alike: dict[str, list[str]] = {}
    for letter in sorted(frequent):
        alike.setdefault(base_letter(letter), []).append(letter)
    return alike


def exchange(word: str, alike: Mapping[str, list[str]], rng: random.Random) -> str:
    """Return a word with `EXCHANGED` of its letters exchanged, on average."""
    others = (alike.get(base_letter(letter)) for letter in word)
    pairs = zip(word, others, strict=True)
    return "".join(rng.choice(other) if other and rng.random() < EXCHANGED else letter for letter, other in pairs)


def beyond_ascii(word: str) -> set[str]:
    """Return the letters of a word besides those of English."""
    return {letter for letter in word if letter.isalpha() and not letter.isascii()}


if __name__ == "__main__":
    main()
