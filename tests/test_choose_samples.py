"""`tools/choose_samples.py`: which of the engine's samples a network is trained on."""

import random
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import SAMPLES

from grcnn_ocr.config import load_config
from grcnn_ocr.decoding.frames import Frames
from grcnn_ocr.decoding.merging import ClassMerging
from grcnn_ocr.releases import DEFAULT
from grcnn_ocr.runtime import Reader
from grcnn_ocr.text.charset import CHARSETS, Charset
from grcnn_ocr.training.data import build_words, load_chosen

ROOT = SAMPLES.parents[1]


@pytest.fixture(scope="module")
def tool():
    return load_tool("choose_samples")


def load_tool(name):
    spec = spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_illegible_samples_are_left_out_and_hard_ones_repeated(tool):
    losses, lengths = np.array([0.01, 2.9, 3.1, 0.4, 40.0]), np.array([5, 2, 2, 1, 9])
    is_legible, is_hard = tool.judge(losses, losses, lengths)
    assert is_legible.tolist() == [True, True, False, True, False]
    assert is_hard.tolist() == [False, True, False, True, False]
    chosen = tool.choose(is_legible, is_hard, 0.5, np.random.default_rng(0))
    counts = np.bincount(chosen, minlength=5)
    assert chosen.dtype == np.int64 and counts[[0, 2, 4]].tolist() == [1, 0, 0]
    assert sorted(counts[[1, 3]].tolist()) == [2, 3]  # 3 of 6 are repetitions
    assert sorted(tool.choose(is_legible, is_hard, 0.0, np.random.default_rng(0))) == [0, 1, 3]
    nothing_hard = tool.choose(is_legible, np.zeros(5, bool), 0.5, np.random.default_rng(0))
    assert sorted(nothing_hard) == [0, 1, 3]


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Settings of an engine with three words in the built-in font."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")  # no fontconfig
    (tmp_path / "words.txt").write_text("open\nstreet\nkitchen\n")
    return ["data.engine.backgrounds=[]", f"data.engine.words={tmp_path / 'words.txt'}", "data.engine.seed=5"]


