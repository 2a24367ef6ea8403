"""What can be learnt of a picture without decoding it: transparency, EXIF orientation, whether a JPEG is truncated."""

from __future__ import annotations

import struct
from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
"""First bytes of a file."""
JPEG_ALONE = (0x00, 0x01, *range(0xD0, 0xD8))
"""JPEG markers without a length after them: a stuffed zero, TEM, the restarts."""
ORIENTATION = 0x0112
"""The EXIF tag."""


def may_have_alpha(data: bytes) -> bool:
    """Tell whether a picture may be transparent; of formats other than PNG and JPEG only decoding tells."""
    if data.startswith(PNG):  # colour type, or a transparent colour
        return data[25:26] in (b"\x04", b"\x06") or any(kind == b"tRNS" for kind, _ in _chunks(data))
    return not data.startswith(JPEG)


def transparent_level(data: bytes) -> int | None:
    """Return the level that an 8-bit gray PNG declares transparent, or None; OpenCV ignores it."""
    if not data.startswith(PNG) or data[24:26] != b"\x08\x00":  # bit depth and colour type
        return None
    return next((content[1] for name, content in _chunks(data) if name == b"tRNS" and len(content) == 2), None)


def exif_orientation(data: bytes) -> int:
    """Return the EXIF orientation of a PNG or a WebP, 1 if it has none; OpenCV applies that of JPEG and TIFF itself."""
    exif = next((bytes(content) for name, content in _chunks(data) if name in (b"eXIf", b"EXIF")), b"")
    exif = exif.removeprefix(b"Exif\0\0")
    order = ">" if exif.startswith(b"MM") else "<"
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (num_entries,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(num_entries):
            tag, _, _, value = struct.unpack_from(order + "HHIH", exif, start + 2 + 12 * entry)
            if tag == ORIENTATION:
                return value
    except struct.error:  # none, or cut short
        pass
    return 1


def is_truncated_jpeg(data: bytes) -> bool:
    """Tell whether this is a JPEG whose scan has no end marker, which decoders may fill up with gray in silence."""
    if not data.startswith(JPEG):
        return False
    position = 2
    while 0 <= (position := data.find(b"\xff", position)) <= len(data) - 4:  # past stray bytes, as decoders go
        marker = data[position + 1]
        if marker == 0xDA:  # start of scan: entropy-coded data up to the end marker
            return data.find(b"\xff\xd9", position) < 0
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in JPEG_ALONE:
            position += 2
        else:
            position += 2 + struct.unpack(">H", data[position + 2 : position + 4])[0]
    return True


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield name and content of the chunks of a PNG or a WebP; of other formats nothing."""
    is_png = data.startswith(PNG)
    if not is_png and (data[:4] != b"RIFF" or data[8:12] != b"WEBP"):
        return
    position = 8 if is_png else 12
    while position + 8 <= len(data):
        if is_png:
            size, name = struct.unpack_from(">I4s", data, position)
        else:
            name, size = struct.unpack_from("<4sI", data, position)
        yield name, memoryview(data)[position + 8 : position + 8 + size]
        position += 8 + size + (4 if is_png else size % 2)  # a checksum; an even length
