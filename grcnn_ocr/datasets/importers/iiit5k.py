"""IIIT 5K-Words (Mishra et al., BMVC 2012): crops and a MATLAB structure array.

testdata.mat, traindata.mat             ImgName, GroundTruth, smallLexi (50 words), mediumLexi (1000 words)
testCharBound.mat, trainCharBound.mat   ImgName, chars, charBB: x y w h per character, in pixels counted from 1
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from grcnn_ocr.datasets.importers.records import Box, LabelledPath, Problem

LEXICONS = {"50": "smallLexi", "1k": "mediumLexi"}


def read_iiit5k(path: Path, images: Path) -> Iterator[LabelledPath | Problem]:
    """Read the words with their two lexicons, or with the box of each character.

    A character's box is as given: it may differ from the crop by a pixel or two.

    Raises:
        ValueError: if the file holds no such structure array.
    """
    name, array = _load(path)
    fields = array.dtype.names or ()
    text = "GroundTruth" if "GroundTruth" in fields else "chars"
    lexicons = {key: field for key, field in LEXICONS.items() if field in fields}
    for index, entry in enumerate(array):
        place = f"{path}: {name}({index + 1})"
        try:
            image, label = _string(entry["ImgName"]), _string(entry[text])
            lists = {key: _words(entry[field]) for key, field in lexicons.items()}
            characters = _boxes(entry["charBB"], label) if "charBB" in fields else None
        except ValueError as error:
            yield Problem("malformed entry", place, str(error))
            continue
        if not label:
            yield Problem("empty label", place, f"no text for {image}")
        else:
            yield LabelledPath(images / image, label, place, characters=characters, lexicons=lists)


def _load(path: Path) -> tuple[str, Any]:
    if not path.is_file():
        raise ValueError(f"cannot read {path}: no such file")
    try:
        contents = loadmat(path)
    except Exception as error:  # a broken file makes the parser raise almost anything
        raise ValueError(f"{path} cannot be read as a MATLAB file: {type(error).__name__}: {error}") from None
    for name, value in contents.items():
        fields = getattr(getattr(value, "dtype", None), "names", None) or ()
        if "ImgName" in fields and ("GroundTruth" in fields or "chars" in fields):
            return name, value.ravel()
    found = ", ".join(name for name in contents if not name.startswith("__")) or "nothing"
    raise ValueError(f"{path}: no structure array with ImgName and GroundTruth or chars; it holds {found}")


def _string(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size == 0:
        return ""
    if not isinstance(value, np.ndarray) or value.size != 1 or value.dtype.kind != "U":
        raise ValueError(f"expected a line of text, found {_shown(value)}")
    return str(value.item()).strip()


def _words(value: Any) -> tuple[str, ...]:
    words = tuple(sys.intern(_string(word)) for word in value.ravel()) if isinstance(value, np.ndarray) else ()
    if not words or any(not word or "," in word for word in words):
        raise ValueError(f"expected a cell array of words, found {_shown(value)}")
    return words


def _boxes(value: Any, label: str) -> tuple[Box, ...]:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "uif" or value.shape != (len(label), 4):
        raise ValueError(f"expected x y w h for each character of {label!r}, found {_shown(value)}")
    if not np.isfinite(value).all():
        raise ValueError(f"a box of {label!r} is not finite")
    left, top, width, height = value.astype(np.int64).T
    rows = np.stack([left - 1, top - 1, left - 1 + width, top - 1 + height], axis=1).tolist()
    return tuple((row[0], row[1], row[2], row[3]) for row in rows)


def _shown(value: Any) -> str:
    return f"{type(value).__name__} of shape {getattr(value, 'shape', '()')}: {str(value)[:60]}"
