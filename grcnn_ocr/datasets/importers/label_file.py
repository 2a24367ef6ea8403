"""A folder of crops and a label file: TSV, CSV, JSON lines, or path and label separated by a space."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from grcnn_ocr.datasets.importers.records import LabelledPath, Problem
from grcnn_ocr.text.files import SAVE_AS_UTF8, to_utf8

logger = logging.getLogger(__name__)

PATH_NAMES = ("path", "image", "file", "filename", "file_name", "image_path")
LABEL_NAMES = ("label", "text", "word", "words", "transcription")

Parse = Callable[[str], tuple[str, str]]
"""Returns the path and the label in a line."""


class Columns(NamedTuple):
    """The columns of a CSV file: the names of all, and which of them are the path and the label."""

    names: list[str]
    path: str
    label: str


def read_label_file(labels: Path, images: Path) -> Iterator[LabelledPath | Problem]:
    """Read a label file line by line.

    The file extension gives the format: `.csv` (path and label, or a header that names these two among any columns),
    `.jsonl` or `.json` (one object per line, with a path and a label), anything else tab-separated `path<TAB>label`.
    The text is UTF-8, or UTF-16 with a byte order mark, with any line endings. Blank lines are skipped.

    Args:
        labels: the file.
        images: folder that relative paths start from.

    Yields:
        A `LabelledPath` or a `Problem` for each line. Whether the image exists is not checked here.

    Raises:
        ValueError: if the file cannot be opened, or is damaged UTF-16.
    """
    parse = {".csv": _parse_csv, ".jsonl": _parse_json, ".json": _parse_json}.get(labels.suffix.lower(), _parse_tsv)
    return _read_lines(labels, images, parse)


def read_space_separated(labels: Path, images: Path) -> Iterator[LabelledPath | Problem]:
    """Read lines of `path label`, separated by the first space, as public benchmarks ship them.

    Raises:
        ValueError: if the file cannot be opened.
    """
    return _read_lines(labels, images, _parse_space_separated)


def _read_lines(labels: Path, images: Path, parse: Parse) -> Iterator[LabelledPath | Problem]:
    try:
        raw = to_utf8(labels.read_bytes())
    except OSError as error:
        raise ValueError(f"cannot read label file {labels}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"label file {labels} is damaged: {error}; {SAVE_AS_UTF8}") from None
    may_be_header = True
    for number, line in enumerate(raw.splitlines(), start=1):
        if not line.strip():
            continue
        place = f"{labels}:{number}"
        first, may_be_header = may_be_header, False
        try:
            text = line.decode("utf-8")
            if first and parse is _parse_csv and (columns := _columns(text)) is not None:
                if len(columns.names) > 2:
                    found = (labels, columns.path, columns.label, ", ".join(columns.names))
                    logger.info("%s: read columns %s and %s of %s", *found)
                parse = partial(_parse_columns, columns=columns)
                continue
            path, label = parse(text)
            label.encode("utf-8")  # JSON can spell half a character
        except UnicodeDecodeError as error:
            yield Problem("malformed line", place, f"not UTF-8: {error}; if the whole file is not, {SAVE_AS_UTF8}")
            continue
        except (ValueError, csv.Error, RecursionError) as error:  # JSON may be nested deeply
            yield Problem("malformed line", place, str(error))
            continue
        if first and _column_name(path) in PATH_NAMES and _column_name(label) in LABEL_NAMES:
            continue
        if not label:
            yield Problem("empty label", place, f"no text for {path}")
        else:
            yield LabelledPath(images / path, label, place)


def _parse_tsv(line: str) -> tuple[str, str]:
    path, tab, label = line.partition("\t")
    if not tab or not path.strip() or "\t" in label.strip():
        is_space_separated = " " in line.strip() and "\t" not in line
        hint = "; `--format space_separated` reads path<SPACE>label" if is_space_separated else ""
        if "," in line and "\t" not in line and not hint:
            hint = "; a file of path,label is read if its name ends with .csv"
        raise ValueError(f"expected path<TAB>label, found {line[:80]!r}{hint}")
    return path.strip(), label.strip()


def _parse_space_separated(line: str) -> tuple[str, str]:
    path, space, label = line.strip().partition(" ")
    if not space or "\t" in line:
        raise ValueError(f"expected a path, one space and a label, without tabs, found {line[:80]!r}")
    return path, label.strip()


def _parse_csv(line: str) -> tuple[str, str]:
    fields = _fields(line)
    if len(fields) != 2 or not fields[0]:
        hint = "; separate them by commas" if len(fields) == 1 and ";" in line else ""
        raise ValueError(
            f"expected two columns, path,label, or first a line with the names of more, found {len(fields)} in "
            f"{line[:80]!r}{hint}"
        )
    return fields[0], fields[1]


def _parse_columns(line: str, columns: Columns) -> tuple[str, str]:
    fields = _fields(line)
    if len(fields) != len(columns.names):
        raise ValueError(
            f"expected {len(columns.names)} columns as in the first line, {','.join(columns.names)}, found "
            f"{len(fields)} in {line[:80]!r}"
        )
    record = dict(zip(columns.names, fields, strict=True))
    if not record[columns.path]:
        raise ValueError(f"no path in {line[:80]!r}")
    return record[columns.path], record[columns.label]


def _columns(line: str) -> Columns | None:
    """Return the columns of CSV if this line names them, a path and a label among them."""
    names = [_column_name(field) for field in _fields(line)]
    path, label = _path_and_label(names)
    return None if path is None or label is None else Columns(names, path, label)


def _column_name(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _path_and_label(names: Iterable[str]) -> tuple[str | None, str | None]:
    """Return which of these names are those of the path and of the label; None if there is none."""
    given = set(names)
    path, label = (next((name for name in known if name in given), None) for known in (PATH_NAMES, LABEL_NAMES))
    return path, label


def _fields(line: str) -> list[str]:
    return [field.strip() for field in next(csv.reader([line], strict=True, skipinitialspace=True), [])]


def _parse_json(line: str) -> tuple[str, str]:
    record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError(f"expected an object with a path and a label, found {line[:80]!r}")
    path, label = _path_and_label(record)
    if path is None or label is None:
        raise ValueError(f"expected a path and a label, found keys {', '.join(record)}")
    for name in (path, label):
        if not isinstance(record[name], str):
            raise ValueError(f"expected {name} as a string in quotes, found {json.dumps(record[name])[:80]}")
    return record[path], record[label].strip()
