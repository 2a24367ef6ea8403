"""Reading without torch gives what reading with torch gives."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import SAMPLES, WORDS, draw

from grcnn_ocr.loading import load_image
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.releases import DEFAULT, released_readers
from grcnn_ocr.runtime import Reader
from grcnn_ocr.text.charset import Charset
from grcnn_ocr.text.lexicon import Lexicon
from grcnn_ocr.text.ngram import NGram

CROPS = sorted(SAMPLES.glob("*.jpg"))[:12]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(device="cpu")


WAYS = {
    "plain": {},
    "lexicon": {"lexicon": ["crystal", "clown", "recycle", "open"]},
    "lists": {"lexicon": Lexicon(tuple((word, "clown", "x") for word in (WORDS * 2)[:12]), per_image=True)},
    "alternatives": {"num_best": 3},
    "characters": {"characters": True},
    "allowed": {"allowed": "abcdefghij"},
    "pattern": {"pattern": "[a-z]{4}"},
}


@pytest.mark.parametrize("way", WAYS)
def test_reads_what_torch_reads(exported, recognizer, way):
    reader = Reader(exported, threads=1)
    for ours, torchs in zip(
        reader.read_many(CROPS, **WAYS[way]), recognizer.read_many(CROPS, **WAYS[way]), strict=True
    ):
        assert ours.text == torchs.text
        assert ours.confidence == pytest.approx(torchs.confidence, abs=1e-3)
        assert [other.text for other in ours.alternatives] == [other.text for other in torchs.alternatives]
        assert (ours.characters is None) == (way != "characters")
        if ours.characters is not None:
            assert [c.text for c in ours.characters] == [c.text for c in torchs.characters]


def test_reads_with_a_language_model_and_one_by_one(exported, recognizer):
    reader = Reader(exported, batch_size=3, threads=1)
    model, _ = NGram.build(["crystal", "clown", "recycle"], recognizer.charset, order=3)
    together = reader.read_many(CROPS[:4], language_model=model)
    assert [p.text for p in together] == [p.text for p in recognizer.read_many(CROPS[:4], language_model=model)]
    assert [p.text for p in together] == [reader.read(crop, language_model=model).text for crop in CROPS[:4]]


@pytest.mark.parametrize("name", released_readers())
def test_a_released_reader_is_its_weights(name):
    reader, recognizer = Reader(name, threads=1), Recognizer(name, "cpu")
    assert reader.description.name == name and reader.description.precision == "float16"
    assert (reader.charset, reader.calibration) == (recognizer.charset, recognizer.calibration)
    assert reader.preprocessor == recognizer.preprocessor
    images = [load_image(crop) for crop in CROPS]
    ours, torchs = reader.recognise(images), recognizer.recognise(images)
    assert ours.lengths == torchs.lengths
    for row, other, length in zip(ours.log_probs, torchs.log_probs, ours.lengths, strict=True):
        np.testing.assert_allclose(np.exp(row[:length]), np.exp(other[:length]), atol=1e-2)
    pairs = list(zip(reader.read_many(CROPS), recognizer.read_many(CROPS), strict=True))
    sure = [(ours.text, torchs.text) for ours, torchs in pairs if torchs.confidence > 0.5]  # others may be a tie
    assert len(sure) >= 0.7 * len(pairs) and all(text == other for text, other in sure)


def test_without_a_folder_the_released_default_reads():
    assert Reader().description.name == DEFAULT
    with pytest.raises(ValueError, match=rf"no reader\.json in nowhere; .*released: {', '.join(released_readers())}"):
        Reader("nowhere")


def test_the_description_stands_for_its_folder(exported):
    assert Reader(exported / "reader.json").description == Reader(exported).description


def test_a_reader_given_as_weights_is_an_error_that_names_its_class(exported):
    with pytest.raises(ValueError, match=r"is a folder that `grcnn-ocr export` wrote, for `grcnn_ocr\.Reader`"):
        Recognizer(exported)


def test_the_default_is_not_what_a_folder_of_its_name_holds(exported, tmp_path, monkeypatch):
    copied(exported, tmp_path / DEFAULT)
    (tmp_path / DEFAULT / "reader.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert Reader().description.name == DEFAULT
    with pytest.raises(ValueError, match="cannot be used"):
        Reader(DEFAULT)


def test_batches_side_by_side_are_read_as_one_after_the_other(exported, recognizer):
    reader = Reader(exported, batch_size=2, threads=3)
    expected = [prediction.text for prediction in recognizer.read_many(CROPS)]
    assert [prediction.text for prediction in reader.read_many(CROPS)] == expected
    stacked = reader._stacked
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_stacked", lambda batch: stacked(batch) if len(batch) == 2 else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            reader.read_many(CROPS[:11])
    assert [prediction.text for prediction in reader.read_many(CROPS)] == expected


FORKED = """
import os, sys
from grcnn_ocr import Reader

reader = Reader(sys.argv[1], batch_size=1, threads=2)
texts = [p.text for p in reader.read_many(sys.argv[2:])]
child = os.fork()
if child == 0:
    os._exit([p.text for p in reader.read_many(sys.argv[2:])] != texts)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_reads_on(exported):
    command = [sys.executable, "-c", FORKED, str(exported), *map(str, CROPS[:4])]
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip() == "0"


