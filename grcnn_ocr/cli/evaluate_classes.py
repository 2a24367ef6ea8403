"""`grcnn-ocr evaluate` of an image classifier: top-1 and top-5 accuracy."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grcnn_ocr.cli.console import console, progress_bar
from grcnn_ocr.cli.outputs import STDOUT, write_outputs

if TYPE_CHECKING:
    from grcnn_ocr.evaluation.classes import ClassesResult


def evaluate_classes(
    weights: Path, data: Sequence[Path], outputs: dict[str, Path | None], batch_size: int, device: str
) -> None:
    """Evaluate a classifier on the test split of each data set, and write the results of those that can be read.

    Args:
        weights: of the classifier.
        data: the data sets; see `datasets/images/open_images.py`.
        outputs: a file, `STDOUT` or None, by option: --markdown, --csv, --json.
        batch_size: pictures per forward pass.
        device: auto, cpu, cuda, ...

    Raises:
        ValueError: on data that cannot be opened or have other classes than the network, before any picture is read; on
            a picture that cannot be read, naming it, at the end.
    """
    import torch

    from grcnn_ocr.build import build_image_preprocessor
    from grcnn_ocr.datasets.images.open_images import open_images
    from grcnn_ocr.evaluation.classes import check_classes
    from grcnn_ocr.evaluation.classes import evaluate_classes as evaluate
    from grcnn_ocr.reading import find_device
    from grcnn_ocr.weights import load_classifier

    if not data:
        raise ValueError(f"{weights} holds an image classifier: give the pictures with --data")
    trained = load_classifier(weights)
    config = trained.config
    sources = [open_images(path, None) for path in data]
    for source in sources:
        check_classes(config.num_classes, trained.classes, source, str(weights))
    place = find_device(device)
    model = trained.model.eval().to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    preprocessor = build_image_preprocessor(config.preprocess)
    with progress_bar() as bar:
        task = bar.add_task("classifying", total=sum(map(len, sources)))
        results: list[ClassesResult] = []
        problems: list[str] = []
        for source in sources:
            try:
                results.append(
                    evaluate(model, source, preprocessor, place, None, batch_size, lambda done: bar.advance(task, done))
                )
            except ValueError as error:
                problems.append(str(error))
    if results:
        _report(results, weights, outputs)
    if problems:
        raise ValueError(f"not evaluated: {'; '.join(problems)}")


def _report(results: Sequence[ClassesResult], weights: Path, outputs: dict[str, Path | None]) -> None:
    """Print the results, unless an output is `STDOUT`, and write the outputs."""
    from grcnn_ocr.evaluation.report import csv_of

    texts: dict[str, Callable[[], str]] = {
        "--markdown": lambda: _as_markdown(results, weights),
        "--csv": lambda: csv_of(list(map(_record, results))),
        "--json": lambda: (
            json.dumps({"weights": str(weights), "results": list(map(_record, results))}, indent=2) + "\n"
        ),
    }
    if STDOUT not in outputs.values():
        console.print("figures in percent")
        console.print("\n".join(_table(results)))
    write_outputs(texts, outputs)


def _record(result: ClassesResult) -> dict[str, Any]:
    from grcnn_ocr.evaluation.analysis import wilson_interval

    low, high = wilson_interval(result.correct, result.images)
    return {
        "data": result.data,
        "images": result.images,
        "correct": result.correct,
        "top1": result.top1,
        "interval_low": low,
        "interval_high": high,
        "top5": result.top5,
        "images_per_second": result.images / max(result.seconds, 1e-9),
    }


def _table(results: Sequence[ClassesResult]) -> list[str]:
    """Return the lines of a Markdown table, figures in percent."""
    lines = [
        "| data | images | top-1 | top-1 error | 95 % interval (Wilson) of top-1 | top-5 | images/s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for record in map(_record, results):
        low, high = 100 * record["interval_low"], 100 * record["interval_high"]
        top1, top5 = 100 * record["top1"], 100 * record["top5"]
        data = record["data"].replace("|", "\\|")
        lines.append(
            f"| {data} | {record['images']} | {top1:.2f} | {100 - top1:.2f} | {low:.2f} to {high:.2f} | {top5:.2f} | "
            f"{record['images_per_second']:.0f} |"
        )
    return lines


def _as_markdown(results: Sequence[ClassesResult], weights: Path) -> str:
    return "\n".join([f"Weights: {weights}", "", *_table(results), "", "Figures in percent."]) + "\n"
