import base64
import http.client
import json
import logging
import socket
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from importlib.resources import files
from threading import Event

import pytest
from conftest import SAMPLES
from serve.client import served
from serve.pictures import CLOWN

from grcnn_ocr.decoding.confidence import Calibration
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.releases import DEFAULT
from grcnn_ocr.text.charset import CHARSETS
from grcnn_ocr.weights import find_weights, load_weights

pytest.importorskip("fastapi", reason="the serve extra is absent: no test of the server did run")
from grcnn_ocr.serve.app import ADDRESSES, create_app
from grcnn_ocr.serve.limits import Limits

CRYSTAL = (SAMPLES / "000000001.jpg").read_bytes()


def error(reply):
    """Return status and code of a request that is refused as a whole, in the one shape of errors."""
    assert set(reply.json) == {"error"} and set(reply.json["error"]) == {"code", "message"}
    assert reply.json["error"]["message"]
    return reply.status, reply.json["error"]["code"]


def test_form_and_json_give_the_same_answer_as_the_recogniser(server, recognizer):
    by_form = server.read(("a.jpg", CLOWN), ("b.jpg", CRYSTAL), num_best="2").json
    images = [base64.b64encode(data).decode() for data in (CLOWN, CRYSTAL)]
    by_json = server.read_json(images=images, num_best=2).json
    assert [result.pop("name") for result in by_form["results"]] == ["a.jpg", "b.jpg"]
    assert [result.pop("name") for result in by_json["results"]] == ["image 1", "image 2"]
    assert by_form == by_json and by_form["model"] == DEFAULT
    expected = recognizer.read_many([CLOWN, CRYSTAL], num_best=2, characters=True)
    for result, prediction in zip(by_form["results"], expected, strict=True):
        assert result["text"] == prediction.text and result["from_lexicon"] is False
        assert result["confidence"] == pytest.approx(prediction.confidence, abs=1e-4)
        assert [a["text"] for a in result["alternatives"]] == [a.text for a in prediction.alternatives]
        assert [c["left"] for c in result["characters"]] == [c.left for c in prediction.characters]
    assert (by_form["results"][0]["width"], by_form["results"][0]["height"]) == (226, 58)


def test_a_list_changes_the_answer_and_names_what_it_cannot_use(server):
    answer = server.read(CRYSTAL, lexicon="Crystal\r\n\n  clown \n日本\n").json
    (result,) = answer["results"]
    assert result["text"] == "Crystal" and result["from_lexicon"] is True
    assert answer["ignored_words"] == ["日本"]
    free = server.read(CRYSTAL).json["results"][0]["text"]
    assert server.read(CRYSTAL, lexicon=" \n").json["results"][0]["text"] == free


def test_impossible_words_are_null_in_their_logarithm(server):
    (result,) = server.read(CLOWN, lexicon="w" * 90).json["results"]
    assert result["log_likelihood"] is None and result["confidence"] == 0 and result["characters"] is None


def test_a_language_model_reads_as_the_recogniser_does_with_it(server, recognizer):
    assert server.get("/models").json["language_models"] == ["english"]
    found = server.read(CLOWN, CRYSTAL, language_model="english").json["results"]
    expected = recognizer.read_many([CLOWN, CRYSTAL], language_model="english")
    assert [result["text"] for result in found] == [prediction.text for prediction in expected]
    assert found[1]["log_likelihood"] == pytest.approx(expected[1].log_likelihood, abs=1e-3)


def test_allowed_characters_and_no_places(server):
    (result,) = server.read(CLOWN, allowed="clon", characters="false").json["results"]
    assert set(result["text"]) <= set("clon") and result["characters"] is None


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"num_best": "0"}, 422, "bad_request"),
        ({"num_best": "11"}, 422, "bad_request"),
        ({"nbest": "2"}, 422, "bad_request"),
        ({"pattern": "(a|aa)*"}, 422, "bad_request"),
        ({"upright": "perhaps"}, 422, "bad_request"),
        ({"open_lexicon": "true"}, 422, "bad_request"),
        ({"open_gap": "nan", "lexicon": "a"}, 422, "bad_request"),
        ({"allowed": "abc", "lexicon": "a"}, 422, "bad_request"),
        ({"language_model": "english", "lexicon": "a"}, 422, "bad_request"),
        ({"language_model": "klingon"}, 422, "bad_request"),
        ({"language_model": "../released/english.npz"}, 422, "bad_request"),
        ({"allowed": "日"}, 422, "bad_request"),
        ({"allowed": "a" * 1001}, 422, "bad_request"),
        ({"lexicon": "日本"}, 422, "bad_request"),
        ({"lexicon": "a" * 101}, 422, "bad_request"),
        ({"lexicon": "a\n" * 20_001}, 413, "too_many_words"),
        ({"images": "not a file"}, 422, "broken_form"),
    ],
)
def test_options_that_are_refused(server, fields, status, code):
    assert error(server.read(CLOWN, **fields)) == (status, code)


