"""How well does a network trained on synthetic words alone read real ones?

    python benchmarks/synth_to_real.py --data ../shared/data --words 1060608 --output runs/synth_to_real

Trains a preset, by default `grcl_lstm_tiny`, on words that the engine draws on the fly, and evaluates the averaged
weights, lexicon-free, at regular intervals. Everything is chosen on IIIT5K's training words; IC03 and IIIT5K test are
only reported. `--set` changes settings of the training, `--init` gives weights to start from. On two cores, two
processes of one thread are faster than one process of two threads:

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 benchmarks/synth_to_real.py ...
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from heading import print_heading

from grcnn_ocr.config import load_config
from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.evaluation.words import Result, evaluate_words
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.training.monitor import StepReport
from grcnn_ocr.training.trainer import Trainer
from grcnn_ocr.weights import Weights


class Report:
    """Prints a row of the table at every validation."""

    def __init__(self, data: Path) -> None:
        self.tests = [open_words(data / "ic03" / "gt.txt"), open_words(data / "iiit5k" / "test.txt")]
        self.started = time.perf_counter()
        self.trainer: Trainer | None = None

    def on_steps(self, report: StepReport) -> None:
        """Ignore the last few steps."""

    def on_validation(self, step: int, result: Result, is_best: bool) -> None:
        """Evaluate on the test sets."""
        assert self.trainer is not None
        config = self.trainer.config
        device = self.trainer.accelerator.device
        recognizer = Recognizer(Weights(self.trainer.average.model, config), device, second_look=False)
        accuracies = [evaluate_words(recognizer, test)[0].counts.word_accuracy for test in self.tests]
        words = step * config.train.batch_size * self.trainer.accelerator.num_processes / 1000
        figures = " | ".join(f"{100 * accuracy:.1f}" for accuracy in (result.counts.word_accuracy, *accuracies))
        minutes = (time.perf_counter() - self.started) / 60
        print(f"| {words:.0f}k | {minutes:.0f} | {figures} |", flush=True)


def main() -> None:
    """Train and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of ic03/ and iiit5k/")
    parser.add_argument("--preset", default="grcl_lstm_tiny", help="trained at 2e-3 unless --set train.lr")
    parser.add_argument("--words", type=int, default=1_060_608)
    parser.add_argument("--batch-size", type=int, default=64, help="words per step, over all processes")
    parser.add_argument("--every", type=int, default=88_384, help="words between two evaluations")
    parser.add_argument("--output", type=Path, default=Path("runs/synth_to_real"))
    parser.add_argument("--init", help="weights to start from")
    parser.add_argument("--resume", action="store_true", help="resume the run in --output")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    arguments = parser.parse_args()
    processes = int(os.environ.get("WORLD_SIZE", 1))
    if arguments.batch_size % processes:
        parser.error(f"--batch-size {arguments.batch_size} cannot be shared by {processes} processes")
    settings = [
        f"data.validation={arguments.data / 'iiit5k' / 'train.txt'}",
        f"train.batch_size={arguments.batch_size // processes}",
        "train.lr=2e-3",
        f"train.steps={arguments.words // arguments.batch_size}",
        f"train.validate_every={arguments.every // arguments.batch_size}",
    ]
    config = load_config(arguments.preset, [*settings, *arguments.overrides])
    report = Report(arguments.data)
    arguments.output.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, arguments.output, arguments.resume, [report], arguments.init)
    report.trainer = trainer
    if trainer.accelerator.is_main_process:
        print_heading(
            "From synthetic words to real ones, word accuracy", f"{trainer.accelerator.num_processes} processes"
        )
        print("| words seen | minutes | IIIT5K train | IC03 | IIIT5K test |")
        print("|---|---|---|---|---|", flush=True)
    trainer.run()


if __name__ == "__main__":
    main()
