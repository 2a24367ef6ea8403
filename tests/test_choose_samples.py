"""`tools/choose_samples.py`: which of the engine's samples a network is trained on."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pytest
from conftest import SAMPLES

from grcnn_ocr.config import load_config
from grcnn_ocr.training.data import build_words, load_chosen

ROOT = SAMPLES.parents[1]


@pytest.fixture(scope="module")
def tool():
    spec = spec_from_file_location("choose_samples", ROOT / "tools" / "choose_samples.py")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def test_what_nobody_could_read_is_left_out_and_hard_samples_have_their_share(tool):
    losses, lengths = np.array([0.01, 2.9, 3.1, 0.4, 40.0]), np.array([5, 2, 2, 1, 9])
    is_legible, is_hard = tool.legible_and_hard(losses, lengths)
    assert is_legible.tolist() == [True, True, False, True, False]
    assert is_hard.tolist() == [False, True, True, True, True]
    chosen = tool.choose(is_legible, is_hard, 0.5, np.random.default_rng(0))
    counts = np.bincount(chosen, minlength=5)
    assert chosen.dtype == np.int64 and len(chosen) == 6 and counts[[2, 4]].sum() == 0 and counts[0] == 1
    assert counts[1] + counts[3] == 2 + 3 and min(counts[1], counts[3]) >= 2  # one of them a second time
    assert sorted(tool.choose(is_legible, is_hard, 0.0, np.random.default_rng(0))) == [0, 1, 3]
    nothing_hard = tool.choose(is_legible, np.zeros(5, bool), 0.5, np.random.default_rng(0))
    assert sorted(nothing_hard) == [0, 1, 3]


def test_the_tool_writes_what_a_run_draws(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")  # no fontconfig: the built-in font
    (tmp_path / "words.txt").write_text("open\nstreet\nkitchen\n")
    output = tmp_path / "chosen.npy"
    settings = ["data.engine.backgrounds=[]", f"data.engine.words={tmp_path / 'words.txt'}", "data.engine.seed=5"]
    options = [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "tools/choose_samples.py", "--config", "grcl_lstm_tiny.yaml", "--num", "40", *options]
    found = subprocess.run(
        [*command, "--output", str(output), "--workers", "1"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "40 samples: " in found.stdout and " legible, " in found.stdout
    chosen = load_chosen(output)
    assert set(chosen.tolist()) <= set(range(40)) and len(chosen) >= 20
    config = load_config("grcl_lstm_tiny", [*settings, f"data.chosen={output}"])
    everything, _ = build_words(load_config("grcl_lstm_tiny", settings), 257)
    some, _ = build_words(config, 257)
    for number in range(3):
        drawn = everything.stream.sample(int(chosen[number]))
        assert np.array_equal(some.stream.sample(number).image, drawn.image)


@pytest.mark.parametrize("numbers", [np.zeros((2, 2), np.int64), np.zeros(0, np.int64), np.ones(3), np.array([-1])])
def test_what_holds_no_sample_numbers_is_an_error(numbers, tmp_path):
    np.save(tmp_path / "x.npy", numbers)
    with pytest.raises(ValueError, match=r"data\.chosen: .*x\.npy holds .* expected sample numbers"):
        load_chosen(tmp_path / "x.npy")


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ValueError, match=r"data\.chosen: .*none\.npy cannot be read .*see tools/choose_samples\.py"):
        load_chosen(tmp_path / "none.npy")


def test_chosen_samples_without_the_engine_are_an_error():
    with pytest.raises(ValueError, match="which train does not name"):
        load_config("grcl_lstm_tiny", ["data.train=words.lmdb", "data.chosen=x.npy"])
