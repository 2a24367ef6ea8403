"""What a run says when its state cannot be used, or not be written."""

import pytest
import torch
from training.runs import files_limited_to

from grcnn_ocr.config import load_config
from grcnn_ocr.training.checkpoint import STATE, Progress, load_state, save_state

CONFIG = load_config("grcl_lstm_tiny")


def test_an_unusable_state_is_called_damaged_without_the_advice_of_torch(tmp_path):
    for name in (STATE, "state.previous.pt"):
        (tmp_path / name).write_text("x")
    with pytest.raises(ValueError, match="it is damaged, or no state at all") as raised:
        load_state(tmp_path / STATE, CONFIG, 1, {})
    message = str(raised.value)
    assert "weights_only" not in message and f"--init {tmp_path / 'last.safetensors'}" in message


def test_a_state_cut_short_is_told_of_in_one_sentence(tmp_path):
    save_state(tmp_path / STATE, CONFIG, Progress(10), {"model": {"w": torch.zeros(10_000)}})
    whole = (tmp_path / STATE).read_bytes()
    (tmp_path / STATE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"no state at all \([^.;]*\); start a new run"):
        load_state(tmp_path / STATE, CONFIG, 1, {})


def test_another_configuration_names_the_weights_to_start_from(tmp_path):
    save_state(tmp_path / STATE, CONFIG, Progress(10), {})
    other = load_config("grcl_lstm_tiny", ["train.lr=0.5"])
    with pytest.raises(ValueError, match=r"train\.lr: .* or start a new run with --init .*last\.safetensors"):
        load_state(tmp_path / STATE, other, 1, {})


@pytest.mark.parametrize(("saved_before", "remedy"), [(True, "--resume"), (False, "start again, as no earlier one")])
def test_a_state_that_cannot_be_written_gives_the_reason_and_a_remedy_that_works(saved_before, remedy, tmp_path):
    if saved_before:
        save_state(tmp_path / STATE, CONFIG, Progress(10), {})
    message = f"state.pt: File too large; make room and {remedy}"
    with files_limited_to(20_000), pytest.raises(ValueError, match=message):
        save_state(tmp_path / STATE, CONFIG, Progress(10), {"model": {"w": torch.zeros(100_000)}})
    assert [path.name for path in tmp_path.iterdir()] == ([STATE] if saved_before else [])
