"""Text files of words, gzipped or not."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

GZIP = b"\x1f\x8b"


def read_text(path: Path, what: str) -> str:
    """Return the text of a UTF-8 file, without a byte order mark.

    Args:
        path: of the file; gzip is recognised by its first bytes.
        what: names the file in errors.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is not UTF-8 text, or damaged.
    """
    data = path.read_bytes()
    try:
        return (gzip.decompress(data) if data.startswith(GZIP) else data).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{what} {path} is not UTF-8 text: {error}") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{what} {path} is a damaged gzip file: {error}") from None
