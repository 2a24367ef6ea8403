"""Weights files of the Hugging Face Hub."""

from __future__ import annotations

import re
from pathlib import Path


def is_hub_id(name: str) -> bool:
    """Tell whether a name looks like `owner/repository`."""
    return re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None and not name.endswith((".safetensors", ".pt", ".pth"))


def download(name: str) -> Path:
    """Return the one safetensors file of a repository, from the local cache where it is there already.

    Raises:
        ValueError: if it cannot be reached, or does not hold exactly one such file.
    """
    from huggingface_hub import hf_hub_download, list_repo_files

    try:
        files = [file for file in list_repo_files(name) if file.endswith(".safetensors")]
        if len(files) != 1:
            raise ValueError(f"hub {name!r} holds {len(files)} safetensors files, expected one: {', '.join(files)}")
        return Path(hf_hub_download(name, files[0]))
    except ValueError:
        raise
    except Exception as error:  # the client raises errors of several packages
        raise ValueError(f"no weights {name!r}: not a file, and the hub says: {str(error).splitlines()[0]}") from None
