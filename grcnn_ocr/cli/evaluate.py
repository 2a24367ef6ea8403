"""`grcnn-ocr evaluate`: word accuracy without and with a lexicon."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grcnn_ocr.cli.console import console, errors, progress_bar

if TYPE_CHECKING:
    from grcnn_ocr.text.lexicon import Lexicon

SAMPLES = Path("data/samples/labels.tsv")


class ProtocolName(str, Enum):
    """Protocols by name."""

    alphanumeric = "alphanumeric"
    charset = "charset"


def evaluate(
    data: Annotated[
        list[Path] | None,
        typer.Option(help="An LMDB or a label file; may be repeated. [default: the samples]"),
    ] = None,
    weights: Annotated[str | None, typer.Option(help="A weights file, or a released name; see `models`.")] = None,
    lexicon: Annotated[
        list[str] | None,
        typer.Option(
            help="One word a line for all images, or one comma list an image in the data's order; a bare name is also "
            "looked for beside the data. May be repeated; 'none' is lexicon-free. [default: none]"
        ),
    ] = None,
    protocol: Annotated[
        ProtocolName,
        typer.Option(help="alphanumeric: letters and digits without case. charset: all the network can write."),
    ] = ProtocolName.alphanumeric,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write the results here as JSON; - is standard output.")
    ] = None,
    show_errors: Annotated[int, typer.Option(help="Print this many wrong readings of each result.")] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a forward pass.")] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
) -> None:
    """Evaluate weights on labelled words; with a lexicon, by exact CTC likelihood."""
    from grcnn_ocr.datasets.words import open_words
    from grcnn_ocr.evaluation.protocol import ALPHANUMERIC, charset_protocol
    from grcnn_ocr.evaluation.report import as_json, as_table
    from grcnn_ocr.evaluation.words import evaluate_words
    from grcnn_ocr.reading import Recognizer
    from grcnn_ocr.weights import find_weights

    sources = [open_words(path) for path in data or [SAMPLES]]
    lexicons = [[_find_lexicon(name, source.path) for name in lexicon or ["none"]] for source in sources]
    found = find_weights(weights)
    errors.print(f"weights: {found}")
    recognizer = Recognizer(found, device, batch_size)
    rules = ALPHANUMERIC if protocol is ProtocolName.alphanumeric else charset_protocol(recognizer.charset)
    for source, own in zip(sources, lexicons, strict=True):
        for words in own:
            if words is not None:
                recognizer.check_lexicon(words, len(source))
    if json_path is not None and not json_path.parent.is_dir():
        raise ValueError(f"--json {json_path}: no folder {json_path.parent}")
    results = []
    with progress_bar() as bar:
        task = bar.add_task("reading", total=sum(map(len, sources)))
        for source, own in zip(sources, lexicons, strict=True):
            results += evaluate_words(recognizer, source, own, rules, lambda done: bar.advance(task, done))
    for result in results:
        wrong = [e for e in result.examples if rules.fold(e.text) != rules.fold(e.label)]
        for example in wrong[:show_errors]:
            line = f"{example.place}\t{example.label}\t{example.text}\t{example.confidence:.3f}"
            errors.print(line)
    report = json.dumps(as_json(results, rules), indent=2)
    if str(json_path) == "-":
        print(report)
        return
    console.print(f"protocol: {rules.name}; figures in percent")
    console.print(as_table(results))
    if json_path is not None:
        json_path.write_text(report + "\n", encoding="utf-8")


def _find_lexicon(name: str, data: Path) -> Lexicon | None:
    from grcnn_ocr.text.lexicon import Lexicon

    if name == "none":
        return None
    beside = data.parent / name
    return Lexicon.load(beside if not Path(name).is_file() and beside.is_file() else name)
