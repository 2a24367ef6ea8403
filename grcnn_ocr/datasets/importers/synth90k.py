"""Synth90k, or MJSynth (Jaderberg et al., 2014): annotation*.txt of lines `./2425/1/115_Lube_45484.jpg 45484`.

The label, with its case, is part of the file name; the number is that of its line in lexicon.txt, from 0. In imlist.txt
the number is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from grcnn_ocr.datasets.importers.records import LabelledPath, Problem
from grcnn_ocr.datasets.importers.text_files import read_lines

NAME = re.compile(r"\d+_(.+)_(\d+)")


def read_synth90k(path: Path, images: Path) -> Iterator[LabelledPath | Problem]:
    """Read the lines one by one, since there are nine million.

    A file whose name holds no label takes it from lexicon.txt beside the annotation.

    Raises:
        ValueError: if the file cannot be read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None

    @cache
    def lexicon() -> list[str]:
        beside = path.with_name("lexicon.txt")
        return read_lines(beside) if beside.is_file() else []

    with file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            place = f"{path}:{number}"
            try:
                fields = line.decode("utf-8-sig").split()
            except UnicodeDecodeError as error:
                yield Problem("malformed line", place, str(error))
                continue
            index = int(fields[1]) if len(fields) == 2 and re.fullmatch("[0-9]{1,9}", fields[1]) else None
            if len(fields) > 2 or (len(fields) == 2 and index is None):
                yield Problem("malformed line", place, f"expected a path and a number, found {line[:80]!r}")
                continue
            name = NAME.fullmatch(PurePosixPath(fields[0]).stem)
            if name is not None and index is not None and int(name[2]) != index:
                yield Problem("contradiction", place, f"{fields[0]} is number {name[2]}, the line says {index}")
            elif name is not None:
                yield LabelledPath(images / fields[0], name[1], place)
            elif index is not None and index < len(lexicon()) and lexicon()[index]:
                yield LabelledPath(images / fields[0], lexicon()[index], place)
            else:
                detail = f"neither the name {fields[0]!r} (expected N_word_N.jpg) nor lexicon.txt tells the word"
                yield Problem("no label", place, detail)
