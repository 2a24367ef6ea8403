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
        monkeypatch.setattr(huggingface_hub, "list_repo_files", lambda name: list(files))
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
    def fails(name):
        raise RepositoryNotFoundError("404: no such repository\nmore", response=_Response())

    monkeypatch.setattr(huggingface_hub, "list_repo_files", fails)
    with pytest.raises(ValueError, match="no weights 'owner/missing': not a file, and the hub says: 404"):
        find_weights("owner/missing")


def test_paths_are_no_hub_ids(tmp_path, monkeypatch):
    assert not is_hub_id("runs/x/best.safetensors") and not is_hub_id("runs/best.safetensors")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    with pytest.raises(ValueError, match="no weights 'runs/nothing': neither a file nor released"):
        find_weights("runs/nothing")


class _Response:
    headers: dict = {}  # noqa: RUF012
    status_code = 404
    request = None
