"""What an export writes, what it checks first, and what it refuses."""

import json
from dataclasses import replace
from hashlib import sha256

import numpy as np
import onnx
import pytest
import torch
from conftest import SAMPLES, interrupt_second_rename
from onnx import numpy_helper

from grcnn_ocr.build import build_model
from grcnn_ocr.datasets.words import Subset, open_words
from grcnn_ocr.export import folder
from grcnn_ocr.export.network import SMALLEST_HALVED, frame_count, halve, to_onnx
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.runtime import FrameCount, Reader
from grcnn_ocr.weights import Weights, find_weights, load_weights


@pytest.fixture
def words(crops):
    return open_words(crops / "labels.tsv")


@pytest.fixture
def weights(small_config) -> Weights:
    torch.manual_seed(0)
    return Weights(build_model(small_config), small_config)


def test_writes_a_network_and_its_description(weights, words, tmp_path):
    made = folder.export_reader(weights, tmp_path / "reader", words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crops", "reader"]
    assert sorted(path.name for path in (tmp_path / "reader").iterdir()) == ["model.onnx", "reader.json"]
    network = (tmp_path / "reader" / "model.onnx").read_bytes()
    onnx.checker.check_model(onnx.load_from_string(network))
    values = json.loads((tmp_path / "reader" / "reader.json").read_text())
    assert values["sha256"] == made.sha256 == sha256(network).hexdigest()
    assert values["frames"] == {"add": 4, "divide": 4}
    assert values["checks"]["words"] == len(words) and values["checks"]["texts_changed"] == 0
    assert 0 < values["checks"]["largest_difference"] < 1e-3
    assert Reader(tmp_path / "reader").description == made


def test_takes_any_batch_and_width(weights, words, tmp_path):
    folder.export_reader(weights, tmp_path / "reader", words)
    reader, recognizer = Reader(tmp_path / "reader"), Recognizer(weights, "cpu")
    rng = np.random.default_rng(0)
    for batch, width in ((1, 32), (2, 1024), (5, 77), (17, 100)):
        images = rng.standard_normal((batch, 1, 32, width)).astype(np.float32)
        widths = np.full(batch, width)
        ours, lengths = reader._forward(images, widths)
        torchs, expected = recognizer._forward(images, widths)
        assert lengths == expected == [ours.shape[1]] * batch
        np.testing.assert_allclose(ours, torchs, atol=1e-4)


def test_a_network_that_is_not_torchs_is_not_written(weights, words, tmp_path, monkeypatch):
    other = build_model(weights.config)
    monkeypatch.setattr(folder, "to_onnx", lambda model, height: to_onnx(other, height))
    with pytest.raises(ValueError, match=r"is not torch's: .* nothing was written"):
        folder.export_reader(weights, tmp_path / "reader", words)
    assert [path.name for path in tmp_path.iterdir()] == ["crops"]


def test_float16_halves_the_file_and_reads_the_same(tmp_path):
    samples = Subset(open_words(SAMPLES / "labels.tsv"), range(8))
    weights = load_weights(find_weights())
    whole = folder.export_reader(weights, tmp_path / "whole", samples)
    made = folder.export_reader(weights, tmp_path / "half", samples, "float16")
    sizes = [(tmp_path / name / made.network).stat().st_size for name in ("half", "whole")]
    assert made.precision == "float16" and sizes[0] < 0.51 * sizes[1]
    assert whole.checks["texts_changed"] == made.checks["texts_changed"] == 0
    assert whole.checks["largest_difference"] < made.checks["largest_difference"] < 0.1
    onnx.checker.check_model(onnx.load(tmp_path / "half" / made.network))


def test_a_weight_too_large_for_float16_stays_in_float32(weights):
    weights.model.sequence[-1].join_forward.weight.data[0] = 7e4
    stored = onnx.load_from_string(halve(to_onnx(weights.model))).graph.initializer
    arrays = [array for each in stored if (array := numpy_helper.to_array(each)).size >= SMALLEST_HALVED]
    assert {array.dtype for array in arrays} == {np.dtype(np.float16), np.dtype(np.float32)}
    assert all((np.abs(array).max() > 65504) == (array.dtype == np.float32) for array in arrays)


def test_int8_reads_nearly_the_same(tmp_path):
    samples = Subset(open_words(SAMPLES / "labels.tsv"), range(8))
    made = folder.export_reader(load_weights(find_weights()), tmp_path / "reader", samples, "int8")
    assert made.network == "model_int8.onnx" and made.precision == "int8"
    checks = made.checks
    assert checks["torch_accuracy"] - checks["accuracy"] <= 1 / 8
    assert checks["largest_difference"] > 1e-3, "it is quantised"
    nodes = onnx.load(tmp_path / "reader" / "model_int8.onnx").graph.node
    operators = {node.op_type for node in nodes}
    assert "QuantizeLinear" in operators
    quantised = {node.input[0] for node in nodes if node.op_type == "QuantizeLinear"}
    assert any("Sigmoid" in name for name in quantised) and not any("/join/" in name for name in quantised)
    assert ("DynamicQuantizeLSTM" in operators) == ("LSTMs" in checks["quantised"])
    assert Reader(tmp_path / "reader").read(SAMPLES / "000000001.jpg").text


def test_int8_is_refused_if_every_quantisation_loses_accuracy(weights, words, tmp_path, monkeypatch):
    tried = []

    def broken(network, batches, quantisation):
        tried.append(str(quantisation))
        return to_onnx(build_model(weights.config))

    class HalfRight(folder.Comparison):
        accuracy = property(lambda self: 1.0, lambda self, value: None)

        def agreement(self, reader):
            return replace(super().agreement(reader), accuracy=0.5)

    monkeypatch.setattr(folder, "quantise", broken)
    monkeypatch.setattr(folder, "Comparison", HalfRight)
    with pytest.raises(ValueError, match=r"int8 loses more than 0\.3 points .* all convolutions \+ LSTMs 50\.00"):
        folder.export_reader(weights, tmp_path / "reader", words, "int8")
    between = "all convolutions + sums, products, sigmoids, pooling + LSTMs"
    assert tried == [between, "all convolutions + LSTMs", "all convolutions", "inner convolutions"]


def test_an_unknown_precision_is_an_error(weights, words, tmp_path):
    with pytest.raises(ValueError, match="precision 'int4': expected one of float32, float16, int8"):
        folder.export_reader(weights, tmp_path / "reader", words, "int4")


def test_a_folder_is_replaced_only_if_it_is_a_reader_and_one_says_so(weights, words, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(ValueError, match="file: this is a file"):
        folder.export_reader(weights, tmp_path / "file", words)
    with pytest.raises(ValueError, match="mine: this folder holds other things"):
        folder.export_reader(weights, tmp_path / "mine", words, overwrite=True)
    folder.export_reader(weights, tmp_path / "reader", words)
    with pytest.raises(ValueError, match="reader exists; give --overwrite"):
        folder.export_reader(weights, tmp_path / "reader", words)
    folder.export_reader(weights, tmp_path / "reader", words, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crops", "file", "mine", "reader"]


def test_an_interrupted_replacement_puts_the_old_reader_back(tmp_path, monkeypatch):
    folder._write(tmp_path / "reader", {"model.onnx": b"old"})
    interrupt_second_rename(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        folder._write(tmp_path / "reader", {"model.onnx": b"new"})
    assert (tmp_path / "reader" / "model.onnx").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["reader"]


def test_a_reader_left_aside_by_a_killed_export_is_restored_and_not_replaced_unless_asked(weights, words, tmp_path):
    (tmp_path / ".reader.previous").mkdir()
    (tmp_path / ".reader.previous" / "reader.json").write_text("old")
    with pytest.raises(ValueError, match="reader exists; give --overwrite"):
        folder.export_reader(weights, tmp_path / "reader", words)
    assert (tmp_path / "reader" / "reader.json").read_text() == "old"


def test_frames_have_a_formula():
    for formula in (FrameCount(4, 4), FrameCount(2, 4), FrameCount(0, 1), FrameCount(-3, 16)):
        found = frame_count(formula, 1024)
        assert [found(width) for width in range(1, 1025)] == [formula(width) for width in range(1, 1025)]
    with pytest.raises(ValueError, match="is not"):
        frame_count(lambda width: width * width, 100)


def test_exporting_leaves_a_network_in_training(weights, words, tmp_path):
    weights.model.train()
    before = {key: value.clone() for key, value in weights.model.state_dict().items()}
    folder.export_reader(weights, tmp_path / "reader", words)
    assert all(module.training for module in weights.model.modules())
    assert all(torch.equal(value, before[key]) for key, value in weights.model.state_dict().items())
