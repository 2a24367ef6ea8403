"""How much does fine-tuning on a hundred, five hundred or two thousand words of one's own improve the released weights?

    python benchmarks/fine_tuning.py --data ../shared/data

Fine-tunes on the first 100, 500 and 2,000 of the shuffled IIIT5K training words, which make up half of each batch; the
other half is drawn by the word engine. The last averaged weights are evaluated lexicon-free. The held-out words are the
last 500 in the shuffled order (the run on 2,000 trains on them too). Steps and learning rate were not tuned.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from heading import print_heading

from grcnn_ocr.config import ENGINE, load_config
from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.evaluation.words import evaluate_words
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.releases import DEFAULT
from grcnn_ocr.training.trainer import Trainer
from grcnn_ocr.weights import find_weights, load_weights

STEPS = {100: 300, 500: 600, 2000: 1200}
"""Number of steps of 64 words, by the number of words of one's own."""
NUM_HELD_OUT = 500


def main() -> None:
    """Train and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of ic03/ and iiit5k/")
    parser.add_argument("--init", default=DEFAULT)
    parser.add_argument("--words", type=int, action="append", help=f"[default: {', '.join(map(str, STEPS))}]")
    parser.add_argument("--held-out-only", action="store_true", help="do not look at the test data")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    arguments = parser.parse_args()
    folder = arguments.data.resolve() / "iiit5k"
    lines = (folder / "train.txt").read_text(encoding="utf-8").splitlines()
    random.Random(0).shuffle(lines)
    print_heading("Fine-tuning on words of one's own, word accuracy")
    print("| words | minutes | 500 held out | IIIT5K test | IC03 |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        held_out = write(Path(temporary) / "held_out.tsv", lines[-NUM_HELD_OUT:], folder)
        tests = [] if arguments.held_out_only else [folder / "test.txt", arguments.data / "ic03" / "gt.txt"]
        row(0, 0.0, accuracies(find_weights(arguments.init), [held_out, *tests]))
        trained = load_weights(find_weights(arguments.init)).config
        for count in arguments.words or STEPS:
            train = write(Path(temporary) / f"{count}.tsv", lines[:count], folder)
            settings = [
                f"data.train={{{ENGINE}: 0.5, {train}: 0.5}}",
                f"data.validation={held_out}",
                "train.batch_size=64",
                "train.lr=3e-4",
                f"train.steps={STEPS.get(count, count)}",
                f"train.validate_every={STEPS.get(count, count)}",
            ]
            config = load_config(trained.name, [*settings, *arguments.overrides])
            own = {"model": trained.model, "preprocess": trained.preprocess, "charset": trained.charset}
            config = config.model_copy(update=own)
            start, output = time.perf_counter(), Path(temporary) / str(count)
            Trainer(config, output, init=arguments.init).run()
            minutes = (time.perf_counter() - start) / 60
            figures = accuracies(output / "last.safetensors", [held_out, *tests])
            is_held_out = count <= len(lines) - NUM_HELD_OUT
            row(count, minutes, [figures[0] if is_held_out else None, *figures[1:]])


def write(path: Path, lines: list[str], folder: Path) -> Path:
    """Write a label file of lines whose paths are relative to `folder`."""
    path.write_text("".join(f"{folder}/{line}\n" for line in lines), encoding="utf-8")
    return path


def accuracies(weights: Path, tests: list[Path]) -> list[float]:
    """Return the word accuracies, in percent."""
    recognizer = Recognizer(weights, second_look=False)
    return [100 * evaluate_words(recognizer, open_words(test))[0].counts.word_accuracy for test in tests]


def row(count: int, minutes: float, figures: Sequence[float | None]) -> None:
    """Print a row of the table; None for words that were trained on."""
    cells = ["-" if figure is None else f"{figure:.1f}" for figure in figures]
    print(f"| {count} | {minutes:.0f} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
