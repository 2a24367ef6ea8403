"""The commands, as a user gives them: results, exit codes, and one clear message for bad input."""

import json
import subprocess
import sys
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from conftest import SAMPLES, WORDS, draw, published_state_dict

from grcnn_ocr import __version__
from grcnn_ocr.build import build_model
from grcnn_ocr.cli.readers import FORMAT
from grcnn_ocr.cli.train import _run_folder
from grcnn_ocr.config import list_configs
from grcnn_ocr.create import list_models
from grcnn_ocr.datasets.importers.release import FORMATS
from grcnn_ocr.datasets.lmdb_store import LmdbReader
from grcnn_ocr.datasets.synth.photos import load_system_photos
from grcnn_ocr.training.lr_finder import find_lr
from grcnn_ocr.training.watch import StopRequest
from grcnn_ocr.weights import Weights, load_weights, save_weights

ROOT = SAMPLES.parents[1]


@pytest.fixture
def weights(small_config, tmp_path) -> Path:
    torch.manual_seed(3)
    save_weights(tmp_path / "w.safetensors", Weights(build_model(small_config), small_config))
    return tmp_path / "w.safetensors"


def test_the_version_is_printed(run):
    assert run("--version")[1].strip() == __version__


def test_a_package_that_is_missing_is_named(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "lmdb", None)
    monkeypatch.delitem(sys.modules, "grcnn_ocr.datasets.lmdb_store", raising=False)
    code, _, err = run("lmdb", "info", "x.lmdb")
    assert code == 2 and "lmdb" in err and "pip install grcnn-ocr" in err


def test_models_lists_every_preset_and_classifier_as_json_or_as_a_table(run, monkeypatch):
    commands = sys.modules["grcnn_ocr.cli.models"]
    for describe in ("_describe", "_describe_classifier"):  # both lists describe the same networks
        monkeypatch.setattr(commands, describe, cache(getattr(commands, describe)))
    code, out, _ = run("models", "--json")
    presets = json.loads(out)
    assert code == 0 and [preset["name"] for preset in presets] == [*list_configs(), *list_models()]
    lstms, joins = 2 * 26 * 8 * 512 * (512 + 512), 26 * 2 * (512 * 512 + 512 * 37)
    macs = 767_172_608 + lstms + joins
    assert {preset["name"]: preset for preset in presets}["grcl_lstm_paper"] == {
        "name": "grcl_lstm_paper", "task": "words", "parameters": 14_266_698, "macs": macs, "input": [1, 32, 100],
        "weights": None,
    }  # fmt: skip
    assert {preset["name"]: preset["weights"] for preset in presets}["grcl_lstm_tiny"] == "grcl_lstm_tiny.safetensors"
    classifiers = {preset["name"]: preset for preset in presets if preset["task"] == "classes"}
    assert classifiers["grcnn55"] == {
        "name": "grcnn55", "task": "classes", "parameters": 24_929_704, "macs": 3_703_832_576, "input": [3, 224, 224],
        "weights": None, "configs": ["imagenet_grcnn55", "imagenet_grcnn55_short"],
    }  # fmt: skip
    assert classifiers["rcnn64"]["input"] == [1, 28, 28] and classifiers["rcnn64"]["parameters"] == 297_482
    assert "14,266,698" in run("models")[1]


def test_lmdb_commands_from_labels_to_files(run, crops, tmp_path):
    a, b, c, whole = (tmp_path / f"{name}.lmdb" for name in "abcw")
    code, out, _ = run("lmdb", "create", "--labels", crops / "labels.tsv", "--images", crops, "--output", whole)
    assert code == 0 and "16 samples written" in out
    assert run("lmdb", "verify", whole)[0] == 0
    assert "hello, book, 42" in run("lmdb", "info", whole)[1]
    assert run("lmdb", "split", whole, "--output", a, b, "--fraction", "0.5")[0] == 0
    assert run("lmdb", "merge", a, b, "--output", c)[0] == 0
    assert "16 images" in run("lmdb", "extract", c, "--output", tmp_path / "files")[1]
    assert sorted(LmdbReader(c).labels()) == sorted(WORDS)


