import pytest

from grcnn_ocr.build import build_model
from grcnn_ocr.config import Config, list_configs, load_config


@pytest.mark.parametrize("name", list_configs())
def test_packaged_configs_load_by_name_with_or_without_ending(name):
    assert load_config(name) == load_config(f"{name}.yaml")
    assert load_config(name).name == name


def test_unknown_key_is_an_error_that_names_the_nearest():
    with pytest.raises(ValueError, match=r"unknown key 'train\.lrr'; did you mean 'train\.lr'\?"):
        load_config("grcl_lstm", ["train.lrr=1"])


def test_unknown_option_of_a_front_end_is_named():
    config = load_config("grcl_lstm_tiny", ["model.front_end.iterationen=3"])
    with pytest.raises(ValueError, match="front end 'grcl': option 'iterationen'"):
        build_model(config)


def test_wrong_type_of_a_front_end_option_is_named():
    config = load_config("grcl_lstm_tiny", ["model.front_end.iterations=many"])
    with pytest.raises(ValueError, match="option 'iterations'"):
        build_model(config)


def test_unknown_front_end_names_the_nearest():
    with pytest.raises(ValueError, match=r"unknown front end 'grlc'; did you mean 'grcl'\?"):
        build_model(load_config("grcl_lstm_tiny", ["model.front_end.name=grlc"]))


def test_unknown_config_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'grcl_lstm_tiny'"):
        load_config("grcl_lstm_tyni.yaml")


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("20m", 1200), ("1h30m", 5400), ("45", 45), ("0.5", 0.5)])
def test_time_budgets(text, seconds):
    assert load_config("grcl_lstm", [f"train.time_budget={text}"]).train.time_budget == seconds


@pytest.mark.parametrize("text", ["soon", "20 minutes", "-5", "0s"])
def test_bad_time_budgets_are_errors(text):
    with pytest.raises(ValueError, match=r"train\.time_budget"):
        load_config("grcl_lstm", [f"train.time_budget={text}"])


@pytest.mark.parametrize("override", ["train.lr", "=3", "name.x=1", "data.train=2024-13-45"])
def test_malformed_overrides_are_errors(override):
    with pytest.raises(ValueError, match="--set"):
        load_config("grcl_lstm", [override])


def test_scientific_notation_without_a_dot_is_a_number():
    assert load_config("grcl_lstm", ["train.lr=1e-3"]).train.lr == 1e-3
    assert load_config("grcl_lstm", ["data.train={a.lmdb: 1e-1, b.lmdb: 9e-1}"]).data.shares["a.lmdb"] == 0.1


def test_a_file_wins_over_a_packaged_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crnn.yaml").write_text("name: mine\nmodel: {front_end: {name: vgg}}\n")
    assert load_config("crnn.yaml").name == "mine"


@pytest.mark.parametrize("text", ["[1, 2]", "model: {front_end: {name: vgg}", "task: words", "name: 2024-13-45"])
def test_a_file_that_is_no_config_is_an_error_naming_it(text, tmp_path):
    (tmp_path / "broken.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"broken\.yaml"):
        load_config(tmp_path / "broken.yaml")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.train={}", "data.train: expected engine, a path, or the share of each"),
        ("data.train=[a.lmdb, b.lmdb]", "data.train: expected engine, a path, or the share of each"),
        ("data.train={a.lmdb: 0.7, b.lmdb: -0.3}", "data.train: expected engine, a path, or the share of each"),
        ("data.train={a.lmdb: most}", "data.train: expected engine, a path, or the share of each"),
        ("preprocess.width=31", "preprocess.width"),
        ("data.engine.mix={upper: 0, title: 0, lower: 0, mixed: 0}", "lower and mixed are all 0"),
        (
            "data.engine.mix={words: 0, names: 0, web: 0, compounds: 0, numbers: 0, prices: 0, dates: 0, phones: 0, "
            "codes: 0, initials: 0}",
            "every kind of text has weight 0",
        ),
    ],
)
def test_values_that_nothing_can_be_made_of_are_errors(override, message):
    with pytest.raises(ValueError, match=message):
        load_config("crnn", [override])


def test_config_survives_json():
    config = load_config("grcl_lstm_tiny")
    assert Config.model_validate_json(config.model_dump_json()) == config


def test_config_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        load_config("crnn").train.lr = 1.0  # type: ignore[misc]


def test_an_error_names_the_override_that_it_is_in(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("model: {front_end: {name: vgg}}\ntrain: {lrr: 1}\n")
    with pytest.raises(ValueError) as caught:
        load_config(path, ["train.lr=fast"])
    assert f"{path}: unknown key 'train.lrr'" in str(caught.value)
    assert "--set train.lr=fast: train.lr: " in str(caught.value)
    with pytest.raises(
        ValueError, match=r"^--set train={stps: 3}: unknown key 'train\.stps'; did you mean 'train\.steps'"
    ):
        load_config(path, ["train.stps=3", "train={stps: 3}"])
    with pytest.raises(ValueError, match="^--set task=foo: task: expected one of"):
        load_config("grcl_lstm", ["task=foo"])
