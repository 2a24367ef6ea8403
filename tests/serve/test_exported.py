"""Serving a folder that `grcnn-ocr export` wrote, which needs no torch."""

import subprocess
import sys

import pytest
from serve.client import served
from serve.pictures import CLOWN

pytest.importorskip("fastapi", reason="the serve extra is absent: no test of the server did run")
from grcnn_ocr.releases import DEFAULT
from grcnn_ocr.runtime import Reader
from grcnn_ocr.serve.app import create_app


def test_an_exported_reader_answers_as_the_network_it_was_made_of(server, exported):
    with served(create_app(Reader(exported, threads=1), DEFAULT)) as client:
        ours, torchs = (each.read(CLOWN, num_best="2", lexicon="Clown\ncrown") for each in (client, server))
    (one,), (other,) = ours.json["results"], torchs.json["results"]
    assert one["text"] == other["text"] == "Clown" and ours.json["model"] == torchs.json["model"]
    assert one["confidence"] == pytest.approx(other["confidence"], abs=1e-3)
    assert [a["text"] for a in one["alternatives"]] == [a["text"] for a in other["alternatives"]]


def test_the_application_imports_no_torch():
    script = "import sys, grcnn_ocr.serve.app; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_command_takes_a_folder(exported, monkeypatch, capsys):
    import uvicorn

    from grcnn_ocr.cli import serve as command

    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: sockets[0].close())
    command.serve(str(exported), host="127.0.0.1", port=0, device="auto", max_megabytes=8.0, max_images=64)
    assert f"reads with {DEFAULT} on cpu" in capsys.readouterr().out
