"""The commands with an image classifier: train, evaluate, import, and input that they refuse."""

import json
import re

import numpy as np
import pytest
import torch
from archives import PIXELS, picture_files, png, write_folder, write_zip
from conftest import published_state_dict

from grcnn_ocr.build import build_classifier, build_model
from grcnn_ocr.config import load_any_config
from grcnn_ocr.weights import ClassifierWeights, Weights, load_classifier, save_weights

SMALL = [
    "--config", "cifar10_resnet20.yaml", "--set", "num_classes=2", "--set", "preprocess.size=8",
    "--set", "train.batch_size=4", "--set", "train.steps=4", "--set", "train.precision=float32",
]  # fmt: skip


@pytest.fixture
def animals(tmp_path):
    return write_zip(tmp_path / "animals.zip", picture_files())


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    config = load_any_config("cifar10_resnet20", ["num_classes=2", "preprocess.size=8"])
    save_weights(tmp_path / "w.safetensors", ClassifierWeights(build_classifier(config), config, ("cat", "dog")))
    return tmp_path / "w.safetensors"


def test_training_resuming_and_evaluating(run, animals, tmp_path):
    train = ["train", *SMALL, "--set", f"data.train={animals}", "--output", tmp_path / "run"]
    code, out, err = run(*train)
    assert code == 0 and "best top-1 accuracy on 2 validation images" in out
    assert re.search(r"step 4: top-1 accuracy \d+\.\d\d %, top-5 100\.00 on 2 images", err)
    assert "already complete" in run(*train, "--resume")[1]
    last = tmp_path / "run" / "last.safetensors"
    code, out, _ = run("evaluate", "--weights", last, "--data", animals, "--json", "-")
    [result] = json.loads(out)["results"]
    assert code == 0 and result["images"] == 2 and result["top5"] == 1.0
    assert result["top1"] == load_classifier(last).training["validation_top1"]
    assert run("train", *SMALL, "--set", f"data.train={animals}", "--init", last, "--output", tmp_path / "next")[0] == 0


def test_evaluation_counts_what_the_network_says_and_writes_files(run, weights, tmp_path):
    pixels = [np.ascontiguousarray(PIXELS[n, :8, :8]) for n in range(6)]
    model, config = load_classifier(weights).model.eval(), load_classifier(weights).config
    mean, std = (np.array(values) for values in (config.preprocess.mean, config.preprocess.std))
    inputs = torch.from_numpy(np.stack([(p / 255 - mean) / std for p in pixels])).float().permute(0, 3, 1, 2)
    with torch.inference_mode():
        says = model(inputs).argmax(dim=1).tolist()
    assert run("evaluate", "--weights", weights, "--data", tmp_path, "--device", "gpu")[0] == 2
    names = ["cat", "dog"]
    labels = [names[says[0]], *(names[1 - said] for said in says[1:])]  # one right, five wrong
    files = {f"{label}/{n}.png": png(p) for n, (label, p) in enumerate(zip(labels, pixels, strict=True))}
    folder = write_folder(tmp_path / "test", files | {"cat/x.png": png(pixels[0]), "dog/y.png": png(pixels[0])})
    code, out, _ = run("evaluate", "--weights", weights, "--data", folder, "--csv", tmp_path / "r.csv", "--markdown",
                       tmp_path / "r.md")  # fmt: skip
    assert code == 0 and "| 8 | 25.00 | 75.00 |" in out and "| 100.00 |" in out
    header, row = (tmp_path / "r.csv").read_text().splitlines()
    record = dict(zip(header.split(","), row.split(","), strict=True))
    assert (record["images"], record["correct"], record["top1"]) == ("8", "2", "0.25")
    assert "| 8 | 25.00 |" in (tmp_path / "r.md").read_text() and str(weights) in (tmp_path / "r.md").read_text()


def test_data_with_a_bad_picture_are_named_and_nothing_else_is_lost(run, weights, tmp_path):
    good = {f"{name}/{n}.png": png(PIXELS[n]) for n, name in enumerate(["cat", "dog"])}
    first, second = (write_folder(tmp_path / name, good) for name in ("first", "second"))
    bad = write_folder(tmp_path / "bad", good | {"dog/junk.png": b"junk"})
    data = [part for folder in (first, bad, second) for part in ("--data", folder)]
    code, out, err = run("evaluate", "--weights", weights, *data, "--csv", tmp_path / "r.csv")
    assert code == 2 and f"not evaluated: {bad}/dog/junk.png: " in " ".join(err.split())
    assert f"| {first} | 2 |" in out and f"| {second} | 2 |" in out and f"| {bad} " not in out
    assert [row.split(",")[0] for row in (tmp_path / "r.csv").read_text().splitlines()[1:]] == [str(first), str(second)]
    assert run("evaluate", "--weights", weights, "--data", bad, "--csv", tmp_path / "none.csv")[0] == 2
    assert not (tmp_path / "none.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give the pictures with --data"),
        (["--lexicon", "50"], "only for words: --lexicon"),
        (["--html", "x.html", "--show-errors", "3"], "only for words: --html, --show-errors"),
        (["--data", "nowhere"], "no pictures nowhere"),
    ],
)
def test_options_that_the_evaluation_of_a_classifier_refuses(run, weights, options, message):
    code, _, err = run("evaluate", "--weights", weights, *options)
    assert code == 2 and message in " ".join(err.split())


def test_data_of_other_classes_are_refused(run, weights, tmp_path):
    files = {f"{name}/1.png": png(PIXELS[0]) for name in ("cat", "dot")}
    code, _, err = run("evaluate", "--weights", weights, "--data", write_folder(tmp_path / "dots", files))
    assert code == 2 and "class 1 is 'dot', but 'dog' in" in " ".join(err.split())
    write_folder(tmp_path / "dots", {"eel/1.png": png(PIXELS[0])})
    code, _, err = run("evaluate", "--weights", weights, "--data", tmp_path / "dots")
    assert code == 2 and "has 3 classes" in " ".join(err.split())


def test_weights_of_the_other_task_are_refused(run, weights, animals, small_config, tmp_path):
    code, _, err = run("read", "--weights", weights, tmp_path / "x.png")
    assert code == 2 and "holds an image classifier (resnet20)" in " ".join(err.split())
    save_weights(tmp_path / "words.safetensors", Weights(build_model(small_config), small_config))
    code, _, err = run("train", *SMALL, "--set", f"data.train={animals}", "--init", tmp_path / "words.safetensors",
                       "--output", tmp_path / "run")  # fmt: skip
    assert code == 2 and "holds a recogniser of words" in " ".join(err.split())


@pytest.mark.parametrize("model", ["grcnn56", "cifar10_grcnn56"])
def test_the_authors_checkpoint_is_imported(run, tmp_path, model):
    torch.save({"state_dict": published_state_dict("grcnn56")}, tmp_path / "official.pt")
    output = tmp_path / "w.safetensors"
    code, out, _ = run("import", tmp_path / "official.pt", "--model", model, "--output", output)
    assert code == 0 and "443 tensors written" in out
    weights = load_classifier(output)
    assert weights.config.num_classes == 10 and weights.config.preprocess.mean[0] == 0.4914  # CIFAR-10's
    assert weights.training == {"imported_from": "official.pt"}
    code, _, err = run("import", tmp_path / "official.pt", "--model", model, "--output", output,
                       "--overwrite", "--set", "num_classes=100")  # fmt: skip
    assert code == 2 and "classifier.weight has shape (10, 768), expected (100, 768)" in " ".join(err.split())
