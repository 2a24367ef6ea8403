"""Shared by the tests: drawn crops, a small configuration, and the data and fixtures beside the checkout."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import settings

from grcnn_ocr.config import Config, load_config

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
torch.set_num_threads(1)  # beside other work, the threads of small networks mostly wait for each other
settings.register_profile("unhurried", deadline=None)  # tests may run beside other work
settings.load_profile("unhurried")
SHARED = Path(__file__).resolve().parents[2] / "shared"
SAMPLES = Path(__file__).resolve().parents[1] / "data" / "samples"
WORDS = [
    "hello",
    "book",
    "42",
    "aa",
    "stop",
    "zoo",
    "exit",
    "7",
    "open",
    "street",
    "book9",
    "tree",
    "all",
    "100",
    "deep",
    "x",
]


def shared(path: str) -> Path:
    """Return a path in ../shared, or skip the test; `-ra` says so at the end of every run."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"../shared/{path} is absent: a test against published numbers or real data did not run")
    return found


def draw(word: str, height: int = 32) -> np.ndarray:
    """Draw a word black on white as (H, W, 3)."""
    (width, _), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 2)
    image = np.full((height, width + 12, 3), 255, np.uint8)
    return cv2.putText(image, word, (6, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2)


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """A folder of drawn words with labels.tsv."""
    folder = tmp_path / "crops"
    folder.mkdir()
    for index, word in enumerate(WORDS):
        cv2.imwrite(str(folder / f"{index}.png"), draw(word))
    lines = "".join(f"{index}.png\t{word}\n" for index, word in enumerate(WORDS))
    (folder / "labels.tsv").write_text(lines, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Path:
    """The folder of a reader that the released weights were exported to."""
    from grcnn_ocr.datasets.words import Subset, open_words
    from grcnn_ocr.export import export_reader
    from grcnn_ocr.weights import find_weights, load_weights

    folder = tmp_path_factory.mktemp("export") / "reader"
    export_reader(load_weights(find_weights()), folder, Subset(open_words(SAMPLES / "labels.tsv"), range(6)))
    return folder


@pytest.fixture
def small_config(crops: Path) -> Config:
    """A network that trains in seconds, on the drawn words, in float32."""
    overrides = [
        "preprocess.width=100",
        "model.front_end.widths=[4, 4, 8, 8, 16]",
        "model.front_end.iterations=2",
        "model.lstm_features=[16, 16]",
        f"data.train={crops / 'labels.tsv'}",
        f"data.validation={crops / 'labels.tsv'}",
        "data.workers=0",
        "train.batch_size=8",
        "train.precision=float32",
        "train.time_budget=null",
        "train.steps=8",
        "train.validate_every=4",
    ]
    return load_config("grcl_lstm_tiny", overrides)


def published_state_dict(name: str) -> dict[str, torch.Tensor]:
    """Fill a published network's keys with the fixtures' deterministic values (../shared/oracles/README.md)."""
    keys = json.loads(shared(f"oracles/{name}.keys.json").read_text())
    return {key: fill(key, shape) for key, shape, *_ in keys}


def interrupt_second_rename(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise KeyboardInterrupt at the second renaming of a path from now on."""
    rename, calls = Path.rename, []

    def interrupted(self, target):
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)


def fill(key: str, shape: list[int]) -> torch.Tensor:
    """Draw the value that the fixtures give to one key."""
    rng = np.random.default_rng(zlib.crc32(key.encode("utf-8")))
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return torch.tensor(0)
    if leaf == "running_var" or (leaf == "weight" and len(shape) == 1):
        values = rng.uniform(0.5, 1.5, shape)
    elif leaf == "running_mean" or leaf.startswith("bias"):
        values = 0.1 * rng.standard_normal(shape)
    else:
        values = rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    return torch.from_numpy(values.astype(np.float32))


def assert_close_to_published(found: np.ndarray, published: np.ndarray) -> None:
    """Compare within the fixtures' stated tolerance."""
    assert found.shape == published.shape
    tolerance = 1e-5 * max(1.0, float(np.abs(published).max()))
    assert float(np.abs(found - published).max()) <= tolerance
