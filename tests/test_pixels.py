"""Every kind of picture becomes a reading or a clear error."""

import io
import struct
from itertools import product

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from grcnn_ocr.loading import load_image
from grcnn_ocr.pixels import decode, to_grayscale, turned

RAMP = np.tile(np.linspace(0, 255, 60).astype(np.uint8), (20, 1))


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_lossless_pictures_decode_to_their_pixels(kind, mode):
    assert np.abs(decode(encode(Image.fromarray(RAMP).convert(mode), kind)).astype(int) - RAMP).max() <= 1


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpegs_decode_to_nearly_their_pixels(mode):
    found = decode(encode(Image.fromarray(RAMP).convert(mode), "JPEG", quality=95)).astype(int)
    assert np.abs(found - RAMP).mean() < 3


def test_16_bit_png_is_scaled_to_8_bits():
    assert (decode(encode(Image.fromarray(RAMP.astype(np.uint16) * 257), "PNG")) == RAMP).all()


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_16_bit_samples_may_hold_fewer_bits(bits):
    image = RAMP.astype(np.uint16) << (bits - 8)
    assert RAMP.max() == 255 and (to_grayscale(image) == RAMP).all()
    assert (decode(encode(Image.fromarray(image), "PNG")) == RAMP).all()


def test_one_bit_png():
    found = decode(encode(Image.fromarray(RAMP > 127), "PNG"))
    assert set(np.unique(found)) == {0, 255}


@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (255, 0)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "GIF"])
def test_transparency_lies_over_what_the_ink_stands_out_from(ink, ground, kind):
    pixels = np.zeros((20, 60, 4), np.uint8)
    pixels[5:15, 20:40] = (ink, ink, ink, 255)
    found = decode(encode(Image.fromarray(pixels), kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert (found[5:15, 20:40] == ink).all() and found[0, 0] == ground


def test_palette_with_transparency_is_laid_over_too():
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([0, 0, 0, 10, 10, 10])
    picture.putpixel((1, 1), 1)
    found = decode(encode(picture, "PNG", transparency=0))
    assert found[0, 0] == 255 and found[1, 1] == 10


@pytest.mark.parametrize(("mode", "key"), [("L", 0), ("RGB", (0, 0, 0)), ("P", 0)])
def test_a_transparent_color_is_transparent_in_files_and_in_pil_images(mode, key):
    pixels = np.zeros((20, 60), np.uint8)
    pixels[5:15, 20:40] = 40
    data = encode(Image.fromarray(pixels).convert(mode), "PNG", transparency=key)
    for found in (decode(data), load_image(Image.open(io.BytesIO(data)))):
        assert (found[5:15, 20:40] == 40).all() and found[0, 0] == 255


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def letter_like(ink: int) -> np.ndarray:
    """(20, 60) RGBA, different in every orientation: opaque and half-transparent ink on a transparent background."""
    pixels = np.zeros((20, 60, 4), np.uint8)
    pixels[2:8, 5:20] = (ink, ink, ink, 255)
    pixels[12:15, 40:50] = (ink, ink, ink, 128)
    return pixels


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "L"), ("JPEG", "RGB"), *product(("PNG", "WEBP", "TIFF"), ("L", "RGB", "P", "RGBA")), ("PNG", "LA")],
)
def test_exif_orientation_is_applied(kind, mode, orientation):
    lossless = {"lossless": True} if kind == "WEBP" else {}
    pixels = letter_like(0) if mode in ("LA", "RGBA") else letter_like(200)[:, :, 0]
    picture = Image.fromarray(pixels).convert(mode)
    plain = decode(encode(picture, kind, **lossless))
    found = decode(encode(picture, kind, exif=oriented(orientation), **lossless))
    as_it_lies = Image.fromarray(plain)
    as_it_lies.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(as_it_lies))
    assert found.shape == expected.shape and np.abs(found.astype(int) - expected).max() <= (12 if kind == "JPEG" else 0)
    assert (found.shape == (60, 20)) == (orientation >= 5)


@pytest.mark.parametrize(
    "block", [b"", b"MM", b"II*\0\xff\xff\xff\xff", oriented(6).tobytes()[6:-8], oriented(9).tobytes()]
)
def test_exif_that_is_broken_turns_nothing(block):
    data = encode(Image.fromarray(letter_like(0)), "PNG", exif=block)
    assert decode(data).shape == (20, 60)


@pytest.mark.parametrize("samples", [np.int8, np.int16, np.int32, np.float64])
def test_a_tiff_of_samples_that_are_no_gray_levels_is_an_error(samples):
    data = cv2.imencode(".tiff", np.full((20, 40, 4), 100, samples))[1].tobytes()
    with pytest.raises(ValueError, match="an image is uint8|a floating-point image must"):
        decode(data)


def test_exif_of_either_byte_order_after_a_large_chunk_is_found():
    picture = Image.fromarray(letter_like(0)).convert("P")
    little = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    for block in (little, oriented(6).tobytes()):
        data = encode(picture, "PNG", transparency=0, exif=block, icc_profile=np.random.default_rng(0).bytes(9000))
        assert data.find(b"tRNS") > 4096
        assert decode(data).shape == (60, 20) and decode(data)[0, 0] == 255


