"""`grcnn-ocr read` with a folder that `grcnn-ocr export` wrote."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SAMPLES

CROPS = [str(SAMPLES / f"00000000{number}.jpg") for number in (2, 3, 7)]
BLOCKED = """
import importlib.abc, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "lmdb", "safetensors", "accelerate", "scipy", "onnx",
                                      "albumentations", "editdistance", "huggingface_hub", "rapidfuzz",
                                      "yaml", "tensorboard"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
from grcnn_ocr.cli import main

main()
"""


def test_a_folder_is_read_with_without_torch(run, exported, tmp_path):
    (tmp_path / "words.txt").write_text("Clown\nrecycle\nchild\n")
    options = ("--lexicon", tmp_path / "words.txt", "--upright", "--json")
    arguments = ["read", "--weights", exported, *CROPS, *options, "--annotate", tmp_path / "seen"]
    found = subprocess.run(
        [sys.executable, "-c", BLOCKED, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    ours, torchs = (
        [json.loads(line) for line in out.splitlines()]
        for out in (found.stdout, run("read", *CROPS, *options, "--device", "cpu")[1])
    )
    assert [record["text"] for record in ours] == ["Clown", "recycle", "child"]
    for one, other in zip(ours, torchs, strict=True):
        assert (one["path"], one["text"], one["rotation"]) == (other["path"], other["text"], other["rotation"])
        assert one["confidence"] == pytest.approx(other["confidence"], abs=1e-3)
        assert [c["text"] for c in one["characters"]] == [c["text"] for c in other["characters"]]
    assert len(list((tmp_path / "seen").iterdir())) == 3


def test_a_folder_named_by_its_description_is_read_with(run, exported):
    assert run("read", "--weights", exported / "reader.json", CROPS[0])[1].split("\t")[1] == "CLOWN"


@pytest.mark.parametrize("given", [(), ("--weights", "grcl_lstm_tiny")])
def test_released_weights_are_read_with_without_torch_unless_it_is_asked_for(run, given):
    command = [sys.executable, "-c", BLOCKED, "read", *given, *CROPS]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    code, out, _ = run("read", *given, *CROPS, "--device", "cpu")
    assert code == 0
    ours, torchs = ([line.split("\t") for line in text.splitlines()] for text in (found.stdout, out))
    assert [fields[:2] for fields in ours] == [fields[:2] for fields in torchs]
    for option in (("--device", "cpu"), ("--precision", "float32")):
        found = subprocess.run([*command, *option], capture_output=True, text=True, check=False)
        assert found.returncode == 2 and "torch" in found.stderr


def test_without_torch_weights_are_an_error_with_a_remedy(tmp_path):
    for given in (("--weights", "grcl_lstm"), ("--weights", tmp_path)):
        command = [sys.executable, "-c", BLOCKED, "read", *map(str, given), CROPS[0]]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        assert found.returncode == 2 and "Traceback" not in found.stderr
        assert "Without it give a folder that `grcnn-ocr export` wrote" in " ".join(found.stderr.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--device", "cuda"), "--device: the exported reader in"),
        (("--precision", "float32"), "--precision: the exported reader in"),
        (("--precision", "float32", "--device", "cuda"), "--device and --precision: the exported reader in"),
    ],
)
def test_a_folder_keeps_its_device_and_precision(run, exported, options, message):
    code, out, err = run("read", "--weights", exported, CROPS[0], *options)
    assert code == 2 and not out and message in err and str(exported) in err
    assert "leave that out" in err
    assert run("read", "--weights", exported, CROPS[0], "--device", "cpu")[0] == 0


def test_a_folder_is_evaluated_as_its_weights_are(run, exported, tmp_path):
    for name, place in (("labels.tsv", f"{SAMPLES}/"), ("lexicon_50.txt", "")):
        lines = (SAMPLES / name).read_text().splitlines()[:40]
        (tmp_path / name).write_text("".join(f"{place}{line}\n" for line in lines))
    options = ("--data", tmp_path / "labels.tsv", "--lexicon", "none", "--lexicon", tmp_path / "lexicon_50.txt")
    of_folder, of_weights = (
        run("evaluate", *weights, *options, "--csv", "-") for weights in (("--weights", exported), ())
    )
    assert of_folder[0] == of_weights[0] == 0

    rows = [list(csv.DictReader(out.splitlines())) for _, out, _ in (of_folder, of_weights)]
    assert [[row["images"], row["correct"]] for row in rows[0]] == [[row["images"], row["correct"]] for row in rows[1]]
    assert [row["images"] for row in rows[0]] == ["40", "40"]


def test_a_folder_of_other_things_is_an_error(run, tmp_path):
    code, _, err = run("read", "--weights", tmp_path, CROPS[0])
    assert code == 2 and "a folder without reader.json; expected a weights file" in err


def test_a_folder_named_like_released_weights_does_not_hide_them(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("grcl_lstm_tiny").mkdir()
    code, out, _ = run("read", "--weights", "grcl_lstm_tiny", CROPS[0])
    assert code == 0 and out.split("\t")[1] == "clown"
