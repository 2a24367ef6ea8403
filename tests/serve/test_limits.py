import pytest
from PIL import Image
from serve.pictures import CLOWN, animated, clown, encoded, png_header, sixteen_bits, turned, with_alpha

fastapi = pytest.importorskip("fastapi", reason="the serve extra is absent: no test of the server did run")

READ = {
    "jpeg": CLOWN,
    "png": encoded(clown()),
    "webp": encoded(clown(), "WEBP"),
    "bmp": encoded(clown(), "BMP"),
    "tiff": encoded(clown(), "TIFF"),
    "gif of one picture": encoded(clown(), "GIF"),
    "palette": encoded(clown().quantize(32)),
    "16 bits": sixteen_bits(),
    "cmyk": encoded(clown().convert("CMYK"), "JPEG", quality=95),
    "alpha": encoded(with_alpha()),
    "gray and alpha": encoded(with_alpha().convert("LA")),
    "turned jpeg": turned(clown(), "JPEG"),
    "turned png": turned(clown(), "PNG"),
    "turned webp": turned(clown(), "WEBP"),
    "turned tiff": turned(clown(), "TIFF"),
    "turned alpha": turned(with_alpha(), "PNG"),
}
REFUSED = {
    "empty": (b"", "empty"),
    "text": (b"hello", "not_an_image"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not_an_image"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not_an_image"),
    "avif": (encoded(clown(), "AVIF") if "AVIF" in Image.SAVE else b"", "not_an_image"),
    "a header alone": (CLOWN[:20], "not_an_image"),
    "truncated jpeg": (CLOWN[: len(CLOWN) // 2], "undecodable"),
    "truncated png": (encoded(clown())[:4000], "undecodable"),
    "truncated turned png": (turned(with_alpha(), "PNG")[:4000], "undecodable"),
    "truncated webp": (encoded(clown(), "WEBP")[:1000], "not_an_image"),
    "truncated bmp": (encoded(clown(), "BMP")[:3000], "undecodable"),
    "truncated tiff": (encoded(clown(), "TIFF")[:3000], "undecodable"),
    "animated gif": (animated("GIF"), "animated"),
    "animated png": (animated("PNG"), "animated"),
    "animated webp": (animated("WEBP"), "animated"),
    "tiff of two pages": (animated("TIFF"), "animated"),
    "1x1": (encoded(Image.new("L", (1, 1))), "too_small"),
    "three pixels high": (encoded(Image.new("L", (30, 3))), "too_small"),
    "20,000 pixels wide": (encoded(Image.new("L", (20_000, 40))), "out_of_proportion"),
    "20,000 pixels high": (encoded(Image.new("L", (40, 20_000))), "out_of_proportion"),
    "many pixels": (png_header(5000, 5000), "too_many_pixels"),
    "a bomb": (png_header(10_000, 10_000), "too_many_pixels"),
    "a larger one": (png_header(60_000, 60_000), "too_many_pixels"),
    "many bytes": (CLOWN + bytes(8_000_000), "too_many_bytes"),
}


@pytest.mark.parametrize("kind", READ)
def test_picture_is_read(server, kind):
    (result,) = server.read(READ[kind]).json["results"]
    assert (result.get("text"), result.get("width"), result.get("height")) == ("CLOWN", 226, 58)
    edges = [(character["left"], character["right"]) for character in result["characters"]]
    assert all(0 <= left < right <= 226 for left, right in edges)


@pytest.mark.parametrize("kind", REFUSED)
def test_picture_is_refused_and_the_others_are_read(server, kind):
    data, code = REFUSED[kind]
    if kind == "avif" and not data:
        pytest.skip("this Pillow writes no AVIF: that one is refused was not tested")
    reply = server.read(("bad", data), CLOWN)
    bad, good = reply.json["results"]
    assert reply.status == 200 and good["text"] == "CLOWN"
    assert bad["name"] == "bad" and bad["error"]["code"] == code
    assert len(bad["error"]["message"]) > 10


@pytest.mark.parametrize("size", [(4001, 4000), (20_000, 20_000)])
def test_the_limit_of_pixels_that_is_told_is_the_servers(server, size):
    (result,) = server.read(png_header(*size)).json["results"]
    assert "pixels; at most 16000000 in all are accepted: crop the word" in result["error"]["message"]


def test_a_request_of_too_many_pixels_is_read_as_far_as_it_goes(recognizer):
    from serve.client import served

    from grcnn_ocr.serve.app import create_app
    from grcnn_ocr.serve.limits import Limits

    with served(create_app(recognizer, limits=Limits(image_pixels=226 * 58))) as client:
        results = client.read(*[CLOWN] * 5).json["results"]
    assert [result.get("text") for result in results] == ["CLOWN"] * 4 + [None]
    assert results[4]["error"]["code"] == "too_many_pixels"
