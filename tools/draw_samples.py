"""Draw the crops in data/samples with the word engine, and a list of 50 words for each.

    rm -r data/samples && python tools/draw_samples.py --output data/samples

The words are those bundled with the package, and the fonts this machine's. No photos are used, so that the crops are
our own work.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from grcnn_ocr.config import EngineConfig, TextMix
from grcnn_ocr.datasets.synth.engine import build_engine
from grcnn_ocr.datasets.synth.text import BUNDLED_WORDS, load_words
from grcnn_ocr.datasets.synth.write import write
from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.text.charset import Charset

MIX = TextMix(numbers=0.1, names=0, web=0, prices=0, dates=0, phones=0, codes=0, initials=0, compounds=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("data/samples"))
    parser.add_argument("--num", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2027)
    arguments = parser.parse_args()

    charset = Charset.named("alnum36")
    settings = EngineConfig(
        words=str(BUNDLED_WORDS), backgrounds=(), color=True, max_length=12, seed=arguments.seed, mix=MIX
    )
    engine, passed_over = build_engine(settings, charset)
    print(passed_over.report(engine))
    write(engine, arguments.num, arguments.output, quality=80)

    source, rng = open_words(arguments.output / "labels.tsv"), random.Random(arguments.seed)
    words = [word for word in load_words(BUNDLED_WORDS) if len(word) > 2]
    lists = []
    for index in range(len(source)):
        label = source.label(index)
        others = rng.sample([word for word in words if word != label], 49)
        lists.append(",".join(rng.sample([label, *others], 50)) + "\n")
    (arguments.output / "lexicon_50.txt").write_text("".join(lists), encoding="utf-8")


if __name__ == "__main__":
    main()