def run(settings, *arguments):
    options = [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "tools/choose_samples.py", "--config", "grcl_lstm_tiny.yaml", "--workers", "1", *options]
    return subprocess.run([*command, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_tool_writes_what_a_run_draws(settings, tmp_path):
    output = tmp_path / "chosen.npz"
    found = run(settings, "--num", 40, "--output", output)
    assert found.returncode == 0 and "40 samples: " in found.stdout and "% legible, " in found.stdout
    numbers = np.load(output)["numbers"]
    assert set(numbers.tolist()) <= set(range(40)) and len(numbers) >= 20
    everything, _ = build_words(load_config("grcl_lstm_tiny", settings), 257)
    some, _ = build_words(load_config("grcl_lstm_tiny", [*settings, f"data.chosen={output}"]), 257)
    for number in range(3):
        drawn = everything.stream.sample(int(numbers[number]))
        assert np.array_equal(some.stream.sample(number).image, drawn.image)
    with pytest.raises(ValueError, match=r"data\.chosen: .*chosen\.npz is about another word engine's samples"):
        build_words(load_config("grcl_lstm_tiny", [*settings, f"data.chosen={output}", "data.engine.seed=6"]), 257)


def test_a_reader_that_knows_more_characters_reads_in_those_of_the_labels(tool):
    ascii94 = Charset.named("ascii94", fold_case=False, drop_punctuation=False)
    assert tool.open_reader(DEFAULT, ascii94).charset.characters == CHARSETS["ascii94"]
    assert tool.open_reader("grcl_lstm_tiny", ascii94).charset.characters == CHARSETS["alnum36"]


def test_samples_that_the_reader_cannot_write_are_chosen_as_hard_ones(tool, monkeypatch):
    losses, lengths = np.array([0.1, np.nan]), np.array([3, np.nan])
    is_legible, is_hard = tool.judge(losses, losses, lengths)
    assert is_legible.tolist() == [True, True] and is_hard.tolist() == [False, True]
    crop = np.full((32, 100, 1), 128, np.uint8)
    engine = SimpleNamespace(sample=lambda number: (crop, ["Café", "Жук"][number]))
    reader = Reader("grcl_lstm_tiny", threads=1)
    merging = ClassMerging(reader.charset, reader.charset.without_accents())
    monkeypatch.setattr(tool, "_worker", tool.Worker(engine, reader, merging))
    found = tool._losses(range(2))
    assert found[0, 0] == found[0, 1] > 0 and found[0, 2] == 4 and np.isnan(found[1]).all()


def test_a_sample_of_which_only_the_accents_are_illegible_is_a_hard_one(tool, monkeypatch):
    is_legible, is_hard = tool.judge(np.array([9.0, 9.0]), np.array([0.1, 8.0]), np.array([4, 4]))
    assert is_legible.tolist() == is_hard.tolist() == [True, False]
    latin = Charset.named("latin", fold_case=False, drop_punctuation=False)
    plain = latin.without_accents()
    assert set("aZ0ßæ«") <= set(plain.characters) and not set("éŁđı") & set(plain.characters)
    log_probs = np.full((1, 3, latin.num_classes), -20.0, np.float32)
    for frame, characters in enumerate(["đ", "éè", "à"]):  # the second is read as either
        log_probs[0, frame, latin.encode(characters)] = -np.log(len(characters))
    reader = SimpleNamespace(charset=latin, recognise=lambda images: Frames(log_probs, [3]))
    engine = SimpleNamespace(sample=lambda number: (np.full((32, 100, 1), 128, np.uint8), "đéá"))
    monkeypatch.setattr(tool, "_worker", tool.Worker(engine, reader, ClassMerging(latin, plain)))
    [[loss, loss_without, length]] = tool._losses(range(1))
    assert loss == pytest.approx(np.log(2) + 20, abs=1e-3) and loss_without < 1e-3 and length == 3


def test_half_of_the_words_of_a_list_show_its_rarer_letters():
    words = [f"word{number}" for number in range(100)] + ["ça", "là", "été", "déjà"]
    found = load_tool("sample_words").sample(words, 6, random.Random(0))
    assert len(found) == len(set(found)) == 6
    assert set("çàé") <= set("".join(found[:3])) and set(found) <= set(words)
    assert sorted(load_tool("sample_words").sample(words, 200, random.Random(0))) == sorted(words)


def test_letters_are_exchanged_for_frequent_ones_of_the_same_base_letter():
    tool = load_tool("sample_words")
    frequent = [f"{letter}{number}" for letter in "éèđ" for number in range(20)]
    alike = tool.by_base_letter([[*frequent, "rå"], ["e\N{COMBINING ACUTE ACCENT}"]])
    assert alike == {"e": ["è", "é"], "d": ["đ"]}
    found = {tool.exchange("ređaß", alike, random.Random(seed)) for seed in range(200)}
    assert found == {"ređaß", "réđaß", "rèđaß"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num", "0", "--output", "x.npz"], "--num must be 1 or more"),
        (["--num", "1", "--again", "1", "--output", "x.npz"], "--again at least 0 and less than 1"),
        (["--num", "1", "--output", "x.npy"], "expected a new .npz file"),
        (["--num", "1", "--output", "nowhere/x.npz"], "expected a new .npz file in an existing folder"),
        (["--num", "1", "--output", "x.npz", "--reader", "nowhere"], "no reader.json in nowhere"),
        (["--num", "1", "--output", "x.npz", "--set", "charset.characters=digits"], "has no character for"),
    ],
)
def test_bad_input_is_reported_before_anything_is_read(settings, arguments, message):
    found = run(settings, *arguments)
    assert found.returncode == 2 and message in " ".join(found.stderr.split())
    assert not (ROOT / "x.npz").exists()


def test_help_describes_every_option():
    help = " ".join(run([], "--help").stdout.split())
    assert "KEY=VALUE override the config" in help and "WORKERS processes; by default" in help
    assert "the chosen samples; by default 0.45" in help


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04junk"])
def test_a_file_that_the_tool_did_not_write_is_an_error_that_names_it(content, tmp_path):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"data\.chosen: .*x\.npz cannot be used .*tools/choose_samples\.py writes it"):
        load_chosen(tmp_path / "x.npz", engine=None)
    np.save(tmp_path / "y.npy", np.arange(3))
    with pytest.raises(ValueError, match=r"y\.npy cannot be used"):
        load_chosen(tmp_path / "y.npy", engine=None)


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ValueError, match=r"data\.chosen: .*none\.npz cannot be used"):
        load_chosen(tmp_path / "none.npz", engine=None)


def test_chosen_samples_without_the_engine_are_an_error():
    with pytest.raises(ValueError, match=r"add engine to data\.train, or leave it out"):
        load_config("grcl_lstm_tiny", ["data.train=words.lmdb", "data.chosen=x.npz"])