def test_lmdb_create_exit_codes_report_what_was_stored(run, crops, tmp_path):
    with (crops / "labels.tsv").open("a") as labels:
        labels.write("missing.png\tword\n")
    create = ("lmdb", "create", "--labels", crops / "labels.tsv", "--output", tmp_path / "x.lmdb")
    code, out, err = run(*create)
    assert code == 1 and "16 samples written" in out and "1 left out: missing image" in out
    assert "labels.tsv:17" in err and "missing.png" in err
    code, _, err = run(*create)
    assert code == 2 and "--overwrite" in err
    code, _, err = run(*create, "--overwrite", "--strict")
    assert code == 2 and "missing.png" in err and len(LmdbReader(tmp_path / "x.lmdb")) == 16


def test_train_evaluate_and_read(run, small_config, crops, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    import yaml

    Path("mine.yaml").write_text(yaml.safe_dump(small_config.model_dump(mode="json", exclude={"name"})))
    code, out, err = run("train", "--config", "mine.yaml")
    assert code == 0 and "8 steps" in out and "words/s" in err
    assert "16 of 16 samples usable" in caplog.text
    assert list(Path("runs/mine").glob("events.out.tfevents*"))

    best = "runs/mine/best.safetensors"
    code, out, err = run("evaluate", "--weights", best, "--data", crops / "labels.tsv", "--json", "results.json")
    assert code == 0 and "word accuracy" in out and best in err
    [result] = json.loads(Path("results.json").read_text())["results"]
    assert result["images"] == 16 and 0 <= result["word_accuracy"] <= 1 and result["lexicon"] is None

    code, out, _ = run("read", "--weights", best, crops, "--json")
    records = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and [record["path"] for record in records] == sorted(map(str, crops.glob("*.png")))
    assert "".join(character["text"] for character in records[0]["characters"]) == records[0]["text"]
    assert 0 <= records[0]["confidence"] <= 1 and records[0]["alternatives"][0]["text"] == records[0]["text"]

    assert "already complete" in run("train", "--config", "mine.yaml", "--resume")[1]
    assert run("train", "--config", "mine.yaml")[0] == 0 and Path("runs/mine-2/best.safetensors").exists()
    code, _, err = run("train", "--config", "mine.yaml", "--output", "runs/mine")
    assert code == 2 and "already holds a run" in err
    code, _, err = run("train", "--config", "crnn", "--resume")
    assert code == 2 and "nothing to resume" in err


def test_train_starts_from_weights_finds_a_rate_and_says_that_it_was_stopped(
    run, small_config, weights, tmp_path, monkeypatch, caplog
):
    monkeypatch.chdir(tmp_path)
    import yaml

    Path("mine.yaml").write_text(yaml.safe_dump(small_config.model_dump(mode="json", exclude={"name"})))
    other = ("--init", weights, "--set", "charset.characters=abcdefghijklmnopqrstuvwxyz019742!")
    assert run("train", "--config", "mine.yaml", *other, "--output", "tuned")[0] == 0
    assert "32 of 33 characters start as" in caplog.text and "newly initialised: !" in caplog.text
    monkeypatch.setattr("grcnn_ocr.training.lr_finder.find_lr", partial(find_lr, steps=15))
    code, out, _ = run("train", "--config", "mine.yaml", "--find-lr", "--output", "rates")
    assert code == 0 and "suggestion: --set train.lr=" in out and Path("rates/lr.png").stat().st_size > 1000
    monkeypatch.setattr(StopRequest, "name", "SIGTERM", raising=False)
    monkeypatch.setattr(StopRequest, "__init__", lambda self: None)
    assert run("train", "--config", "mine.yaml", "--output", "stopped")[0] == 3
    assert "SIGTERM: stopped after step 1" in caplog.text and Path("stopped/state.pt").exists()


def test_evaluate_under_several_lexicons(run, weights, crops):
    (crops / "own.txt").write_text("\n".join(f"{word},zzz" for word in WORDS))
    lexicons = ("--lexicon", "none", "--lexicon", "own.txt", "--lexicon", crops / "own.txt")
    code, out, _ = run("evaluate", "--weights", weights, "--data", crops / "labels.tsv", *lexicons, "--json", "-")
    results = json.loads(out)["results"]
    assert code == 0 and [result["lexicon"] for result in results] == [None, "own.txt", "own.txt"]
    assert results[1]["word_accuracy"] == results[2]["word_accuracy"]


def test_evaluate_on_an_lmdb_and_on_its_labels_agree(run, weights, crops, tmp_path):
    run("lmdb", "create", "--labels", crops / "labels.tsv", "--output", tmp_path / "x.lmdb")
    both = ("--data", crops / "labels.tsv", "--data", tmp_path / "x.lmdb", "--json", "-")
    first, second = json.loads(run("evaluate", "--weights", weights, *both)[1])["results"]
    assert first["cer"] == second["cer"]


def test_read_goes_on_past_unreadable_files(run, weights, crops, monkeypatch):
    monkeypatch.chdir(crops)
    (crops / "1.png").write_bytes(b"")
    code, out, err = run("read", "--weights", weights, "0.png", "1.png", "nowhere.png", "2.png")
    assert code == 1 and [line.split("\t")[0] for line in out.splitlines()] == ["0.png", "2.png"]
    assert "1.png: the file is empty" in err and "nowhere.png: No such file" in err
    assert "2 of 4 files could not be read" in err


def test_read_takes_globs_and_lexicons(run, weights, crops, monkeypatch):
    monkeypatch.chdir(crops)
    Path("words.txt").write_text("open\nclosed\n")
    code, out, _ = run("read", "--weights", weights, "1*.png", "--lexicon", "words.txt")
    assert code == 0 and {line.split("\t")[1] for line in out.splitlines()} <= {"open", "closed"}
    assert len(out.splitlines()) == 7  # 1 and 10 to 15


def test_read_takes_every_kind_of_picture(run, weights, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    from PIL import Image

    picture = Image.fromarray(draw("street"))
    for name, mode in (("rgba.png", "RGBA"), ("palette.png", "P"), ("gray.png", "L"), ("bits.png", "1")):
        picture.convert(mode).save(folder / name)
    picture.convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(folder / "deep.png")
    cv2.imwrite(str(folder / "dot.png"), np.zeros((1, 1), np.uint8))
    cv2.imwrite(str(folder / "wide.png"), np.full((32, 5000), 255, np.uint8))
    code, out, err = run("read", "--weights", weights, folder)
    assert code == 0, err
    assert len(out.splitlines()) == 8


def test_synth_draws_an_lmdb_a_folder_and_a_contact_sheet(run, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "fonts").mkdir()
    (tmp_path / "wallpapers").mkdir()
    from PIL import Image, ImageFont

    (tmp_path / "fonts" / "own.ttf").write_bytes(ImageFont.load_default(20).path.getvalue())
    cv2.imwrite(str(tmp_path / "wallpapers" / "sky.png"), np.full((90, 70, 3), 99, np.uint8))
    monkeypatch.setattr(load_system_photos, "__defaults__", ((tmp_path / "wallpapers",),))
    fonts = ("--fonts", tmp_path / "fonts")
    sheet, lmdb, folder = tmp_path / "sheet.png", tmp_path / "x.lmdb", tmp_path / "files"
    code, out, err = run("synth", *fonts, "--preview", sheet, "--output", lmdb, "--num", 30, "--workers", 2)
    assert code == 0 and "30 words written" in out and "1 font (0 skipped)" in err and "1 photo" in err
    with Image.open(sheet) as picture:
        assert picture.size == (1200, 960)
    assert run("synth", *fonts, "--output", folder, "--num", 30, "--png", "--color")[0] == 0
    first = [line.split("\t")[1] for line in (folder / "labels.tsv").read_text().splitlines()]
    assert first == list(LmdbReader(lmdb).labels())
    assert "nothing to do" in run("synth")[2]


def test_synth_takes_settings_and_shows_effects(run, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")  # no fontconfig: the built-in font
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "sky.png"), np.full((90, 70, 3), 99, np.uint8))
    (tmp_path / "words.txt").write_text("open\nclosed\n")
    files = ("--words", tmp_path / "words.txt", "--backgrounds", tmp_path / "photos", "--seed", 7)
    chosen = ("--set", "mix.words=1", "--set", "mix.numbers=0", "--set", "look.curve=0.5", "--height", 24)
    code, _, err = run("synth", *files, *chosen, "--output", tmp_path / "out", "--num", 5)
    assert code == 0 and "2 words (0 skipped), 1 photo (0 skipped)" in err and "install more" in err
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["seed"], manifest["look"]["curve"], manifest["output_height"]) == (7, 0.5, 24)
    assert cv2.imread(str(tmp_path / "out" / "000000001.jpg")).shape[0] == 24
    assert run("synth", *files, "--preview", tmp_path / "sheet.png", "--effect", "curve")[0] == 0
    code, _, err = run("synth", *files, "--preview", tmp_path / "sheet.png", "--effect", "curv")
    assert code == 2 and "did you mean 'curve'" in err
    code, _, err = run("synth", *files, "--preview", tmp_path / "sheet.png", "--set", "look.curv=1")
    assert code == 2 and "did you mean 'look.curve'" in err


