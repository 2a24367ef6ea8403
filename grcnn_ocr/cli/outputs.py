"""Results in files, or on standard output."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from grcnn_ocr.cli.console import errors

STDOUT = Path("-")


def check_outputs(outputs: Mapping[str, Path | None]) -> None:
    """Check that every output can be written.

    Args:
        outputs: by option, a file, `STDOUT` or None.

    Raises:
        ValueError: on a file that cannot be written, or more than one `STDOUT`, naming the options.
    """
    for option, path in outputs.items():
        if path is None or path == STDOUT:
            continue
        if not path.parent.is_dir():
            raise ValueError(f"{option} {path}: no folder {path.parent}")
        if path.is_dir():
            raise ValueError(f"{option} {path}: this is a folder, expected the name of a file")
        place = path if path.exists() else path.parent
        if not os.access(place, os.W_OK):
            raise ValueError(f"{option} {path}: {place} cannot be written to")
    to_stdout = [option for option, path in outputs.items() if path == STDOUT]
    if len(to_stdout) > 1:
        raise ValueError(f"only one of {', '.join(to_stdout)} can be - (standard output)")


def write_outputs(texts: Mapping[str, Callable[[], str]], outputs: Mapping[str, Path | None]) -> None:
    """Write the text of each option to its file or standard output, and report the files."""
    for option, path in outputs.items():
        if path == STDOUT:
            print(texts[option](), end="")
        elif path is not None:
            path.write_text(texts[option](), encoding="utf-8", errors="backslashreplace")
            errors.print(f"{option.removeprefix('--')}: {path}")