@pytest.mark.parametrize("gap", [None, 2.0])
def test_an_open_list_needs_a_threshold_of_the_weights_or_the_request(gap):
    weights = replace(load_weights(find_weights()), calibration=Calibration(open_gap=gap))
    with served(create_app(Recognizer(weights, "cpu"))) as client:
        assert client.get("/models").json["models"][0]["open_gap"] == gap
        reply = client.read(CLOWN, lexicon="zzzzz", open_lexicon="true")
        if gap is None:
            assert error(reply) == (422, "bad_request")
            reply = client.read(CLOWN, lexicon="zzzzz", open_lexicon="true", open_gap="2")
        (result,) = reply.json["results"]
        assert result["text"] == "CLOWN" and result["from_lexicon"] is False
        assert client.read(CLOWN, lexicon="zzzzz").json["results"][0]["text"] == "zzzzz"


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"", "application/json", 422, "bad_request"),
        (b"[" * 100_000, "application/json", 422, "bad_request"),
        (b'{"images": []}', "application/json", 422, "no_images"),
        (b'{"images": ["aaaa"], "lexicon": []}', "application/json", 422, "bad_request"),
        (b'{"images": ["aaaa"], "lexicon": ["a\\ud800"]}', "application/json", 422, "bad_request"),
        (b'{"images": ["aaaa"], "x": 1}', "application/json", 422, "bad_request"),
        (json.dumps({"images": ["aaaa"] * 65}).encode(), "application/json", 413, "too_many_images"),
        (b"x", "text/plain", 415, "unknown_body"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "unknown_body"),
        (b"x", "multipart/form-data", 422, "broken_form"),
        (b"x", "multipart/form-data; boundary=y", 422, "broken_form"),
        (b"--y--\r\n", "multipart/form-data; boundary=y", 422, "no_images"),
        (b'--y\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\nabc',
         "multipart/form-data; boundary=y", 422, "broken_form"),
    ],
)  # fmt: skip
def test_bodies_that_are_refused(server, body, kind, status, code):
    assert error(server.post("/read", body, kind)) == (status, code)


def test_too_many_files_and_fields_given_twice(server):
    for num in (65, 70):
        reply = server.read(*[CLOWN] * num)
        assert error(reply) == (413, "too_many_images") and "at most 64 a request" in reply.json["error"]["message"]
    twice = b'--y\r\nContent-Disposition: form-data; name="num_best"\r\n\r\n1\r\n' * 2 + b"--y--"
    assert error(server.post("/read", twice, "multipart/form-data; boundary=y")) == (422, "broken_form")


