"""Weights files of the Hugging Face Hub."""

from __future__ import annotations

import re
from pathlib import Path

TIMEOUT = 10
"""Seconds that the hub has to answer."""


def is_hub_id(name: str) -> bool:
    """Tell whether a name looks like `owner/repository`."""
    return re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None and not name.endswith((".safetensors", ".pt", ".pth"))


def download(name: str) -> Path:
    """Return the one safetensors file of a repository: the hub's latest, or if it cannot be asked, a cached one.

    Raises:
        ValueError: if there is neither, or the repository does not hold exactly one such file.
    """
    from huggingface_hub import hf_hub_download, model_info

    try:
        files = [file.rfilename for file in model_info(name, timeout=TIMEOUT).siblings or ()]
        return Path(hf_hub_download(name, _only_weights(name, files)))
    except ValueError:
        raise
    except Exception as error:  # the client raises errors of several packages
        cached = _cached(name)
        if cached is None:
            first_line = str(error).splitlines()[0]
            raise ValueError(f"no weights {name!r}: not a file, and the hub says: {first_line}") from None
        return cached


def _cached(name: str) -> Path | None:
    """Return the weights of a repository that was downloaded before, if it was."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, local_files_only=True))
    except OSError:
        return None
    return folder / _only_weights(name, [str(path.relative_to(folder)) for path in folder.rglob("*.safetensors")])


def _only_weights(name: str, files: list[str]) -> str:
    weights = [file for file in files if file.endswith(".safetensors")]
    if len(weights) != 1:
        raise ValueError(f"hub {name!r} holds {len(weights)} safetensors files, expected one: {', '.join(weights)}")
    return weights[0]
