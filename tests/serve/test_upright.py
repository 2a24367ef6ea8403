"""Tall pictures, which may hold text that was turned."""

import base64

import pytest
from conftest import SAMPLES
from PIL import Image
from serve.client import served
from serve.pictures import CLOWN, clown, encoded, tall

pytest.importorskip("fastapi", reason="the serve extra is absent: no test of the server did run")
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.serve.app import create_app
from grcnn_ocr.serve.limits import Limits

CRYSTAL = (SAMPLES / "000000001.jpg").read_bytes()
TALL, FALLEN = tall(90), tall(270)
MIXED = [TALL, CRYSTAL, b"hello", FALLEN, CLOWN, TALL]
"""Turned, not, none, turned the other way, not, turned."""


@pytest.fixture(scope="module")
def once():
    """The released weights, without a second look, so that every picture the network sees is one of a request."""
    return Recognizer(device="cpu", second_look=False)


def by_form(server, pictures, **options):
    return server.read(*pictures, **{name: str(value).lower() for name, value in options.items()})


def by_json(server, pictures, **options):
    return server.read_json(images=[base64.b64encode(data).decode() for data in pictures], **options)


def results(reply):
    """Return the results without their names, which only a form gives."""
    assert reply.status == 200
    return [{key: value for key, value in result.items() if key != "name"} for result in reply.json["results"]]


@pytest.mark.parametrize("ask", [by_form, by_json])
def test_tall_and_wide_pictures_are_read_as_the_recogniser_reads_them(server, recognizer, ask):
    found = results(ask(server, MIXED, upright=True, num_best=2))
    assert found.pop(2)["error"]["code"] == "not_an_image"
    expected = recognizer.read_many(
        [data for data in MIXED if data != b"hello"], upright=True, num_best=2, characters=True
    )
    assert [result["rotation"] for result in found] == [270, 0, 90, 0, 270]
    assert [result["text"] for result in found] == ["CLOWN", expected[1].text, "CLOWN", "CLOWN", "CLOWN"]
    for result, prediction in zip(found, expected, strict=True):
        assert (result["text"], result["rotation"]) == (prediction.text, prediction.rotation)
        assert result["confidence"] == pytest.approx(prediction.confidence, abs=1e-4)
        assert [a["text"] for a in result["alternatives"]] == [a.text for a in prediction.alternatives]
        assert [c["left"] for c in result["characters"]] == [c.left for c in prediction.characters]
        assert [c["right"] for c in result["characters"]] == [c.right for c in prediction.characters]
    assert [(result["width"], result["height"]) for result in found[2:4]] == [(58, 226), (226, 58)]


@pytest.mark.parametrize("options", [{}, {"upright": False}])
@pytest.mark.parametrize("ask", [by_form, by_json])
def test_nothing_is_turned_unless_asked(server, recognizer, ask, options):
    found = results(ask(server, [TALL, CLOWN, FALLEN], **options))
    expected = recognizer.read_many([TALL, CLOWN, FALLEN])
    assert [(result["text"], result["rotation"]) for result in found] == [(p.text, 0) for p in expected]
    assert found[0]["text"] != "CLOWN" and found[2]["text"] != "CLOWN"


def test_a_list_holds_for_every_way(server):
    found = results(by_json(server, MIXED, upright=True, lexicon=["Clown", "Crystal"]))
    del found[2]
    assert [result["text"] for result in found] == ["Clown", "Crystal", "Clown", "Clown", "Clown"]
    assert all(result["from_lexicon"] for result in found)


def test_the_network_sees_a_tall_picture_three_times_and_a_wide_one_once(once):
    with served(create_app(once)) as client:
        seen = []
        for options in ({}, {"upright": "true"}):
            client.read(TALL, CLOWN, **options)
            seen.append(client.get("/health").json["images"])
    assert seen == [2, 2 + 4]


def test_a_request_of_more_than_may_wait_is_read_when_none_does(recognizer):
    with served(create_app(recognizer, limits=Limits(images=2, waiting=2))) as client:
        found = results(client.read(TALL, FALLEN, upright="true"))
    assert [result["text"] for result in found] == ["CLOWN", "CLOWN"]


def test_every_way_counts_towards_the_pixels_of_a_request(recognizer):
    with served(create_app(recognizer, limits=Limits(image_pixels=226 * 58))) as client:
        plain = results(client.read(*[TALL] * 3))
        found = results(client.read(TALL, CLOWN, CLOWN, upright="true"))
    assert [result["rotation"] for result in plain] == [0, 0, 0]
    assert [result.get("text") for result in found] == ["CLOWN", "CLOWN", None]
    assert found[2]["error"]["code"] == "too_many_pixels"


def test_a_picture_may_be_as_high_as_another_is_wide(server):
    pictures = [encoded(Image.new("L", size)) for size in ((320, 10), (10, 320), (321, 10), (10, 321))]
    found = results(server.read(*pictures, upright="true"))
    codes = [result["error"]["code"] if "error" in result else "read" for result in found]
    assert codes == ["read", "read", "out_of_proportion", "out_of_proportion"]


def test_a_picture_that_is_not_tall_enough_stays_as_it_is(once):
    with served(create_app(once)) as client:
        client.read(encoded(clown().resize((40, 60))), upright="true", lexicon="clown\ncrystal")
        assert client.get("/health").json["images"] == 1
        client.read(encoded(clown().resize((40, 61))), upright="true", lexicon="clown\ncrystal")
        assert client.get("/health").json["images"] == 1 + 3
