"""JPEGs that lack some of their pixels but not their end marker, which decoders pass over in silence."""

from __future__ import annotations

from io import BytesIO

from PIL.JpegImagePlugin import JpegImageFile

from grcnn_ocr.preprocess import jpeg_end

FILLER = b"\x5a" + bytes(range(1, 255, 4))
"""Without a marker; decoded it is noise, and not from its first bits the end of a block, as zeros may be."""


def is_cut_short(data: bytes) -> bool:
    """Tell whether a JPEG's data end before its last pixel; of other pictures, no.

    A decoder takes zeros for what is missing, and passes over what stands between the last pixel and the end marker.
    So noise put before that marker changes the picture if, and only if, data are missing. What may go unnoticed: a few
    bytes, or all from a restart marker or the start of a later scan on.
    """
    if data[:2] != b"\xff\xd8" or (end := jpeg_end(data)) < 0:
        return False
    try:
        pixels = _pixels(data)
    except Exception:  # Pillow raises many kinds; whether it can be decoded is for OpenCV to say
        return False
    try:
        return _pixels(data[:end].rstrip(b"\xff") + FILLER + data[end:]) != pixels
    except OSError:
        return True


def _pixels(data: bytes) -> bytes:
    with JpegImageFile(BytesIO(data)) as image:  # Image.open would refuse, or warn of, a large one
        return image.tobytes()
