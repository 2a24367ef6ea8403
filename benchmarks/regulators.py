"""Does RegNet's regulator help a ResNet-20 on CIFAR-10, at an equal budget of CPU time?

    OMP_NUM_THREADS=1 python benchmarks/regulators.py --data ../shared/data/cifar10_jpeg.zip --cpu-minutes 15

Trains each network with its short recipe on all 50,000 training pictures, for the number of steps that fit the budget
according to a short trial, and classifies the test pictures once with the last averaged weights: nothing is chosen on
them. CPU time is the time that this process computes, without waiting, so that other work on the machine hardly affects
it. `--epochs` sets the number of epochs of every network instead, whatever they cost.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from heading import print_heading

from grcnn_ocr.config import load_any_config
from grcnn_ocr.evaluation.classes import ClassesResult
from grcnn_ocr.models.cost import count_parameters
from grcnn_ocr.training.monitor import StepReport
from grcnn_ocr.training.trainer import Trainer

NETWORKS = {
    "ResNet-20": "cifar10_resnet20_short",
    "RegNet-20, ConvGRU": "cifar10_regnet20_gru_short",
    "RegNet-20, ConvLSTM": "cifar10_regnet20_lstm_short",
}
TRIAL_STEPS = 40
NEVER = 10**9


class Stopwatch:
    """Records the CPU time of this process at the start of training and at each report."""

    def __init__(self) -> None:
        self.seconds = {0: time.process_time()}

    def on_steps(self, report: StepReport) -> None:
        """Record the time."""
        self.seconds[report.step] = time.process_time()

    def on_validation(self, step: int, result: ClassesResult, is_best: bool) -> None:
        """Do nothing at the end."""

    def lasted(self) -> float:
        """Return the seconds from the start to the last report."""
        return self.seconds[max(self.seconds)] - self.seconds[0]

    def of_a_step(self) -> float:
        """Return the mean seconds of a step, without the steps before the first report."""
        _, first, *_, last = sorted(self.seconds)
        return (self.seconds[last] - self.seconds[first]) / (last - first)


def main() -> None:
    """Train, and print a row for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data/cifar10_jpeg.zip")
    parser.add_argument("--output", type=Path, default=Path("runs/regulators"))
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--seeds", nargs="*", type=int, default=(0, 1))
    parser.add_argument("--cpu-minutes", type=float, default=15.0)
    parser.add_argument("--epochs", type=float, help="of every network, instead of --cpu-minutes")
    arguments = parser.parse_args()
    budget = f"{arguments.epochs:g} epochs" if arguments.epochs else f"{arguments.cpu_minutes:g} CPU minutes"
    print_heading("RegNet's regulators on CIFAR-10 (JPEG copies)", f"{budget} each")
    print("| network | parameters | seed | epochs | CPU minutes | test error |\n|---|---|---|---|---|---|", flush=True)
    for seed in arguments.seeds:
        for network in arguments.networks:
            settings = [
                f"data.train={arguments.data}",
                "data.validation=test",
                f"train.validate_every={NEVER}",
                f"train.seed={seed}",
            ]
            if arguments.epochs:
                settings.append(f"train.epochs={arguments.epochs}")
            else:
                with TemporaryDirectory() as folder:
                    trial_settings = [*settings, f"train.steps={TRIAL_STEPS}", "data.validation=holdout"]
                    trial = train(network, trial_settings, Path(folder))[1]
                settings.append(f"train.steps={round(60 * arguments.cpu_minutes / trial.of_a_step())}")
            output = arguments.output / f"{network} {budget} {seed}".replace(", ", " ").replace(" ", "_")
            trainer, watch, result = train(network, settings, output)
            seen = max(watch.seconds) * trainer.settings.batch_size / len(trainer.task.dataset)
            print(
                f"| {network} | {count_parameters(trainer.network):,} | {seed} | {seen:.1f} | "
                f"{watch.lasted() / 60:.1f} | {100 * (1 - result.top1):.2f} |",
                flush=True,
            )


def train(network: str, settings: list[str], output: Path) -> tuple[Trainer, Stopwatch, ClassesResult]:
    """Train one network; return the trainer, its times and the test result."""
    output.mkdir(parents=True, exist_ok=True)
    config = load_any_config(NETWORKS[network], settings)
    trainer = Trainer(config, output)  # opens the pictures
    watch = Stopwatch()
    trainer.monitors = [watch]
    result = trainer.run()
    assert isinstance(result, ClassesResult)
    return trainer, watch, result


if __name__ == "__main__":
    main()
