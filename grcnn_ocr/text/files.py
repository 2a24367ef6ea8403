"""Text files of words, gzipped or not."""

from __future__ import annotations

import codecs
import gzip
import zlib
from pathlib import Path

GZIP = b"\x1f\x8b"


UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SAVE_AS_UTF8 = 'save it as UTF-8 (in Excel, as "CSV UTF-8")'


def read_text(path: Path, what: str) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 with a byte order mark, as Windows's PowerShell writes it.

    Args:
        path: of the file; gzip is recognised by its first bytes.
        what: names the file in errors.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is in another encoding, or damaged.
    """
    data = path.read_bytes()
    try:
        return to_utf8(gzip.decompress(data) if data.startswith(GZIP) else data).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{what} {path} is not UTF-8 text: {error}; {SAVE_AS_UTF8}") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{what} {path} is a damaged gzip file: {error}") from None


def to_utf8(data: bytes) -> bytes:
    """Return text without its byte order mark, in UTF-8 where the mark is that of UTF-16.

    Raises:
        UnicodeDecodeError: if it begins with the mark of UTF-16, but is not that.
    """
    return data.decode("utf-16").encode() if data.startswith(UTF16) else data.removeprefix(codecs.BOM_UTF8)
