"""The command line: `grcnn-ocr train | evaluate | read | lmdb | synth | doctor | ...`. Only this package prints."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Sequence
from inspect import getdoc
from typing import Annotated

import typer

from grcnn_ocr import __version__
from grcnn_ocr.cli import (
    calibrate,
    doctor,
    evaluate,
    export,
    import_,
    lm,
    lmdb,
    models,
    read,
    serve,
    synth,
    train,
    visualize,
)
from grcnn_ocr.cli.console import ConsoleHandler, console, errors, writes_utf8

app = typer.Typer(
    help="Read cropped word images with gated recurrent convolutions, BiLSTM and CTC.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("calibrate")(calibrate.calibrate)
app.command("read")(read.read)
app.command("synth")(synth.synth)
app.command("doctor")(doctor.doctor)
app.command("serve")(serve.serve)
app.command("visualize")(visualize.visualize)
app.command("models")(models.models)
app.command("import")(import_.import_)
app.command("export")(export.export)
app.add_typer(lmdb.app, name="lmdb")
app.add_typer(lm.app, name="lm")
for command in (*app.registered_commands, *lmdb.app.registered_commands, *lm.app.registered_commands):
    command.help = "\n\n".join(" ".join(part.split()) for part in (getdoc(command.callback) or "").split("\n\n"))


def _print_version(is_asked: bool) -> None:
    if is_asked:
        console.print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that belong to no command."""


def main(arguments: Sequence[str] | None = None, command: Sequence[str] = ()) -> None:
    """Run a command; a user error prints one message on stderr and exits with code 2.

    Args:
        arguments: the command line; by default that of the process.
        command: the command that a script runs, such as ("lmdb", "create"); by default `arguments` name it.
    """
    logging.basicConfig(format="%(message)s", level=logging.WARNING, handlers=[ConsoleHandler()])
    logging.getLogger("grcnn_ocr").setLevel(logging.INFO)
    if isinstance(sys.stdout, io.TextIOWrapper):  # file names may be in another encoding, or in none
        sys.stdout.reconfigure(errors="surrogateescape" if writes_utf8() else "backslashreplace")
    found = typer.main.get_command(app)
    for name in command:
        assert isinstance(found, typer.core.TyperGroup)
        found = found.commands[name]
    try:
        found(args=list(arguments) if arguments is not None else None)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        errors.print(f"error: {place}{error.strerror or error}")
        sys.exit(2)
    except ImportError as error:
        errors.print(
            f"error: {error}; this command needs the whole package, not only what an exported reader needs: pip "
            "install grcnn-ocr, with [export], [serve] or another extra where the README names one"
        )
        sys.exit(2)
    except ValueError as error:
        errors.print(f"error: {error}")
        sys.exit(2)
