"""The command line: `grcnn-ocr train | evaluate | read | lmdb | models | import`. Only this package prints."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import typer

from grcnn_ocr.cli import evaluate, import_, lmdb, models, read, train

app = typer.Typer(
    help="Read cropped word images with gated recurrent convolutions, BiLSTM and CTC.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("read")(read.read)
app.command("models")(models.models)
app.command("import")(import_.import_)
app.add_typer(lmdb.app, name="lmdb")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; a user's error is one message on stderr and exit code 2."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("grcnn_ocr").setLevel(logging.INFO)
    try:
        app(args=list(arguments) if arguments is not None else None)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
