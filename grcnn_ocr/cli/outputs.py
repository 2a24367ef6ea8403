"""Results in files, or on standard output."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path

from grcnn_ocr.cli.console import errors
from grcnn_ocr.files import written_aside

STDOUT = Path("-")


def check_outputs(outputs: Mapping[str, Path | None], inputs: Iterable[Path] = ()) -> None:
    """Check that every output can be written, to a file of its own.

    Args:
        outputs: by option, a file, `STDOUT` or None.
        inputs: what is read, which no output may replace.

    Raises:
        ValueError: on a file that cannot be written, is an input or another output, or more than one `STDOUT`, naming
            the options.
    """
    read = {path.resolve() for path in inputs}
    written: dict[Path, str] = {}
    for option, path in outputs.items():
        if path is None or path == STDOUT:
            continue
        if not path.parent.is_dir():
            raise ValueError(f"{option} {path}: no folder {path.parent}")
        if path.is_dir():
            raise ValueError(f"{option} {path}: this is a folder, expected the name of a file")
        for place in (path,) if _is_device(path) else (path, path.parent):
            if place.exists() and not os.access(place, os.W_OK):
                raise ValueError(f"{option} {path}: {place} cannot be written to")
        if path.resolve() in read:
            raise ValueError(f"{option} {path}: this is an input, and would be replaced; give another file")
        if (other := written.setdefault(path.resolve(), option)) != option:
            raise ValueError(f"{other} and {option} would both be written to {path}; give each a file of its own")
    to_stdout = [option for option, path in outputs.items() if path == STDOUT]
    if len(to_stdout) > 1:
        raise ValueError(f"only one of {', '.join(to_stdout)} can be - (standard output)")


def write_outputs(texts: Mapping[str, Callable[[], str]], outputs: Mapping[str, Path | None]) -> None:
    """Write the text of each option to its file or standard output, and report the files."""
    for option, path in outputs.items():
        if path == STDOUT:
            print(texts[option](), end="")
        elif path is not None:
            text = texts[option]()
            with nullcontext(path) if _is_device(path) else written_aside(path.resolve()) as place:  # follows links
                place.write_text(text, encoding="utf-8", errors="backslashreplace")
            errors.print(f"{option.removeprefix('--')}: {path}")


def _is_device(path: Path) -> bool:
    """Tell whether this is a device or a pipe, such as /dev/null, which takes text but no file in its place."""
    return path.exists() and not path.is_file()
