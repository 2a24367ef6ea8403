"""States of a run: a resumed run equals an uninterrupted one, and what cannot be resumed says why."""

import pytest
from training.runs import (
    Interrupted,
    Recorder,
    assert_equal_states,
    assert_resumes_exactly,
    files_limited_to,
    states,
    with_data,
    with_section,
    with_train,
)

from grcnn_ocr.config import DataConfig
from grcnn_ocr.training import bucketing
from grcnn_ocr.training import trainer as trainer_module
from grcnn_ocr.training.checkpoint import load_state
from grcnn_ocr.training.trainer import Trainer
from grcnn_ocr.weights import load_weights


@pytest.mark.parametrize("optimizer", ["adamw", "adadelta", "sgd"])
def test_resumed_run_equals_uninterrupted_run(small_config, tmp_path, optimizer):
    config = with_train(small_config, optimizer=optimizer)
    assert_resumes_exactly(config, tmp_path, at=4)
    whole, parts = (load_weights(tmp_path / run / "last.safetensors") for run in ("whole", "parts"))
    assert_equal_states(dict(whole.model.state_dict()), dict(parts.model.state_dict()))


def test_a_run_that_reuses_images_is_resumed_exactly(small_config, tmp_path):
    assert_resumes_exactly(with_data(small_config, reuse=4), tmp_path, at=4)


def test_a_run_with_proportional_widths_is_resumed_exactly(small_config, tmp_path, monkeypatch):
    monkeypatch.setattr(bucketing, "BLOCK", 16)
    config = with_train(with_section(small_config, "preprocess", width="proportional"), steps=20, validate_every=9)
    assert_resumes_exactly(config, tmp_path, at=18)  # in the midst of the second block


def test_a_run_on_the_default_data_the_engines_words_is_resumed_exactly(small_config, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")  # no fontconfig: the built-in font
    (tmp_path / "words.txt").write_text("open\nstreet\nkitchen\n")
    engine = small_config.data.engine.model_copy(update={"backgrounds": (), "words": str(tmp_path / "words.txt")})
    config = with_data(small_config, train=DataConfig().train, validation=None, engine=engine)
    recorder = assert_resumes_exactly(config, tmp_path, at=4)
    assert [step for step, _ in recorder.validations] == [4, 8]


@pytest.fixture
def finished(small_config, tmp_path):
    """The configuration of a run of one step, which lies in `tmp_path`; an eighth of its words are held out."""
    config = with_train(with_data(small_config, validation=None, holdout=0.125), steps=1)
    Trainer(config, tmp_path).run()
    return config


def test_a_complete_run_is_left_alone(finished, tmp_path):
    before = (tmp_path / "last.safetensors").read_bytes()
    assert Trainer(finished, tmp_path, resume=True).run() is None
    assert (tmp_path / "last.safetensors").read_bytes() == before


def test_resuming_with_another_configuration_names_what_differs(finished, tmp_path):
    with pytest.raises(ValueError, match=r"train\.lr: 0\.0015 then, 0\.5 now"):
        Trainer(with_train(finished, lr=0.5), tmp_path, resume=True)


def test_resuming_on_another_number_of_processes_is_an_error(finished, tmp_path):
    with pytest.raises(ValueError, match="a run on 1 processes, this one has 2"):
        load_state(tmp_path / "state.pt", finished, num_processes=2, data={})


def test_data_that_changed_are_not_gone_on_with(finished, tmp_path, crops):
    labels = crops / "labels.tsv"
    labels.write_text(labels.read_text() + "0.png\thello\n")
    with pytest.raises(ValueError, match=r"the data changed since .*state\.pt was written .*labels\.tsv"):
        Trainer(finished, tmp_path, resume=True)


def test_resuming_nothing_or_damaged_states_is_an_error(small_config, tmp_path):
    with pytest.raises(ValueError, match="nothing to resume"):
        Trainer(small_config, tmp_path, resume=True)
    (tmp_path / "state.pt").write_bytes(b"junk")
    (tmp_path / "state.previous.pt").write_bytes(b"")
    with pytest.raises(ValueError, match="cannot be read as a training state"):
        Trainer(small_config, tmp_path, resume=True)


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_newest_state_falls_back_to_the_one_before_and_says_so(small_config, tmp_path, damage, caplog):
    Trainer(small_config, tmp_path).run()
    newest, whole = tmp_path / "state.pt", states(tmp_path)
    if damage == "cut":
        newest.write_bytes(newest.read_bytes()[:-2000])
    else:  # killed between the two renames
        newest.unlink()
    resumed = Trainer(small_config, tmp_path, resume=True)
    assert resumed.progress.step == 4 and not newest.exists()
    reason = "cannot be read as a training state" if damage == "cut" else "state.pt is missing"
    assert reason in caplog.text and "step 4" in caplog.text
    resumed.run()
    assert_equal_states(states(tmp_path), whole)


def test_a_state_is_saved_between_validations_too(small_config, tmp_path):
    config = with_train(small_config, save_every=0.0, validate_every=8)
    Trainer(config, tmp_path).run()
    whole = states(tmp_path)
    (tmp_path / "state.pt").unlink()  # of step 8
    resumed = Trainer(config, tmp_path, resume=True)
    assert resumed.progress.step == 7
    resumed.run()
    assert_equal_states(states(tmp_path), whole)


def test_a_time_budget_is_measured_once_and_kept(small_config, tmp_path, monkeypatch):
    measurements = []

    def total_steps(config, measured=None):
        if measured is None:
            return None
        measurements.append(measured)
        return measured.steps + 5

    monkeypatch.setattr(trainer_module, "MEASURED_STEPS", 4)
    monkeypatch.setattr(trainer_module, "WARMUP_STEPS", 2)
    monkeypatch.setattr(trainer_module, "total_steps", total_steps)
    config = with_train(small_config, time_budget=60.0)
    with pytest.raises(Interrupted):
        Trainer(config, tmp_path, monitors=[Recorder(stop_at=8)]).run()
    resumed = Trainer(config, tmp_path, resume=True)
    assert resumed.progress.total_steps == 11
    resumed.run()
    assert resumed.progress.step == 11
    [measured] = measurements  # not again after resuming
    assert measured.steps == 6
    assert 0 < 6 * measured.step_seconds < 5 * measured.elapsed and 0 < measured.validation_seconds < measured.elapsed


def test_a_full_disk_ends_the_run_and_leaves_the_state_before(finished, tmp_path):
    before = (tmp_path / "state.pt").read_bytes()
    trainer = Trainer(with_train(finished, steps=12), tmp_path)
    trainer.progress.step = 8
    message = r"the state of step 8 could not be written to .*state\.pt: .*make room"
    with files_limited_to(len(before) // 2), pytest.raises(ValueError, match=message):
        trainer._save_state()
    assert (tmp_path / "state.pt").read_bytes() == before