def test_broken_base64_is_reported_in_its_place(server):
    results = server.read_json(images=["*", base64.b64encode(CLOWN).decode(), "", "é"]).json["results"]
    codes = [result["error"]["code"] if "error" in result else result["text"] for result in results]
    assert codes == ["not_base64", "CLOWN", "empty", "not_base64"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_refused_before_it_is_kept(recognizer, declared):
    with served(create_app(recognizer, limits=Limits(image_bytes=1000))) as client:
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
        headers = {"Content-Type": "application/json"}
        if declared:
            connection.request("POST", "/read", b"", {**headers, "Content-Length": "1000000000"})
        else:
            connection.request("POST", "/read", iter([b"x" * 5000]), headers, encode_chunked=True)
        answer = connection.getresponse()
        assert answer.status == 413 and json.loads(answer.read())["error"]["code"] == "too_many_bytes"
        connection.close()


def test_a_body_that_does_not_come_is_not_waited_for(recognizer):
    with served(create_app(recognizer, limits=Limits(seconds=0.05))) as client:
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
        connection.request("POST", "/read", b"", {"Content-Type": "application/json", "Content-Length": "10"})
        assert connection.getresponse().status == 408
        connection.close()


def test_a_client_that_goes_away_leaves_the_server_well(server):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = (
            b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        connection.sendall(head)
    assert server.read(CLOWN).json["results"][0]["text"] == "CLOWN"


class Held:
    """A recogniser whose network waits while `gate` is closed."""

    def __init__(self, recognizer):
        self.recognizer = recognizer
        self.entered = Event()
        self.gate = Event()

    def __getattr__(self, name):
        return getattr(self.recognizer, name)

    def look_again(self, decoder, images, predictions, lists=None, recognise=None):
        return predictions  # so that images are counted once

    def recognise(self, images):
        self.entered.set()
        assert self.gate.wait(60)
        return self.recognizer.recognise(images)


def test_concurrent_requests_share_batches_and_are_answered_as_one_by_one(recognizer):
    images = [path.read_bytes() for path in sorted(SAMPLES.glob("*.jpg"))[:12]]
    lists = ["", "clown\ncrystal\nrecycle\n255\n266"]
    held = Held(recognizer)
    with served(create_app(held)) as client, ThreadPoolExecutor(25) as pool:
        first = pool.submit(client.read, CLOWN)
        assert held.entered.wait(60)
        asked = [pool.submit(client.read, image, lexicon=words) for words in lists for image in images]
        while client.get("/health").json["waiting"] < len(asked):
            assert not any(future.done() for future in asked)
        held.gate.set()
        together = [future.result().json["results"][0] for future in asked]
        assert first.result().json["results"][0]["text"] == "CLOWN"
        health = client.get("/health").json
        assert (health["images"], health["batches"], health["waiting"]) == (25, 2, 0)
        alone = [client.read(image, lexicon=words).json["results"][0] for words in lists for image in images]
    for one, other in zip(together, alone, strict=True):
        assert one["text"] == other["text"] and one["from_lexicon"] == other["from_lexicon"]
        assert one["confidence"] == pytest.approx(other["confidence"], abs=1e-4)
        assert [c["left"] for c in one["characters"]] == [c["left"] for c in other["characters"]]


def test_too_many_at_once_are_sent_away(recognizer):
    held = Held(recognizer)
    with served(create_app(held, limits=Limits(requests=1))) as client, ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(client.read, CLOWN), pool.submit(client.read, CLOWN)
        wait([first, second], return_when=FIRST_COMPLETED)
        held.gate.set()
        replies = sorted((first.result(), second.result()), key=lambda reply: reply.status)
        assert replies[0].json["results"][0]["text"] == "CLOWN"
        assert error(replies[1]) == (503, "busy") and replies[1].headers["Retry-After"] == "1"
        assert client.read(CLOWN).status == 200


def test_a_failure_of_the_network_is_reported_without_its_message(recognizer, caplog):
    class Broken(Held):
        def recognise(self, images):
            raise RuntimeError("a secret path")

    with served(create_app(Broken(recognizer))) as client, caplog.at_level(logging.ERROR):
        reply = client.read(CLOWN)
        assert error(reply) == (500, "internal") and b"secret" not in reply.body
        assert client.get("/health").json["status"] == "ok"
    assert "a secret path" in caplog.text


def test_every_file_of_the_page_is_served_from_here(server):
    for address, name in ADDRESSES.items():
        reply = server.get(address)
        assert reply.status == 200 and reply.body == (files("grcnn_ocr.serve") / "page" / name).read_bytes()
        assert b"http" not in reply.body.replace(b"http://www.w3.org/2000/svg", b"")
        assert "script-src 'self'" in reply.headers["Content-Security-Policy"]
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/app.py", "/page/index.html", "/../app.py", "/..%2fapp.py", "/style.css/../../app.py", "//etc"],
)
def test_nothing_else_is_served(server, path):
    assert error(server.get(path)) == (404, "http")


def test_methods_and_names_of_the_host(server):
    assert error(server.get("/read")) == (405, "http")
    assert error(server.get("/health", Host="evil.example")) == (421, "wrong_host")
    for name in (f"localhost:{server.port}", "[::1]:80", "LOCALHOST"):
        assert server.get("/health", Host=name).status == 200


def test_any_name_serves_when_bound_to_the_outside(recognizer):
    with served(create_app(recognizer, hosts=None)) as client:
        assert client.get("/health", Host="ocr.example").json["status"] == "ok"


def test_openapi_describes_bodies_and_errors(server):
    api = server.get("/openapi.json").json
    assert set(api["paths"]) == {"/read", "/health", "/models"}
    read = api["paths"]["/read"]["post"]
    bodies = read["requestBody"]["content"]
    assert set(bodies) == {"multipart/form-data", "application/json"}
    fields = {kind: set(body["schema"]["properties"]) for kind, body in bodies.items()}
    assert fields["multipart/form-data"] == fields["application/json"]
    assert set(read["responses"]) == {"200", "408", "413", "415", "422", "500", "503"}


def test_models_lists_the_characters_and_the_limits(server):
    told = server.get("/models").json
    assert told["models"][0]["charset"] == CHARSETS["latin"]
    assert told["limits"]["image_bytes"] == 8_000_000 and told["limits"]["images"] == 64


def test_further_names_of_the_host(recognizer):
    with served(create_app(recognizer, hosts={"127.0.0.1", "ocr.example"})) as client:
        assert client.get("/health", Host="OCR.example:443").status == client.get("/health").status == 200
        refused = client.get("/health", Host="evil.example")
    assert error(refused) == (421, "wrong_host") and "see --allow-host" in refused.json["error"]["message"]