def test_threads_that_decode_are_kept(exported):
    reader = Reader(exported, threads=1)
    reader.read_many(CROPS[:4])
    kept = {thread.ident for thread in threading.enumerate() if thread.name.startswith("load")}
    reader.read_many(CROPS[:4])
    assert kept and kept <= {thread.ident for thread in threading.enumerate()}


def test_frames_are_the_networks(exported, recognizer):
    reader = Reader(exported)
    widths = range(1, reader.preprocessor.widest + 1)
    assert [reader.num_frames(width) for width in widths] == [recognizer.num_frames(width) for width in widths]


BLOCKED = """
import importlib.abc, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "pydantic", "pydantic_core", "lmdb", "safetensors", "accelerate",
                                      "yaml", "scipy", "albumentations", "editdistance", "onnx", "typer", "rich",
                                      "PIL", "regex", "huggingface_hub", "rapidfuzz"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
from grcnn_ocr.runtime import Reader

reader = Reader(sys.argv[1], threads=1)
print(*(p.text for p in reader.read_many(sys.argv[2:])))
print(*(p.text for p in reader.read_many(sys.argv[2:], ["crystal", "clown"], characters=True, num_best=2)))
try:
    reader.read(42)
except ValueError as error:
    print(error)
"""


def test_needs_numpy_opencv_and_onnxruntime_alone(exported, recognizer):
    crops = [str(crop) for crop in CROPS[:3]]
    found = subprocess.run(
        [sys.executable, "-c", BLOCKED, str(exported), *crops], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    free, bound, error = found.stdout.splitlines()
    assert free.split() == [p.text for p in recognizer.read_many(crops)]
    assert bound.split() == [p.text for p in recognizer.read_many(crops, ["crystal", "clown"])]
    assert "found int" in error


def copied(exported: Path, folder: Path) -> Path:
    folder.mkdir()
    for path in exported.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("model.onnx", lambda content: content[:-100], r"model\.onnx: its SHA-256 is .* copy it again"),
        ("model.onnx", None, r"model\.onnx, of .*reader\.json: No such file"),
        ("reader.json", None, r"no reader\.json in .*`grcnn-ocr export`"),
        ("reader.json", lambda content: b"{}", r"reader\.json cannot be used: its format is not"),
        ("reader.json", lambda content: b"junk", r"reader\.json cannot be used: Expecting value"),
        ("reader.json", lambda content: content.replace(b'"mean"', b'"meen"'), r"reader\.json cannot be used: .*meen"),
        ("reader.json", lambda content: content.replace(b'"name"', b'"nane"', 1), r"cannot be used: .*nane"),
    ],
)
def test_an_incomplete_folder_is_an_error(exported, tmp_path, name, change, message):
    folder = copied(exported, tmp_path / "reader")
    content = (folder / name).read_bytes()
    if change is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(change(content))
    with pytest.raises(ValueError, match=message):
        Reader(folder)


def test_a_network_that_onnxruntime_does_not_take_is_an_error(exported, tmp_path):
    from hashlib import sha256

    folder = copied(exported, tmp_path / "reader")
    (folder / "model.onnx").write_bytes(b"junk")
    values = json.loads((folder / "reader.json").read_text())
    (folder / "reader.json").write_text(json.dumps(values | {"sha256": sha256(b"junk").hexdigest()}))
    with pytest.raises(ValueError, match="onnxruntime cannot load the network"):
        Reader(folder)


@pytest.mark.parametrize(("wanted", "threads"), [("1", 1), ("3,1", 3), ("", 5), ("0", 5)])
def test_threads_are_those_asked_for_or_the_cores(exported, monkeypatch, wanted, threads):
    monkeypatch.setattr("grcnn_ocr.runtime.num_cores", lambda: 5)
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    assert Reader(exported)._threads == threads and Reader(exported, threads=2)._threads == 2


def test_a_picture_that_cannot_be_read_is_named(exported, tmp_path):
    reader = Reader(exported, threads=1)
    cv2.imwrite(str(tmp_path / "x.png"), draw("open"))
    with pytest.raises(ValueError, match=r"y\.png: No such file"):
        reader.read_many([tmp_path / "x.png", tmp_path / "y.png", tmp_path / "x.png"])
    assert reader.read_many([]) == []


def test_an_exported_network_reads_in_a_smaller_charset(exported):
    letters = Charset("0123456789abcdefghijklmnopqrstuvwxyz"[::-1])  # in another order than the network's
    plain, other = Reader(exported), Reader(exported, charset=letters)
    crops = sorted(SAMPLES.glob("*.jpg"))[:8]
    pairs = zip(other.read_many(crops), plain.read_many(crops), strict=True)
    sure = [(merged, own) for merged, own in pairs if own.confidence > 0.8]  # in doubt, sums may have another maximum
    assert len(sure) >= 4 and all(merged.text == letters.fold(own.text) for merged, own in sure)
    with pytest.raises(ValueError, match="has no character for"):
        Reader(exported, charset="digits")
