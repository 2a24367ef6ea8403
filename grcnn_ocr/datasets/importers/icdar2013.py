r"""ICDAR 2013 and 2015 word recognition (Karatzas et al.): crops and a GT.txt of lines `word_1.png, "label"`.

In a label, \" stands for a quote and \\ for a backslash; commas need no escape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from grcnn_ocr.datasets.importers.records import LabelledPath, Problem
from grcnn_ocr.datasets.importers.text_files import read_lines

LINE = re.compile(r'([^,"\t]+?)\s*,\s*"(.*)"')


def read_icdar2013(path: Path, images: Path) -> Iterator[LabelledPath | Problem]:
    """Read the lines; blank ones are skipped.

    Raises:
        ValueError: if the file cannot be read.
    """
    for number, line in enumerate(read_lines(path), start=1):
        if not line:
            continue
        place = f"{path}:{number}"
        match = LINE.fullmatch(line)
        if match is None:
            yield Problem("malformed line", place, f'expected image, "label", found {line[:80]!r}')
        elif not (label := re.sub(r'\\(["\\])', r"\1", match[2]).strip()):
            yield Problem("empty label", place, f"no text for {match[1]}")
        else:
            yield LabelledPath(images / match[1], label, place)
