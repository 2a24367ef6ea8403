"""Draw as many words of each of several word lists, so that the word engine writes several languages.

    python tools/sample_words.py --num 4000 --output words.txt /usr/share/hunspell/de_DE.dic /usr/share/hunspell/fr.dic

Half of the words of a list are drawn at random. The other half shows its rarer letters: each letter besides those of
English in turn gives a word with it, until there are enough or none is left.
"""

from __future__ import annotations

import argparse
import random
import unicodedata
from itertools import zip_longest
from pathlib import Path

from grcnn_ocr.datasets.synth.text import load_words


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", nargs="+", type=Path, help="word lists or Hunspell dictionaries")
    parser.add_argument("--num", type=int, required=True, help="words of each list; of a shorter list all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True, help="a new text file, one word per line")
    arguments = parser.parse_args()
    if not arguments.output.parent.is_dir() or arguments.output.exists():
        parser.error(f"--output {arguments.output}: expected a new file in an existing folder")
    if arguments.num < 1:
        parser.error("--num must be 1 or more")
    rng = random.Random(arguments.seed)
    try:
        found = [word for path in arguments.lists for word in sample(load_words(path), arguments.num, rng)]
    except ValueError as error:
        parser.error(str(error))
    words = sorted(set(found))
    arguments.output.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    print(f"written: {arguments.output} ({len(words)} words)")


def sample(words: list[str], num: int, rng: random.Random) -> list[str]:
    """Return `num` of these words, once each and with accents composed (NFC), or all if there are not so many."""
    shuffled = [unicodedata.normalize("NFC", word) for word in rng.sample(words, len(words))]
    by_letter: dict[str, list[str]] = {}
    for word in shuffled:
        for letter in sorted(set(word)):
            if letter.isalpha() and not letter.isascii():
                by_letter.setdefault(letter, []).append(word)
    turns = [word for turn in zip_longest(*by_letter.values()) for word in turn if word is not None]
    rare = list(dict.fromkeys(turns))[: num // 2]
    return list(dict.fromkeys([*rare, *shuffled]))[:num]


if __name__ == "__main__":
    main()
