"""`grcnn-ocr evaluate`: word accuracy with and without a lexicon."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grcnn_ocr.cli.console import console, errors, print_table, progress_bar
from grcnn_ocr.cli.evaluate_classes import evaluate_classes
from grcnn_ocr.cli.outputs import STDOUT, check_outputs, write_outputs
from grcnn_ocr.cli.readers import (
    CHARSET,
    DEVICE,
    FORMAT,
    MATCH_CASE,
    PRECISION,
    SECOND_LOOK,
    WEIGHTS,
    find_reader,
    open_reader,
)

if TYPE_CHECKING:
    from grcnn_ocr.evaluation.report import Means
    from grcnn_ocr.evaluation.suite import Measurement, WordSet
    from grcnn_ocr.text.charset import Charset

SAMPLES = Path("data/samples/labels.tsv")


def evaluate(
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="An LMDB, a label file, or the label file of a released dataset; for a classifier, the files of "
            "CIFAR, MNIST or SVHN, or folders of pictures. May be repeated.",
            show_default="the samples",
        ),
    ] = None,
    weights: Annotated[str | None, typer.Option(help=WEIGHTS)] = None,
    lexicon: Annotated[
        list[str] | None,
        typer.Option(
            help="A file with one word per line for all images, or one comma-separated list per image in the order of "
            "the data; or a list that the data come with, such as 50. May be repeated; 'none' is lexicon-free.",
            show_default="none",
        ),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="alphanumeric: letters and digits without case. cased: with case. charset: all that the network can "
            "write. Or that of a published test set, such as ic03-860.",
            show_default="alphanumeric",
        ),
    ] = None,
    charset: Annotated[str | None, typer.Option(help=CHARSET)] = None,
    data_format: Annotated[str | None, typer.Option("--format", help=FORMAT)] = None,
    open_lexicon: Annotated[
        bool, typer.Option("--open", help="Read freely where no word of the lexicon fits well enough; see `calibrate`.")
    ] = False,
    match_case: Annotated[bool, typer.Option("--match-case", help=MATCH_CASE)] = False,
    nearest: Annotated[
        bool,
        typer.Option(help="Consider only words within 3 edits of the lexicon-free reading, as the CRNN paper does."),
    ] = False,
    language_model: Annotated[
        Path | None,
        typer.Option("--lm", help="A language model for lexicon-free reading: english, or a file made by `lm build`."),
    ] = None,
    suite: Annotated[
        Path | None,
        typer.Option(help="A YAML file of test sets: sets, a list of name, data, format, protocol, lexicons."),
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the results here as Markdown; - is stdout.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the results here as CSV; - is stdout.")] = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write the results here as JSON; - is stdout.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a report here, with the errors' images; - is stdout.")
    ] = None,
    show_errors: Annotated[int, typer.Option(min=0, help="Print this many wrong readings per result.")] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Images per forward pass.")] = 64,
    device: Annotated[str, typer.Option(help=DEVICE)] = "auto",
    precision: Annotated[str | None, typer.Option(help=PRECISION)] = None,
    second_look: Annotated[bool, typer.Option(help=SECOND_LOOK)] = True,
) -> None:
    """Evaluate a recogniser on labelled words, or a classifier on pictures.

    With a lexicon, the answer is the word with the highest CTC likelihood. Data with an unreadable image are named at
    the end, after the results of all others, and the exit code is 2.
    """
    from grcnn_ocr.decoding.beam import BeamOptions
    from grcnn_ocr.decoding.decoder import DecodeOptions
    from grcnn_ocr.evaluation.report import Means
    from grcnn_ocr.evaluation.suite import evaluate_sets, open_suite
    from grcnn_ocr.text.ngram import NGram
    from grcnn_ocr.weights import config_of

    outputs = {"--markdown": markdown, "--csv": csv, "--json": json_path, "--html": html}
    inputs = (*(data or ()), *(lexicon or ()), weights, suite, language_model)
    check_outputs(outputs, [Path(path) for path in inputs if path])
    if suite is not None and (data or lexicon or protocol or data_format):
        raise ValueError(f"--suite {suite} names the data: give it without --data, --lexicon, --protocol and --format")
    found = find_reader(weights)
    errors.print(f"weights: {found}")
    if found.is_file() and config_of(found).task == "classes":
        of_words = {"--lexicon": lexicon, "--protocol": protocol, "--format": data_format, "--suite": suite,
                    "--html": html, "--show-errors": show_errors, "--charset": charset, "--precision": precision,
                    "--open": open_lexicon, "--nearest": nearest, "--match-case": match_case, "--lm": language_model,
                    "--no-second-look": not second_look}  # fmt: skip
        if given := [option for option, value in of_words.items() if value]:
            raise ValueError(f"{found} holds an image classifier; only for words: {', '.join(given)}")
        evaluate_classes(found, data or [], {**outputs, "--html": None}, batch_size, device)
        return
    opened = open_reader(str(found), device, batch_size, precision, charset, second_look)
    recognizer = opened.reader
    sets = (
        open_suite(suite, recognizer.charset)
        if suite is not None
        else _sets(data or [SAMPLES], lexicon or ["none"], protocol or "alphanumeric", data_format, recognizer.charset)
    )
    check_outputs(outputs, [words.source.path for words in sets])
    _check_lexicons(sets, open_lexicon or nearest or match_case, language_model)
    beam = BeamOptions(language_model=NGram.load(language_model)) if language_model else None
    options = DecodeOptions(is_open=open_lexicon, nearest=nearest, match_case=match_case, beam=beam)
    with progress_bar() as bar:
        task = bar.add_task("reading", total=sum(len(words.source) for words in sets))
        measurements, problems = evaluate_sets(recognizer, sets, lambda done: bar.advance(task, done), options)
    means = Means(
        str(found),
        recognizer.charset.name,
        opened.precision,
        recognizer.second_look,
        str(language_model) if language_model else None,
    )
    if measurements:
        _report(measurements, means, outputs, show_errors)
    if problems:
        raise ValueError(f"not evaluated: {'; '.join(problems)}")


def _report(measurements: list[Measurement], means: Means, outputs: dict[str, Path | None], show_errors: int) -> None:
    """Print the results, and write them to the files asked for."""
    from grcnn_ocr.evaluation.html import as_html
    from grcnn_ocr.evaluation.report import as_csv, as_json, as_markdown, as_table, placements, warnings

    for warning in warnings(measurements):
        errors.print(f"warning: {warning}")
    _print_errors(measurements, show_errors)
    texts: dict[str, Callable[[], str]] = {
        "--markdown": lambda: as_markdown(measurements, means),
        "--csv": lambda: as_csv(measurements, means),
        "--json": lambda: json.dumps(as_json(measurements, means), indent=2) + "\n",
        "--html": lambda: as_html(measurements, means),
    }
    if STDOUT not in outputs.values():
        protocols = {measurement.words.protocol.name for measurement in measurements}
        console.print(f"protocol: {', '.join(protocols)}; figures in percent" if len(protocols) == 1 else "in percent")
        print_table(as_table(measurements))
        for line in placements(measurements):
            console.print(line)
    write_outputs(texts, outputs)


def _check_lexicons(sets: list[WordSet], needs_one: bool, language_model: Path | None) -> None:
    """Check that every option has something to act on."""
    lexicons = [lexicon for words in sets for lexicon in words.lexicons]
    if needs_one and not any(lexicons):
        raise ValueError("--open, --nearest and --match-case need a --lexicon; give one")
    if language_model and all(lexicons):
        raise ValueError("--lm is for lexicon-free reading: give it without --lexicon, or add --lexicon none")


def _sets(
    data: list[Path], lexicons: list[str], protocol: str, data_format: str | None, charset: Charset
) -> list[WordSet]:
    from grcnn_ocr.datasets.words import open_words
    from grcnn_ocr.evaluation.protocol import find_protocol
    from grcnn_ocr.evaluation.suite import WordSet, find_lexicon

    rules = find_protocol(protocol, charset)
    sources = [open_words(path, data_format or "auto") for path in data]
    return [
        WordSet(
            "/".join(source.path.parts[-2:]),
            source,
            rules,
            tuple(find_lexicon(name, source, Path()) for name in lexicons),
        )
        for source in sources
    ]


def _print_errors(measurements: list[Measurement], num: int) -> None:
    """Print wrong readings: place, label, reading and confidence, the most confident first."""
    from grcnn_ocr.evaluation.analysis import judge, worst

    for measurement in measurements:
        for reading in worst(judge(measurement.result.examples, measurement.words.protocol.fold))[:num]:
            example = reading.example
            line = f"{example.place}\t{example.label}\t{example.text}\t{example.confidence:.3f}"
            print(line, file=sys.stderr)  # a rich console would replace the tabs