def test_exif_of_a_webp_may_begin_with_its_name():
    data = encode(Image.fromarray(letter_like(0)), "WEBP", lossless=True, exif=oriented(6))
    at = data.index(b"EXIF")
    block = b"Exif\0\0" + data[at + 8 :]
    data = data[:at] + b"EXIF" + struct.pack("<I", len(block)) + block
    data = b"RIFF" + struct.pack("<I", len(data) - 8) + data[8:]
    assert decode(data).shape == (60, 20)


@pytest.mark.parametrize("ink", [0, 255])
def test_every_opacity_of_every_gray_is_laid_over_exactly(ink):
    gray, alpha = np.meshgrid(np.arange(256), np.arange(256))
    mass = np.full((1000, 256), ink)  # which decides for the ground
    pixels = np.dstack([np.vstack([gray, mass])] * 3 + [np.vstack([alpha, np.full_like(mass, 255)])]).astype(np.uint8)
    expected = (gray * alpha + (255 - ink) * (255 - alpha)) / 255
    assert (to_grayscale(pixels)[:256] == np.floor(expected + 0.5)).all()


@given(st.integers(0, 255), st.integers(1, 255), st.integers(1, 40))
def test_the_ground_is_white_where_the_ink_is_dark(ink, opacity, width):
    pixels = np.zeros((3, width + 1, 4), np.uint8)
    pixels[:, :width] = (ink, ink, ink, opacity)
    assert to_grayscale(pixels)[0, width] == (255 if ink < 128 else 0)


def test_a_picture_of_nothing_is_white():
    assert (to_grayscale(np.zeros((3, 5, 4), np.uint8)) == 255).all()


@given(height=st.integers(1, 9), width=st.integers(1, 9))
def test_an_image_is_turned_clockwise(height, width):
    image = np.arange(height * width, dtype=np.uint8).reshape(height, width)
    quarter = turned(image, 90)
    assert quarter.shape == (width, height) and (quarter[0] == image[::-1, 0]).all()
    assert (turned(quarter, 270) == image).all() and (turned(image, 0) == image).all()


def test_opencv_logs_nothing_of_a_bad_picture_beside_the_error(capfd):
    with pytest.raises(ValueError, match="OpenCV"):
        decode(b"II*\0junkjunkjunk")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("part", [0.3, 0.7, 0.95])
def test_truncated_jpeg_is_an_error(part):
    data = encode(Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 90), np.uint8)), "JPEG")
    with pytest.raises(ValueError, match="truncated"):
        decode(data[: int(part * len(data))])


def test_truncated_jpeg_with_an_end_marker_in_its_thumbnail_is_an_error():
    thumbnail = encode(Image.fromarray(RAMP), "JPEG")
    data = encode(Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 90), np.uint8)), "JPEG")
    segment = b"\xff\xe2" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    whole = data[:2] + segment + data[2:]
    assert decode(whole).shape == (40, 90)
    with pytest.raises(ValueError, match="truncated"):
        decode(whole[:-200])


@pytest.mark.parametrize("stray", [b"\0\0", b"\x12", b"\xff\xff", b"\xff\0", b"\xff\xd0", b"\0\xff\0\0"])
def test_stray_bytes_between_the_segments_of_a_jpeg_are_skipped(stray):
    data = encode(Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 90), np.uint8)), "JPEG")
    end = 4 + int.from_bytes(data[4:6], "big")  # of the first segment
    strayed = data[:end] + stray + data[end:]
    assert (decode(strayed) == decode(data)).all()
    with pytest.raises(ValueError, match="truncated"):
        decode(strayed[:-200])


@pytest.mark.parametrize(
    ("data", "message"), [(b"", "empty"), (b"not a picture", "not a picture"), (b"\xff\xd8", "truncated")]
)
def test_what_is_no_picture_is_an_error(data, message):
    with pytest.raises(ValueError, match=message):
        decode(data)


def test_truncated_png_is_an_error():
    data = encode(Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 90), np.uint8)), "PNG")
    with pytest.raises(ValueError, match="not a picture"):
        decode(data[: len(data) // 2])


@pytest.mark.parametrize(
    "array",
    [
        RAMP,
        RAMP[:, :, None],
        np.dstack([RAMP] * 3),
        RAMP.astype(np.uint16) * 257,
        RAMP / 255,
        np.dstack([RAMP] * 3) / 255,
    ],
)
def test_arrays_of_every_kind_become_the_same_gray(array):
    assert np.abs(to_grayscale(array).astype(int) - RAMP).max() <= 1


def test_colours_are_taken_as_rgb():
    red = np.zeros((2, 2, 3), np.uint8)
    red[:, :, 0] = 255
    assert to_grayscale(red)[0, 0] == 76 == cv2.cvtColor(red, cv2.COLOR_RGB2GRAY)[0, 0]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2, 2), np.uint8), "shape"),
        (np.zeros((0, 5), np.uint8), "empty"),
        (np.zeros((2, 2), np.int64), "int64"),
        (np.full((2, 2), 255.0), "from 0 to 1"),
        (np.full((2, 2), np.nan), "from 0 to 1"),
        (np.zeros(4, np.uint8), "shape"),
    ],
)
def test_arrays_that_are_no_images_are_errors(array, message):
    with pytest.raises(ValueError, match=message):
        to_grayscale(array)
