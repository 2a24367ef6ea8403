"""The files of a folder or of a tar archive, alike."""

from __future__ import annotations

import re
import tarfile
import zlib
from pathlib import Path


def read_members(path: Path, pattern: str) -> dict[str, bytes]:
    """Read the files whose name matches, from a folder or an archive (.tar, .tar.gz, .tgz), folders within aside.

    Nothing is written to disk.

    Raises:
        ValueError: if the archive is damaged, naming it.
    """
    if path.is_dir():
        files = [entry for entry in sorted(path.iterdir()) if re.fullmatch(pattern, entry.name) and entry.is_file()]
        return {file.name: file.read_bytes() for file in files}
    found = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = Path(member.name).name
                file = archive.extractfile(member) if re.fullmatch(pattern, name) else None
                if file is not None:
                    found[name] = file.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} is damaged or truncated ({error}); fetch it again") from None
    return found
