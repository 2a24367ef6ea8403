"""`grcnn-ocr doctor`: checks word data before training."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grcnn_ocr.cli.console import console, progress_bar
from grcnn_ocr.releases import DEFAULT
from grcnn_ocr.wording import counted, first_of

if TYPE_CHECKING:
    from grcnn_ocr.config import Config
    from grcnn_ocr.doctor import Findings, Histogram, Pair, Timing

SHOWN = 20
"""Lines shown of each kind; --json has all."""
BAR = 40
"""Length of a histogram's longest bar, in characters."""
VERDICTS = (
    "training can start",
    "training can start, with warnings worth reading",
    "training cannot start, or would end with an error",
)
"""By exit code."""


def doctor(
    data: Annotated[Path, typer.Argument(help="An LMDB or a label file.")],
    config: Annotated[
        str | None,
        typer.Option(help=f"Configuration to check against: a YAML file or a packaged name; by default {DEFAULT}."),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key=value to override the configuration, as in train.")
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(help="Validation data, compared with DATA; by default those of the configuration.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Check against the network of these weights, a file or a released name, not --config."),
    ] = None,
    timing: Annotated[bool, typer.Option("--timing/--no-timing", help="Time a few training steps.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Check every label and image before training, and say what is wrong and what to do about it.

    It lists corrupt and blank images, empty labels, characters that the charset lacks, labels that need more frames
    than the network has, and duplicate images, under one label or two, or in the validation data too.

    Exit code: 0 if training can start; 1 if it can, but samples are left out, mislabelled, duplicated or blank; 2 if it
    cannot, or would fail at some sample. Data that cannot be opened give a single message, with --json too.
    """
    from grcnn_ocr.datasets.words import open_words
    from grcnn_ocr.doctor import examine

    settings = _settings(config, weights, overrides or [])
    source = open_words(data)
    other = validation or (settings.data.validation and Path(settings.data.validation))
    held_out = open_words(other) if other else None
    with _quiet_training(), progress_bar() as bar:
        total = len(source) + (len(held_out) if held_out is not None else 0)
        task = bar.add_task("examining", total=total)
        findings = examine(settings, source, held_out, timing, lambda done: bar.advance(task, done))
    if as_json:
        print(json.dumps(findings.as_json(), indent=2))
    else:
        _print(findings)
    raise typer.Exit(findings.exit_code)


def _settings(config: str | None, weights: str | None, overrides: Sequence[str]) -> Config:
    from grcnn_ocr.config import load_config
    from grcnn_ocr.weights import find_weights, load_weights

    if weights is None:
        return load_config(config or DEFAULT, overrides)
    if config is not None or overrides:
        raise ValueError("--weights comes with its own configuration: give it without --config and --set")
    return load_weights(find_weights(weights)).config


@contextmanager
def _quiet_training() -> Iterator[None]:
    """Keep the timed run from logging what is reported here anyway."""
    logger = logging.getLogger("grcnn_ocr.training")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _print(findings: Findings) -> None:
    validation = f", {findings.num_validation} in {findings.validation}" if findings.validation else ""
    console.print(
        f"{counted(findings.num_samples, 'sample')} in {findings.data}{validation}; judged by {findings.config}"
    )
    console.print(f"{findings.num_usable} to train on, {findings.num_folded} of them with a folded label")
    for reason, count in findings.left_out.items():
        console.print(f"  {count} left out: {reason}")
    _print_lines("unreadable or empty", [str(problem) for problem in findings.problems])
    _print_lines("unreadable or empty, validation", [str(problem) for problem in findings.validation_problems])
    _print_lines("blank images", findings.blank)
    _print_lines("crops too narrow for their labels", [str(problem) for problem in findings.too_narrow])
    _print_characters(f"characters not in charset {findings.charset!r}", findings.unknown)
    _print_characters("characters not in it, validation", findings.validation_unknown)
    _print_pairs("one picture, two labels", findings.conflicts)
    _print_pairs("in the validation data too", findings.overlaps)
    _print_pairs("one picture, one label", findings.duplicates)
    for histogram in findings.histograms:
        _print_histogram(histogram)
    if findings.timing is not None:
        _print_timing(findings.timing)
    console.print()
    for remark in findings.remarks:
        console.print(f"{remark.level.name.lower()}: {remark.text}")
    console.print(VERDICTS[findings.exit_code])


def _print_lines(title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    console.print(f"\n{title}: {len(lines)}")
    for line in first_of(lines, SHOWN):
        console.print(f"  {line}")


def _print_characters(title: str, counts: Mapping[str, int]) -> None:
    _print_lines(title, [f"{char!r} U+{ord(char):04X} in {counted(count, 'label')}" for char, count in counts.items()])


def _print_pairs(title: str, pairs: Sequence[Pair]) -> None:
    def describe(pair: Pair) -> str:
        kind = "the same file" if pair.distance is None else f"{pair.distance} bits apart"
        return f"{pair.first_label!r} {pair.first} and {pair.second_label!r} {pair.second}, {kind}"

    _print_lines(title, [describe(pair) for pair in pairs])


def _print_histogram(histogram: Histogram) -> None:
    from rich.table import Table

    title = f"{histogram.name}: {histogram.least:g} to {histogram.most:g}, median {histogram.median:g}"
    table = Table(box=None, show_header=False, title=title, title_justify="left", title_style="")
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column()
    filled = [number for number, count in enumerate(histogram.counts) if count]
    for number in range(filled[0], filled[-1] + 1):
        count = histogram.counts[number]
        bar = "█" * -(-BAR * count // max(histogram.counts))
        table.add_row(f"from {histogram.edges[number]:g}", str(count), bar)
    console.print()
    console.print(table)


def _print_timing(timing: Timing) -> None:
    console.print(
        f"\nestimate from {timing.num_steps} training steps on {timing.device}: {timing.words_per_second:.0f} words/s, "
        f"{_duration(timing.epoch_seconds)} per epoch, without validation"
    )


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
