"""Limits of a request, and opening untrusted pictures: the header is checked before the picture is decoded."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass

from PIL import Image

from grcnn_ocr.loading import load_image
from grcnn_ocr.pixels import Pixels
from grcnn_ocr.serve import MAX_PIXELS

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
"""Accepted formats, by Pillow's names; OpenCV orients other formats differently, or cannot read them."""
MEGABYTE = 1_000_000

_decoding = threading.BoundedSemaphore(2)
"""Limits how many pictures are decoded at once, which takes the most memory."""


@dataclass(frozen=True)
class Limits:
    """What is accepted.

    Attributes:
        image_bytes: of one encoded picture.
        image_pixels: of one picture, by its header.
        min_height: of a picture, in pixels; text is never smaller.
        images: in one request.
        words: in one list.
        word_length: characters of a word.
        num_best: alternatives.
        waiting: images that wait for the network, one read in three rotations counted three times; beyond that,
            requests are told to try again.
        requests: handled at the same time.
        seconds: for a request to arrive.
    """

    image_bytes: int = 8 * MEGABYTE
    image_pixels: int = MAX_PIXELS
    min_height: int = 4
    images: int = 64
    words: int = 20_000
    word_length: int = 100
    num_best: int = 10
    waiting: int = 512
    requests: int = 32
    seconds: float = 60.0

    @property
    def request_bytes(self) -> int:
        """Of a whole request, base64 and all."""
        return 4 * self.image_bytes

    @property
    def request_pixels(self) -> int:
        """Of all pictures of a request, one read in three rotations counted three times."""
        return 4 * self.image_pixels


class RefusedError(ValueError):
    """A request, or a picture of it, that is not served.

    Args:
        code: for programs.
        message: for people: what was found, what was expected.
        status: HTTP status, if the whole request is refused.
    """

    def __init__(self, code: str, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def open_picture(data: bytes, limits: Limits, widest: float, pixels_left: int) -> Pixels:
    """Decode a picture to grayscale (H, W), if it is complete, not animated and within the limits.

    Args:
        data: the encoded picture.
        limits: what is accepted.
        widest: the largest ratio of the longer to the shorter side.
        pixels_left: pixels that the request may still hold.

    Raises:
        RefusedError: saying why.
    """
    if not data:
        raise RefusedError("empty", "the file is empty (0 bytes)")
    if len(data) > limits.image_bytes:
        raise RefusedError(
            "too_many_bytes", f"{len(data)} bytes; at most {limits.image_bytes} are accepted: crop the word"
        )
    header = _header(data, limits)
    width, height = header.size
    if width * height > limits.image_pixels:
        raise RefusedError(
            "too_many_pixels",
            f"{width} x {height} pixels; at most {limits.image_pixels} in all are accepted: crop the word",
        )
    if width * height > pixels_left:
        raise RefusedError(
            "too_many_pixels", f"the pictures before this one hold most of {limits.request_pixels} pixels"
        )
    if _is_animated(header):
        raise RefusedError("animated", f"a {header.format} of several pictures; send the one that is to be read")
    with _decoding:
        pixels = _decoded(data)
    if pixels.size != width * height:
        raise RefusedError(
            "undecodable", f"the header says {width} x {height}, the picture is {pixels.shape[1]} x {pixels.shape[0]}"
        )
    height, width = pixels.shape
    if height < limits.min_height:
        raise RefusedError(
            "too_small", f"{width} x {height} pixels; no text is less than {limits.min_height} pixels high"
        )
    if width > widest * height or height > widest * width:
        raise RefusedError(
            "out_of_proportion",
            f"{width} x {height} pixels; one side is at most {widest:g} times the other: crop single words",
        )
    return pixels


def _header(data: bytes, limits: Limits) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):  # it does not say of what size
        message = f"too many pixels; at most {limits.image_pixels} in all are accepted: crop the word"
        raise RefusedError("too_many_pixels", message) from None
    except Exception:  # an untrusted header may make Pillow raise anything
        raise RefusedError("not_an_image", f"not a picture, or a broken one, or none of {', '.join(FORMATS)}") from None


def _is_animated(header: Image.Image) -> bool:
    """Tell whether a file holds several pictures; the second one of a phone's JPEG (MPO) only assists the first."""
    if header.format == "MPO":
        return False
    try:
        return bool(getattr(header, "is_animated", False))  # `n_frames` would go through all of them
    except Exception:
        raise RefusedError("undecodable", f"a broken {header.format}") from None


def _decoded(data: bytes) -> Pixels:
    try:
        return load_image(data)
    except MemoryError:
        raise
    except Exception as error:  # untrusted data may make a decoder raise anything
        raise RefusedError("undecodable", str(error)) from None
