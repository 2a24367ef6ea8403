"""Weights files on the Hugging Face Hub."""

from __future__ import annotations

import logging
import re
from pathlib import Path

logger = logging.getLogger(__name__)

TIMEOUT = 10
"""Seconds that the hub has to answer."""


def is_hub_id(name: str) -> bool:
    """Tell whether a name looks like `owner/repository`."""
    return re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None and not name.endswith((".safetensors", ".pt", ".pth"))


def download(name: str) -> Path:
    """Return the only safetensors file of a repository: the latest or, if the hub cannot provide it, a cached one.

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
        first_line = next(iter(str(error).splitlines()), type(error).__name__)
        cached = _cached(name)
        if cached is None:
            raise ValueError(f"no weights {name!r}: not a file, and the hub says: {first_line}") from None
        logger.warning("hub %r says: %s; using what was downloaded before, %s", name, first_line, cached)
        return cached


def _cached(name: str) -> Path | None:
    """Return the weights of a repository that were downloaded earlier, or None."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, local_files_only=True))
    except OSError:
        return None
    files = list(folder.rglob("*.safetensors"))
    return files[0] if len(files) == 1 else None


def _only_weights(name: str, files: list[str]) -> str:
    weights = [file for file in files if file.endswith(".safetensors")]
    if len(weights) != 1:
        raise ValueError(f"hub {name!r} holds {len(weights)} safetensors files, expected one: {', '.join(weights)}")
    return weights[0]
