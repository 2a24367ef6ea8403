"""`grcnn-ocr train`: train a recogniser or an image classifier."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grcnn_ocr.cli.console import console, errors
from grcnn_ocr.wording import counted

if TYPE_CHECKING:
    from grcnn_ocr.training.monitor import AnyResult, StepReport
    from grcnn_ocr.training.trainer import Trainer

SHOWN_EXAMPLES = 4
STOPPED = 3
"""Exit code of a run that was asked to stop before its end."""


def train(
    config: Annotated[str, typer.Option(help="A YAML file, or the name of a packaged one.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="key=value to override the file, such as train.time_budget=20m."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the run.", show_default="runs/NAME, then NAME-2, ...")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            help="Start from these weights, a file or released ones. Of another charset, the characters that both know "
            "are kept; a smaller network of GRCLs grows into this one."
        ),
    ] = None,
    find_lr: Annotated[
        bool, typer.Option("--find-lr", help="Train nothing: try learning rates, write lr.png, suggest one.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue the run in the folder, or the latest run of this name."),
    ] = False,
) -> None:
    """Train a recogniser or an image classifier; the best and the latest weights are written to the run's folder."""
    import yaml

    from grcnn_ocr.config import load_any_config

    settings = load_any_config(config, overrides or ())
    if output is None and int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise ValueError("several processes need one shared folder: give --output")
    from grcnn_ocr.evaluation.words import Result
    from grcnn_ocr.training.checkpoint import LAST, STATE, can_resume
    from grcnn_ocr.training.monitor import TensorBoardMonitor
    from grcnn_ocr.training.trainer import Trainer

    if output and not resume and can_resume(output):
        raise ValueError(f"{output} already holds a run; give --resume to continue it, or another --output")
    if output and resume and not can_resume(output):  # before the data, which take longer to open
        raise ValueError(f"nothing to resume: no {output / STATE}")
    if output and not resume and (held := [name for name in ("best.safetensors", LAST) if (output / name).exists()]):
        raise ValueError(f"{output} already holds weights, {' and '.join(held)}; give another --output")
    if find_lr:
        from grcnn_ocr.training.lr_finder import check_plotting

        check_plotting()
    folder = output or _run_folder(Path("runs") / settings.name, resume)
    folder.mkdir(parents=True, exist_ok=True)
    with ConsoleMonitor("words" if settings.task == "words" else "images") as bar:
        try:
            trainer = Trainer(settings, folder, resume, [bar, TensorBoardMonitor(folder)], init)
        except ValueError:
            with suppress(OSError):  # unless there is something in it
                folder.rmdir()
            raise
        is_main = trainer.accelerator.is_main_process
        if is_main:
            errors.print(f"run: {folder}")
            (folder / "config.yaml").write_text(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
        if find_lr:
            _find_lr(trainer, folder)
            return
        result = trainer.run()
    if trainer.progress.step != trainer.progress.total_steps:
        raise typer.Exit(STOPPED)
    if not is_main:
        return
    if result is None:
        console.print(f"the run in {folder} was already complete")
    else:
        best = 100 * trainer.progress.best_accuracy
        figure = (
            f"word accuracy on {counted(result.counts.images, 'validation word')} {best:.1f}"
            if isinstance(result, Result)
            else f"top-1 accuracy on {counted(result.images, 'validation image')} {best:.2f}"
        )
        console.print(
            f"done: {counted(trainer.progress.step, 'step')} in {trainer.progress.seconds / 60:.1f} min, "
            f"best {figure} %: {folder / 'best.safetensors'}",
        )


def _find_lr(trainer: Trainer, folder: Path) -> None:
    from grcnn_ocr.training.lr_finder import find_lr

    curve = find_lr(trainer)
    if not trainer.accelerator.is_main_process:
        return
    for rate, loss in list(zip(curve.rates, curve.losses, strict=True))[::10]:
        console.print(f"lr {rate:.1e}  loss {loss:.2f}")
    console.print(f"suggestion: --set train.lr={curve.suggestion:.1e}")
    curve.plot(folder / "lr.png")
    console.print(f"plot: {folder / 'lr.png'}")


def _run_folder(base: Path, resume: bool) -> Path:
    """Return the latest of `base`, `base-2`, `base-3`, ... that can be resumed, or make the next one."""
    from grcnn_ocr.training.checkpoint import can_resume

    def run_of(number: int) -> Path:
        return base if number == 1 else base.with_name(f"{base.name}-{number}")

    pattern = re.compile(rf"{re.escape(base.name)}-([1-9][0-9]*)")
    numbers = [int(found[1]) for path in base.parent.glob("*") if (found := pattern.fullmatch(path.name))]
    if resume:
        resumable = [run for run in map(run_of, sorted({1, *numbers})) if can_resume(run)]
        if not resumable:
            raise ValueError(f"nothing to resume: no {base / 'state.pt'}")
        return resumable[-1]
    for run in map(
        run_of, count(max(numbers, default=1))
    ):  # gaps are not filled: the latest run has the largest number
        with suppress(FileExistsError):  # another run took it this moment
            run.mkdir(parents=True)
            return run
    raise AssertionError("unreachable")


class ConsoleMonitor:
    """A progress bar with loss, samples/s and data wait; a line and a few readings at each validation.

    Args:
        samples: what the samples are called.
    """

    def __init__(self, samples: str) -> None:
        self._samples = samples
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=errors,
        )
        self._task = self._bar.add_task("training", total=None, figures="")

    def __enter__(self) -> ConsoleMonitor:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar.live.is_started:
            self._bar.stop()

    def on_steps(self, report: StepReport) -> None:
        """Advance the bar, which first appears now, after any messages about the data."""
        self._bar.start()
        speed = f"{report.samples_per_second:.0f} {self._samples}/s"
        figures = f"loss {report.loss:.2f}, {speed}, data wait {report.data_wait:.0%}"
        if report.memory is not None:
            figures += f", {report.memory / 2**30:.1f} GiB"
        if report.skipped_steps:
            figures += f", {counted(report.skipped_steps, 'step')} skipped"
        self._bar.update(self._task, completed=report.step, total=report.total_steps, figures=figures)

    def on_validation(self, step: int, result: AnyResult, is_best: bool) -> None:
        """Print the figures, and for words the first readings."""
        from grcnn_ocr.evaluation.classes import ClassesResult

        if isinstance(result, ClassesResult):
            errors.print(
                f"step {step}: top-1 accuracy {100 * result.top1:.2f} %, top-5 {100 * result.top5:.2f} on "
                f"{counted(result.images, 'image')}{' (best)' if is_best else ''}"
            )
            return
        counts = result.counts
        errors.print(
            f"step {step}: word accuracy {100 * counts.word_accuracy:.1f} %, 1-NED {100 * counts.one_minus_ned:.1f} "
            f"on {counted(counts.images, 'word')}{' (best)' if is_best else ''}; read "
            + ", ".join(f"{example.label!r} as {example.text!r}" for example in result.examples[:SHOWN_EXAMPLES]),
        )
