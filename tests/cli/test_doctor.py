import json
import logging

import pytest
import typer
import yaml
from typer.testing import CliRunner

from grcnn_ocr.cli.doctor import doctor
from grcnn_ocr.doctor import timing

app = typer.Typer()
app.command()(doctor)


@pytest.fixture
def run(small_config, tmp_path):
    """Run the command under the small configuration; return exit code and standard output."""
    config = tmp_path / "mine.yaml"
    config.write_text(yaml.safe_dump(small_config.model_dump(mode="json", exclude={"name"})))

    def command(*arguments: object) -> tuple[int, str]:
        result = CliRunner().invoke(app, [str(argument) for argument in (*arguments, "--config", config)])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout

    return command


def test_findings_are_printed_with_a_verdict(run, crops):
    labels = crops / "labels.tsv"
    code, out = run(labels, "--no-timing")
    assert code == 1 and "16 to train on" in out and "in the validation data too: 16" in out
    assert "█" in out and "training can start, with warnings" in out and "words/s" not in out
    with labels.open("a", encoding="utf-8") as file:
        file.write("0.png\tjello\n1.png\tbook\n2.png\t日\n" + "nowhere.png\tword\n" * 22)
    code, out = run(labels, "--no-timing")
    assert code == 2 and "unreadable or empty: 22" in out and "... and 2 more" in out
    assert "'hello'" in out and "'jello'" in out and "the same file" in out and "'日' U+65E5 in 1 label\n" in out
    assert "stop: 22 of the 40 samples" in out and "training cannot start" in out


def test_the_proposed_charset_can_be_given(run, crops):
    other = crops / "other.tsv"
    other.write_text("0.png\thello\n1.png\tbжk\n", encoding="utf-8")
    plain = ("--set", "charset.fold_accents=false", "--set", f"data.validation={crops / '2.tsv'}", "--no-timing")
    (crops / "2.tsv").write_text("2.png\t42\n")
    code, out = run(other, *plain)
    assert code == 1 and "'ж' U+0436" in out and "--set 'charset.characters=" in out
    code, out = run(other, *plain, "--set", 'charset.characters="abcdefghijklmnopqrstuvwxyz0123456789ж"')
    assert code == 0 and "training can start\n" in out


def test_json_holds_everything_and_timing_is_an_estimate(run, crops, caplog, monkeypatch):
    monkeypatch.setattr(timing, "BLOCK", 2)
    caplog.set_level(logging.INFO, "grcnn_ocr")
    code, out = run(crops / "labels.tsv", "--json")
    values = json.loads(out)
    assert code == values["exit_code"] == 1 and len(values["overlaps"]) == 16
    assert values["timing"]["num_steps"] == 2
    assert "usable" not in caplog.text and logging.getLogger("grcnn_ocr.training").isEnabledFor(logging.INFO)
    assert "estimate from 2 training steps" in run(crops / "labels.tsv")[1]


def test_weights_are_judged_by_alone(crops):
    arguments = [str(crops / "labels.tsv"), "--weights", "grcl_lstm_tiny", "--no-timing"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0 and "judged by grcl_lstm_tiny" in result.stdout
    result = CliRunner().invoke(app, [*arguments, "--set", "train.lr=1"])
    assert isinstance(result.exception, ValueError) and "without --config" in str(result.exception)