def test_import_writes_a_weights_file(run, tmp_path):
    torch.save(published_state_dict("ocr_lua_small"), tmp_path / "lua.pt")
    output = tmp_path / "w.safetensors"
    arguments = ("import", tmp_path / "lua.pt", "--model", "grcl_lstm_small", "--output", output)
    assert run(*arguments, "--set", "model.front_end.skip=released")[0] == 0
    assert load_weights(output).config.model.front_end.options["skip"] == "released"
    code, _, err = run("import", tmp_path / "lua.pt", "--model", "grcl_lstm_paper", "--output", output, "--overwrite")
    assert code == 2 and "missing front_end.grcl1.recurrent.1.weight" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--config", "grcl_lstm_tyni"), "did you mean 'grcl_lstm_tiny'"),
        (("train", "--config", "crnn", "--set", "train.lrr=1"), "did you mean 'train.lr'"),
        (("train", "--config", "crnn", "--set", "data.train=nowhere.lmdb"), "no data at nowhere.lmdb"),
        (("evaluate", "--data", "nowhere.lmdb"), "no data at nowhere.lmdb"),
        (("evaluate", "--data", "crops/labels.tsv", "--lexicon", "nowhere.txt"), "no lexicon nowhere.txt"),
        (("evaluate", "--data", "crops/labels.tsv", "--weights", "grcl_tiny"), "no weights 'grcl_tiny'"),
        (
            ("evaluate", "--data", "crops/labels.tsv", "--weights", "crops/0.png"),
            "not a safetensors weights file",
        ),
        (("read", "crops/0.png", "--weights", "nowhere.safetensors"), "no weights 'nowhere.safetensors'"),
        (("read", "nothing*.png"), "nothing matches nothing*.png"),
        (("read", "empty"), "no images in empty"),
        (("lmdb", "info", "empty"), "no LMDB at empty"),
        (
            ("lmdb", "create", "--labels", "nowhere.tsv", "--output", "x.lmdb"),
            "cannot read label file nowhere.tsv",
        ),
        (("train", "--config", "crnn", "--set", "train.lr=["), "'[' is not a YAML value"),
        (("train", "--config", "crnn", "--set", "train.time_budget=1h30"), "'1h30' is not a duration"),
        (
            ("train", "--config", "crnn", "--set", "preprocess.min_width=2000"),
            "min_width 2000 is larger than max_width",
        ),
        (("synth", "--output", "x.lmdb", "--effect", "curve"), "--effect curve needs --preview"),
        (("synth", "--preview", "x.png", "--effect", "curv", "--fonts", "nowhere"), "did you mean 'curve'"),
        (("synth", "--preview", "x.foo", "--fonts", "nowhere"), "--preview x.foo: '.foo' is not a known image format"),
        (("synth", "--preview", "no/x.png", "--fonts", "nowhere"), "--preview no/x.png: no folder no"),
        (("synth", "--output", "crops", "--fonts", "nowhere"), "crops is not empty; name another folder"),
        (("synth", "--output", "crops/0.png", "--fonts", "nowhere"), "crops/0.png exists and is not a folder"),
        (("synth", "--output", "crops/0.png/x", "--fonts", "nowhere"), "crops/0.png is not a folder"),
        (("synth", "--output", "crops/x.lmdb", "--fonts", "nowhere"), "no folder nowhere"),
        (("train", "--config", "crnn", "--set", "preprocess.height=48"), "preprocess.height: Input should be 32"),
        (("train", "--config", "grcl_lstm", "--set", "model.front_end.widths=[0,1,1,1,1]"), "option 'widths.0'"),
        (("evaluate", "--data", "crops/labels.tsv", "--lexicon", "empty"), "no lexicon empty (Is a directory)"),
        (("lmdb", "create", "--labels", "empty", "--output", "x.lmdb"), "cannot read label file empty: Is a directory"),
        (("lmdb", "create", "--labels", "crops/labels.tsv", "--output", "crops/0.png/x.lmdb"), "crops/0.png"),
        (("import", "crops/0.png", "--model", "grcl_lstm", "--output", "x"), "not a PyTorch checkpoint"),
    ],
)
def test_bad_input_is_one_message_that_names_it(arguments, message, run, crops, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    code, _, err = run(*arguments)
    assert code == 2 and message in err and err.count("error: ") == 1 and "Traceback" not in err
    assert not Path("runs/crnn").exists()


def test_evaluate_checks_everything_before_it_reads(run, weights, crops, tmp_path, monkeypatch):
    monkeypatch.chdir(crops)
    command = ("evaluate", "--weights", weights, "--data", "labels.tsv")
    assert "--json nowhere/x.json: no folder nowhere" in run(*command, "--json", "nowhere/x.json")[2]
    assert "no device 'gpu' here" in run(*command, "--device", "gpu")[2]
    Path("two.tsv").write_text("0.png\thello\n1.png\tbook\n")
    Path("lists.txt").write_text("a,b\n" * 16)
    code, out, err = run(*command, "--data", "two.tsv", "--lexicon", "lists.txt")
    assert code == 2 and not out and "16 lists for 2 images" in err
    Path("none.tsv").write_text("0.png\t!!!\n")
    code, _, err = run("evaluate", "--weights", weights, "--data", "none.tsv", "--json", "-")
    assert code == 2 and "leaves nothing of any of its 1 labels" in err


def test_resume_skips_a_run_that_never_began(run, small_config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    import yaml

    Path("mine.yaml").write_text(yaml.safe_dump(small_config.model_dump(mode="json", exclude={"name"})))
    assert run("train", "--config", "mine.yaml")[0] == 0
    Path("runs/mine-2").mkdir()
    assert "the run in runs/mine was already complete" in run("train", "--config", "mine.yaml", "--resume")[1]


@pytest.mark.parametrize("name", ["best.safetensors", "last.safetensors"])
def test_training_replaces_no_weights_and_resumes_no_folder_without_a_state(run, tmp_path, name):
    command = ("train", "--config", "crnn", "--set", "data.train=nowhere.lmdb", "--output", tmp_path / "mine")
    code, _, err = run(*command, "--resume")
    assert code == 2 and f"nothing to resume: no {tmp_path / 'mine' / 'state.pt'}" in err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.yaml").touch()
    assert "no data at nowhere.lmdb" in run(*command)[2]  # what --find-lr leaves is no hindrance
    (tmp_path / "mine" / name).touch()
    code, _, err = run(*command)
    assert code == 2 and f"already holds weights, {name}; give another --output" in err


def test_the_latest_run_has_the_largest_number_though_earlier_ones_were_deleted(tmp_path):
    base = tmp_path / "runs" / "mine"
    assert [_run_folder(base, resume=False).name for _ in range(2)] == ["mine", "mine-2"]
    base.rmdir()
    assert _run_folder(base, resume=False).name == "mine-3"
    for name in ("mine-2", "mine-10", "mine-11-copy"):
        (tmp_path / "runs" / name).mkdir(exist_ok=True)
        (tmp_path / "runs" / name / "state.pt").touch()
    assert _run_folder(base, resume=True).name == "mine-10"


def test_a_path_in_brackets_is_printed_whole(run, crops, tmp_path):
    output = tmp_path / "x[final].lmdb"
    assert str(output) in run("lmdb", "create", "--labels", crops / "labels.tsv", "--output", output)[1]


def test_a_lexicon_with_the_wrong_number_of_lines_is_an_error(run, weights, crops):
    (crops / "short.txt").write_text("a,b\n" * 15)
    code, _, err = run("evaluate", "--weights", weights, "--data", crops / "labels.tsv", "--lexicon", "short.txt")
    assert code == 2 and "short.txt has 15 lists for 16 images" in err


@pytest.mark.parametrize("script", ["train.py", "evaluate.py", "tools/create_lmdb.py"])
def test_the_scripts_run_from_the_repository(script):
    found = subprocess.run([sys.executable, script, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"Usage: {Path(script).name} [OPTIONS]" in found.stdout


def test_the_samples_are_whole():
    """What the repository ships: crops, labels, and a list of 50 words for each crop with its word in it."""
    from grcnn_ocr.datasets.words import decoded, open_words
    from grcnn_ocr.text.lexicon import Lexicon

    evaluation = open_words(SAMPLES / "labels.tsv")
    assert len(evaluation) == 200
    lexicon = Lexicon.load(SAMPLES / "lexicon_50.txt")
    lexicon.check_length(200)
    for index in range(200):
        assert evaluation.label(index).lower() in lexicon.words(index) and len(set(lexicon.words(index))) == 50
        assert decoded(evaluation, index).size


def test_help_names_every_format():
    assert all(name in FORMAT for name in FORMATS)


def test_help_shows_brackets_and_defaults(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert "such as [A-Z]{2}[0-9]{3}" in run("read", "--help")[1]
    assert "[default: (the samples)]" in run("evaluate", "--help")[1]


def test_a_table_in_a_file_is_not_wrapped(run, crops):
    crops = crops.rename(crops.with_name("crops_of_words_in_a_folder_of_a_long_name"))
    code, out, _ = run("evaluate", "--data", crops / "labels.tsv", "--weights", "grcl_lstm_tiny")
    table = [line for line in out.splitlines() if line.startswith("|")]
    assert code == 0 and len(table) == 3 and len(table[0]) > 80
    assert run("evaluate", "--data", crops / "labels.tsv", "--show-errors", "-1")[0] == 2


def test_import_overwrites_only_if_asked(run, tmp_path):
    (tmp_path / "w.safetensors").write_text("mine")
    command = ("import", "absent.pt", "--model", "grcl_lstm_paper", "--output", tmp_path / "w.safetensors")
    assert "w.safetensors exists; give --overwrite to replace it" in run(*command)[2]
    assert "absent.pt" in run(*command, "--overwrite")[2] and (tmp_path / "w.safetensors").read_text() == "mine"


def test_find_lr_asks_for_matplotlib_before_it_searches(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    command = ("train", "--config", "grcl_lstm_tiny", "--find-lr", "--output", tmp_path / "rates")
    code, _, err = run(*command)
    assert code == 2 and "pip install 'grcnn-ocr[plots]'" in err and not (tmp_path / "rates").exists()


def test_visualize_replaces_pictures_only_if_asked_and_leaves_none_of_another_image(
    run, small_config, crops, monkeypatch
):
    monkeypatch.chdir(crops)
    model = build_model(small_config)
    for join in (model.sequence[-1].join_forward, model.sequence[-1].join_backward):
        join.bias.data[0] = 100  # blanks only
    save_weights(Path("blank.safetensors"), Weights(model, small_config))
    command = ("visualize", "0.png", "--weights", "blank.safetensors")
    assert run(*command, "--text", "it")[0] == 0
    code, _, err = run("visualize", "b/0.png", "--weights", "nowhere.safetensors")
    assert code == 2 and "0 holds fields.png, gates.png, lattice.png; give --overwrite to replace them, or an" in err
    code, _, err = run(*command, "--overwrite")
    assert code == 0 and "nothing was read in 0.png" in err
    assert sorted(path.name for path in Path("0").iterdir()) == ["gates.png", "lattice.png"]
    Path("0.png").rename("noext")
    code, _, err = run("visualize", "noext", "--weights", "nowhere.safetensors")
    assert code == 2 and "noext is a file, expected the name of a folder; give another --output" in err
