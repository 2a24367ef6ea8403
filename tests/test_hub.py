from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub.errors import RepositoryNotFoundError

from grcnn_ocr.hub import is_hub_id
from grcnn_ocr.weights import find_weights


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub of one repository: its files."""

    def offer(*files):
        (tmp_path / "model.safetensors").write_bytes(b"x")
        found = SimpleNamespace(siblings=[SimpleNamespace(rfilename=file) for file in files])
        monkeypatch.setattr(huggingface_hub, "model_info", lambda name, timeout: found)
        monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda name, file: str(tmp_path / file))
        return tmp_path

    return offer


def test_a_hub_id_is_downloaded(hub):
    folder = hub("README.md", "model.safetensors")
    assert find_weights("owner/repository") == folder / "model.safetensors"


def test_a_repository_of_several_files_is_an_error_that_names_them(hub):
    hub("a.safetensors", "b.safetensors")
    with pytest.raises(ValueError, match=r"2 safetensors files, expected one: a\.safetensors, b\.safetensors"):
        find_weights("owner/repository")


def test_what_the_hub_cannot_give_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(huggingface_hub, "model_info", _not_found)
    with pytest.raises(ValueError, match="no weights 'owner/missing': not a file, and the hub says: 404"):
        find_weights("owner/missing")


def test_what_was_downloaded_before_is_found_without_the_hub(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub, "model_info", _not_found)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--owner--repository" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").write_bytes(b"x")
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs" / "main").write_text("0" * 40)
    assert find_weights("owner/repository") == snapshot / "model.safetensors"


def test_a_cache_without_weights_is_not_taken_for_the_hubs_answer(monkeypatch, tmp_path):
    def fails(name, timeout):
        raise ConnectionError

    monkeypatch.setattr(huggingface_hub, "model_info", fails)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match="no weights 'owner/repository': not a file, and the hub says: ConnectionErr"):
        find_weights("owner/repository")
    repository = tmp_path / "models--owner--repository"
    (repository / "snapshots" / ("0" * 40)).mkdir(parents=True)
    (repository / "snapshots" / ("0" * 40) / "config.json").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    with pytest.raises(ValueError, match="the hub says: ConnectionError"):
        find_weights("owner/repository")


def test_paths_are_no_hub_ids(tmp_path, monkeypatch):
    assert not is_hub_id("runs/x/best.safetensors") and not is_hub_id("runs/best.safetensors")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    with pytest.raises(ValueError, match="no weights 'runs/nothing': neither a file nor released"):
        find_weights("runs/nothing")


def test_a_misspelt_released_name_is_told_of():
    with pytest.raises(ValueError, match=r"neither a file nor released; did you mean 'grcl_lstm_tiny'\? \(released: "):
        find_weights("grcl_lstm_tinny")


def _not_found(name, timeout):
    raise RepositoryNotFoundError("404: no such repository\nmore", response=_Response())


class _Response:
    headers: dict = {}  # noqa: RUF012
    status_code = 404
    request = None
