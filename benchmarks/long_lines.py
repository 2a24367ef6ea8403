"""Does a network trained on words of up to 23 characters read lines of 60?

    python benchmarks/long_lines.py

Draws lines of 50 to 60 characters (words joined without a space, which the charset does not have) and single words with
the word engine, both level and with mild effects, and prints the character error rate of each.
"""

from __future__ import annotations

import argparse
import random

from heading import print_heading

from grcnn_ocr.config import EngineConfig, Look
from grcnn_ocr.datasets.synth import render as rendering
from grcnn_ocr.datasets.synth.engine import WordEngine, build_engine
from grcnn_ocr.evaluation.metrics import Counts, compare
from grcnn_ocr.pixels import Pixels, to_grayscale
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.text.charset import Charset

MILD = Look(
    rotate=0, shear=0, perspective=0, curve=0, neighbour=0, beside=0, frame=0, strike=0, motion=0, low_resolution=0,
    height=(24, 48), stretch=(0.9, 1.1), contrast=(60, 200),
)  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights")
    parser.add_argument("--num", type=int, default=300)
    arguments = parser.parse_args()
    recognizer = Recognizer(arguments.weights, second_look=False)
    engine, _ = build_engine(EngineConfig(look=MILD), Charset.named("alnum36"))
    rendering.MAX_WIDTH = 4000  # the engine draws long words smaller; a line keeps its height
    print_heading("Lines longer than all training words", f"weights {arguments.weights or 'released'}")
    print("| text | images | CER | 1-NED |\n|---|---|---|---|")
    for name, low, high in (("words of 3 to 12", 3, 12), ("lines of 50 to 60", 50, 60)):
        counts = Counts()
        for index in range(arguments.num):
            text = draw_text(engine, low, high, random.Random(index))
            image = draw(engine, text, random.Random(index))
            counts += compare(recognizer.read(image).text, text)
        print(f"| {name} characters | {counts.images} | {100 * counts.cer:.1f} | {100 * counts.one_minus_ned:.1f} |")


def draw_text(engine: WordEngine, low: int, high: int, rng: random.Random) -> str:
    """Return joined dictionary words, of `low` to `high` characters in total."""
    while True:
        words = [
            rng.choice(engine.sampler.words) for _ in range(rng.choice((1, 2)) if high < 20 else rng.randint(4, 9))
        ]
        text = engine.sampler.charset.fold("".join(words))
        if low <= len(text) <= high and not engine.sampler.charset.unknown(text):
            return text


def draw(engine: WordEngine, text: str, rng: random.Random) -> Pixels:
    """Draw a text in a random font."""
    photos = list(engine.photos.values())
    return to_grayscale(rendering.render(text, rng.choice(engine.fonts), "", photos, engine.look, False, rng))


if __name__ == "__main__":
    main()
