import json
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

pytest.importorskip("fastapi", reason="the serve extra is absent: no test of the server did run")
from grcnn_ocr.cli import serve as command
from grcnn_ocr.releases import DEFAULT
from grcnn_ocr.serve.app import LOOPBACK

RUN = "import typer; from grcnn_ocr.cli.serve import serve; typer.run(serve)"


def test_command_serves_until_it_is_interrupted():
    arguments = [sys.executable, "-c", RUN, "--port", "0", "--device", "cpu", "--max-images", "3"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            address = line.split()[0]
            assert address.startswith("http://127.0.0.1:") and f"{DEFAULT} on cpu" in line
            with urllib.request.urlopen(f"{address}/models", timeout=60) as answer:
                assert json.load(answer)["limits"]["images"] == 3
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert "Traceback" not in errors and "warning" not in errors


def test_a_warning_where_others_can_connect(monkeypatch, capsys):
    import uvicorn

    started = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: started.append(sockets[0]))
    command.serve(host="0.0.0.0", port=0, device="cpu", max_megabytes=8.0, max_images=64)
    out, err = capsys.readouterr()
    assert "reachable from other machines" in err and "http://0.0.0.0:" in out
    command.serve(host="localhost", port=0, device="cpu", max_megabytes=8.0, max_images=64)
    assert capsys.readouterr().err == ""
    for listener in started:
        listener.close()


def test_addresses_that_cannot_be_had():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"cannot listen on 127.0.0.1 port {port}: Address already in use"):
            command.serve(host="127.0.0.1", port=port)
    with pytest.raises(ValueError, match="cannot listen on no.such.host.invalid"):
        command.serve(host="no.such.host.invalid", port=0)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "uvicorn" else object())
    with pytest.raises(ValueError, match=r"serving needs uvicorn: pip install fastapi uvicorn python-multipart"):
        command.serve()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, LOOPBACK),
        ({"allow_host": ["OCR.example"]}, {*LOOPBACK, "ocr.example"}),
        ({"host": "0.0.0.0"}, None),
        ({"host": "0.0.0.0", "allow_host": ["ocr.example"]}, {*LOOPBACK, "0.0.0.0", "ocr.example"}),
    ],
)
def test_the_names_it_is_served_under(options, expected, monkeypatch):
    import uvicorn

    found = []
    monkeypatch.setattr("grcnn_ocr.serve.app.create_app", lambda *arguments: found.append(arguments[-1]))
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: sockets[0].close())
    monkeypatch.setattr(uvicorn, "Config", lambda *_, **__: None)
    monkeypatch.setattr(uvicorn.Server, "__init__", lambda self, config: None)
    command.serve(port=0, device="cpu", max_megabytes=8.0, max_images=64, **options)
    assert found == [expected]


@pytest.mark.parametrize("name", ["", "https://ocr.example", "ocr.example:443"])
def test_what_is_no_name_of_a_host_is_refused(name):
    with pytest.raises(ValueError, match="expected a name without scheme and port"):
        command.serve(allow_host=[name])
