"""The per-image lexicons that an LMDB comes with: files in its folder, or keys in its data."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from grcnn_ocr.datasets.lmdb_store import LmdbReader, lexicon_file
from grcnn_ocr.text.lexicon import Lexicon, join_words

logger = logging.getLogger(__name__)


def lists_of(reader: LmdbReader) -> dict[str, Lexicon]:
    """Return an LMDB's per-image lexicons, by the name of the file that each is in or would be in.

    A file with such a name that holds something else is logged.
    """
    found = {lexicon_file(name): lexicon for name, lexicon in reader.lexicons.items()}
    folder = reader.path if reader.path.is_dir() else reader.path.parent
    for path in sorted(folder.glob(lexicon_file("*"))):
        try:
            lexicon = Lexicon.load(path)
            lexicon.check_length(len(reader))
        except ValueError as error:
            logger.warning("left behind: %s", error)
            continue
        if lexicon.per_image:
            found[path.name] = lexicon
        else:
            logger.warning("left behind: %s does not hold one list per image", path)
    return found


def lists_of_all(readers: Sequence[LmdbReader]) -> dict[str, str]:
    """Return the files of the lexicons that all of several LMDBs have, concatenated; the others are logged."""
    each = [lists_of(reader) for reader in readers]
    files = {}
    for name in dict.fromkeys(name for found in each for name in found):
        if without := [str(reader.path) for reader, found in zip(readers, each, strict=True) if name not in found]:
            logger.warning("left behind: %s, which %s does not have", name, ", ".join(without))
        else:
            files[name] = "".join(text_of(found[name], range(len(found[name].lists))) for found in each)
    return files


def text_of(lexicon: Lexicon, images: Iterable[int]) -> str:
    """Return the text of a file with the lists of some images, numbered from 0."""
    return "".join(join_words(lexicon.words(index)) + "\n" for index in images)
