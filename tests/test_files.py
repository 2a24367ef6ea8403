import os

import pytest

from grcnn_ocr.files import check_output, told_as, written_aside


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), written_aside(path) as aside:
        aside.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_finished_write_replaces_the_file(tmp_path):
    path = tmp_path / "folder" / "x.txt"
    with written_aside(path) as aside:
        aside.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    with pytest.raises(IsADirectoryError) as caught, written_aside(tmp_path):
        raise AssertionError("nothing is to be written")
    assert caught.value.filename == str(tmp_path) and list(tmp_path.iterdir()) == []
    path = tmp_path / "x.txt"
    (tmp_path / ".x.txt.writing").mkdir()
    with pytest.raises(OSError) as caught, told_as(path):
        (tmp_path / ".x.txt.writing").write_text("x")
    assert caught.value.filename == str(path)
    with pytest.raises(FileNotFoundError) as caught, told_as(path):
        (tmp_path / "other.txt").read_text()
    assert caught.value.filename == str(tmp_path / "other.txt")


def test_unwritable_outputs_are_reported_in_advance(tmp_path, monkeypatch):
    path = tmp_path / "new" / "x.txt"
    check_output(path, overwrite=False)
    assert not path.parent.exists()
    (tmp_path / "x.txt").touch()
    check_output(tmp_path / "x.txt", overwrite=True)
    with pytest.raises(ValueError, match=r"x\.txt exists; give --overwrite to replace it"):
        check_output(tmp_path / "x.txt", overwrite=False)
    with pytest.raises(ValueError, match="this is a folder, expected the name of a file"):
        check_output(tmp_path, overwrite=True)
    with pytest.raises(ValueError, match=r"y cannot be written: .*x\.txt is not a folder"):
        check_output(tmp_path / "x.txt" / "y", overwrite=True)
    monkeypatch.setattr(os, "access", lambda place, mode: place != tmp_path)
    with pytest.raises(ValueError, match=f"x.txt cannot be written: {tmp_path} is not a folder that can be written to"):
        check_output(path, overwrite=True)
