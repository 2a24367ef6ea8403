"""The console that the commands share."""

from __future__ import annotations

import codecs
import logging
import sys
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

console = Console(markup=False, highlight=False, soft_wrap=True)
"""Standard output, for results."""

errors = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
"""Standard error, for progress and problems."""


class ConsoleHandler(logging.Handler):
    """Prints log records on standard error, above a progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record without wrapping it."""
        errors.print(self.format(record))


def writes_utf8() -> bool:
    """Tell whether standard output can encode every character."""
    return codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"


FILE_WIDTH = 1000
"""Columns that a table may have where no terminal limits it."""


def print_table(table: Table) -> None:
    """Print a table on standard output, fitted to the terminal if there is one."""
    wide = Console(markup=False, highlight=False, width=FILE_WIDTH)  # `print(width=)` never widens
    (console if console.is_terminal else wide).print(table)


def progress_bar() -> Progress:
    """Return a progress bar on standard error, which prints nothing if that is not a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_interactive,
    )
