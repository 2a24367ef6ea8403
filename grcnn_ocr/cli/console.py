"""What the commands share of the console."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

console = Console(markup=False, highlight=False, soft_wrap=True)
"""Standard output, for results."""

errors = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
"""Standard error, for progress and problems."""


def progress_bar() -> Progress:
    """Return a progress bar on standard error."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
    )
