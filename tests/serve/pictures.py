"""Valid and invalid pictures, as bytes."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from conftest import SAMPLES
from PIL import Image

CLOWN = (SAMPLES / "000000002.jpg").read_bytes()
"""A JPEG of 226 x 58 pixels, in colour, that reads "CLOWN"."""
ORIENTATION = 0x0112


def clown() -> Image.Image:
    return Image.open(io.BytesIO(CLOWN)).convert("RGB")


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def turned(image: Image.Image, kind: str) -> bytes:
    """Turn a picture on its side, with the EXIF tag that says so."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    return encoded(image.transpose(Image.Transpose.ROTATE_90), kind, exif=exif)


def tall(degrees: int) -> bytes:
    """Turn a picture clockwise by 90 or 270 degrees, without an EXIF tag."""
    return encoded(clown().rotate(-degrees, expand=True))


def sixteen_bits() -> bytes:
    gray = np.asarray(clown().convert("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(gray))


def with_alpha() -> Image.Image:
    """Dark letters on a transparent background."""
    gray = clown().convert("L")
    opacity = Image.fromarray(255 - np.asarray(gray))
    black = Image.new("L", gray.size)
    return Image.merge("RGBA", (black, black, black, opacity))


def animated(kind: str) -> bytes:
    frames = [clown(), Image.new("RGB", clown().size, "white")]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def png_header(width: int, height: int) -> bytes:
    """A PNG whose header declares a size, with almost no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
