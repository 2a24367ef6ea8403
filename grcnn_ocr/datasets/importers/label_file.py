"""A folder of crops and a label file: TSV, CSV, JSON lines, or path and label separated by a space."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from grcnn_ocr.datasets.importers.records import LabelledPath, Problem

PATH_NAMES = ("path", "image", "file", "filename", "file_name", "image_path")
LABEL_NAMES = ("label", "text", "word", "words", "transcription")


def read_label_file(labels: Path, images: Path) -> Iterator[LabelledPath | Problem]:
    """Read a label file line by line.

    The file extension gives the format: `.csv` (two columns, optionally a header), `.jsonl` or `.json` (one object
    per line, with a path and a label), anything else tab-separated `path<TAB>label`. The text is UTF-8, with or without
    a byte-order mark, with any line endings. Blank lines are skipped.

    Args:
        labels: the file.
        images: folder that relative paths start from.

    Yields:
        A `LabelledPath` or a `Problem` for each line. Whether the image exists is not checked here.

    Raises:
        ValueError: if the file cannot be opened.
    """
    parse = {".csv": _parse_csv, ".jsonl": _parse_json, ".json": _parse_json}.get(labels.suffix.lower(), _parse_tsv)
    return _read_lines(labels, images, parse)


def read_space_separated(labels: Path, images: Path) -> Iterator[LabelledPath | Problem]:
    """Read lines of `path label`, separated by the first space, as public benchmarks ship them.

    Raises:
        ValueError: if the file cannot be opened.
    """
    return _read_lines(labels, images, _parse_space_separated)


def _read_lines(
    labels: Path, images: Path, parse: Callable[[str], tuple[str, str]]
) -> Iterator[LabelledPath | Problem]:
    try:
        raw = labels.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read label file {labels}: {error.strerror}") from None
    may_be_header = True
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        if not line.strip():
            continue
        place = f"{labels}:{number}"
        first, may_be_header = may_be_header, False
        try:
            path, label = parse(line.decode("utf-8"))
            label.encode("utf-8")  # JSON can spell half a character
        except (ValueError, csv.Error, RecursionError) as error:  # bad UTF-8 is a ValueError; JSON may be nested deeply
            yield Problem("malformed line", place, str(error))
            continue
        if first and path.lower() in PATH_NAMES and label.lower() in LABEL_NAMES:
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
        raise ValueError(f"expected path<TAB>label, found {line[:80]!r}{hint}")
    return path.strip(), label.strip()


def _parse_space_separated(line: str) -> tuple[str, str]:
    path, space, label = line.strip().partition(" ")
    if not space or "\t" in line:
        raise ValueError(f"expected a path, one space and a label, without tabs, found {line[:80]!r}")
    return path, label.strip()


def _parse_csv(line: str) -> tuple[str, str]:
    fields = next(csv.reader([line], strict=True, skipinitialspace=True), [])
    if len(fields) != 2 or not fields[0].strip():
        raise ValueError(f"expected two columns, path,label, found {len(fields)} in {line[:80]!r}")
    return fields[0].strip(), fields[1].strip()


def _parse_json(line: str) -> tuple[str, str]:
    record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError(f"expected an object with a path and a label, found {line[:80]!r}")
    path, label = (next((record[key] for key in names if key in record), None) for names in (PATH_NAMES, LABEL_NAMES))
    if not isinstance(path, str) or not isinstance(label, str):
        raise ValueError(f"expected a path and a label as strings, found keys {', '.join(record)}")
    return path, label.strip()
