"""The LMDB store of labelled word images, in the key layout that every published recogniser reads.

image-000000001     the encoded image, as it was (JPEG, PNG, ...)
label-000000001     its text, UTF-8
lexicon-000000001   in some datasets, a comma-separated list of the words that the image may show
...                 counted from 1
num-samples         their number, in decimal
"""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock
from typing import Any

import lmdb

from grcnn_ocr.files import bring_back, flush_to_disk, replace_folder, told_as
from grcnn_ocr.text.lexicon import Lexicon, split_words

INITIAL_MAP_SIZE = 64 * 2**20


def image_key(index: int) -> bytes:
    """Return the key of image `index`, counted from 0."""
    return b"image-%09d" % (index + 1)


def label_key(index: int) -> bytes:
    """Return the key of label `index`, counted from 0."""
    return b"label-%09d" % (index + 1)


def lexicon_key(index: int) -> bytes:
    """Return the key of the list of words of image `index`, counted from 0."""
    return b"lexicon-%09d" % (index + 1)


def lexicon_file(name: str) -> str:
    """Return the name of the file in an LMDB's folder that holds a release's lists of words, one list per image."""
    return f"lexicon_{name}.txt"


_open_environments: dict[tuple[int, int], Any] = {}
"""By device and inode of the data file, since a process must not open the same LMDB twice."""
_opening = Lock()


def _close_inherited() -> None:
    for environment in _open_environments.values():
        environment.close()
    _open_environments.clear()
    if _opening.locked():  # by a thread that this process does not have
        _opening.release()


os.register_at_fork(after_in_child=_close_inherited)


class LmdbReader:
    """Reads an LMDB of words, indexed from 0.

    The environment is opened once in each process, so that readers can be pickled and forked, and several can read
    one dataset.

    Args:
        path: the LMDB's folder, or its data file.

    Raises:
        ValueError: if there is no LMDB or it lacks `num-samples`; from `image` and `label`, if there is none at that
            index. An unreadable sample is never replaced by another.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._env: Any = None
        self._process: int | None = None
        self._num_samples = self._read_num_samples()

    def __len__(self) -> int:
        return self._num_samples

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_env": None, "_process": None}

    def image(self, index: int) -> bytes:
        """Return the encoded image at `index`."""
        return self._get(image_key(index), index)

    def label(self, index: int) -> str:
        """Return the label at `index`."""
        return self._text(label_key(index), index)

    def labels(self) -> Iterator[str]:
        """Yield all labels in order."""
        return (self.label(index) for index in range(len(self)))

    @property
    def lexicons(self) -> Mapping[str, Lexicon]:
        """The lexicon of one list per image that the LMDB holds, named "own", if it has one."""
        if len(self) == 0 or self._find(lexicon_key(0), self.place(0)) is None:
            return {}
        lists = tuple(split_words(self._text(lexicon_key(index), index)) for index in range(len(self)))
        if empty := [index for index, words in enumerate(lists) if not words]:
            raise ValueError(f"{self.place(empty[0])}: an empty list of words")
        return {"own": Lexicon(lists, per_image=True, name="own")}

    def place(self, index: int) -> str:
        """Name the sample at `index` in a message."""
        return f"{self.path} [{index}]"

    def num_bytes(self) -> int:
        """Return the size of the data file."""
        return (self.path / "data.mdb" if self.path.is_dir() else self.path).stat().st_size

    def _text(self, key: bytes, index: int) -> str:
        try:
            return self._get(key, index).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{self.place(index)}: {key.decode()} is not UTF-8: {error}") from None

    def _get(self, key: bytes, index: int) -> bytes:
        data = self._find(key, self.place(index))
        if data is None:
            raise ValueError(f"{self.place(index)}: no key {key.decode()}; the dataset says it has {len(self)} samples")
        return data

    def _find(self, key: bytes, place: str) -> bytes | None:
        """Return what is stored under a key, or None; an error names `place`."""
        try:
            with self._environment().begin() as transaction:
                return transaction.get(key)
        except lmdb.Error as error:
            raise ValueError(f"{place}: {key.decode()} cannot be read: {error}; copy the LMDB again") from None

    def _read_num_samples(self) -> int:
        count = self._find(b"num-samples", str(self.path))
        if count is None:
            raise ValueError(f"{self.path} is an LMDB without the key num-samples: not a dataset of words")
        if not count.isdigit():
            raise ValueError(f"{self.path}: num-samples is {count!r}, expected a number")
        return int(count)

    def _environment(self) -> Any:
        if self._process == os.getpid():
            return self._env
        data_file = self.path / "data.mdb" if self.path.is_dir() else self.path
        if not data_file.is_file():
            raise ValueError(f"no LMDB at {self.path}: expected a folder with a data.mdb in it")
        status = data_file.stat()
        identity = (status.st_dev, status.st_ino)
        with _opening:
            if identity not in _open_environments:
                _open_environments[identity] = _open(self.path, status.st_size)
            self._env, self._process = _open_environments[identity], os.getpid()
        return self._env


def _open(path: Path, file_size: int) -> Any:
    try:
        environment = lmdb.open(str(path), subdir=path.is_dir(), readonly=True, lock=False, readahead=False)
    except lmdb.Error as error:
        raise ValueError(f"{path} cannot be opened as an LMDB: {error}") from None
    expected = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if file_size < expected:  # reading past the end of the file would crash the process
        environment.close()
        raise ValueError(f"{path} is truncated: {file_size} bytes of {expected}; copy it again")
    return environment


class LmdbWriter:
    """Appends samples to an LMDB being built; see `building`. The map grows as needed."""

    def __init__(self, env: Any) -> None:
        self._env = env
        self._pending: list[tuple[bytes, bytes]] = []
        self._pending_bytes = 0
        self.num_samples = 0
        self.notes: dict[str, str] = {}
        """Text files to write beside the data, by name."""

    def add(self, image: bytes, label: str) -> None:
        """Append one sample."""
        encoded = label.encode("utf-8")
        self._pending += [(image_key(self.num_samples), image), (label_key(self.num_samples), encoded)]
        self._pending_bytes += len(image) + len(encoded)
        self.num_samples += 1
        if self._pending_bytes > 16 * 2**20:
            self._flush()

    def finish(self) -> None:
        """Write what is pending and the number of samples."""
        self._pending.append((b"num-samples", str(self.num_samples).encode()))
        self._flush()
        self._env.sync(True)

    def _flush(self) -> None:
        while True:
            try:
                with self._env.begin(write=True) as transaction:
                    for key, value in self._pending:
                        transaction.put(key, value)
                break
            except lmdb.MapFullError:
                self._env.set_mapsize(2 * self._env.info()["map_size"])
        self._pending, self._pending_bytes = [], 0


@contextmanager
def building(output: Path, overwrite: bool = False) -> Iterator[LmdbWriter]:
    """Build a dataset aside; on success compact it, flush it to disk and rename it to `output`.

    Killing the process at any moment leaves either nothing at `output` or a complete dataset; a dataset that was being
    replaced may then lie beside it, and the next build of the same output brings it back. That build also removes the
    hidden folder that a killed one leaves beside `output`.

    Args:
        output: the folder to write.
        overwrite: whether to replace an existing dataset; a folder of anything else is never replaced.

    Raises:
        ValueError: if `output` exists (before or after the build) and may not be replaced, or the disk is full.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    _clear_abandoned(output)
    check_dataset_output(output, overwrite)
    with told_as(output):
        aside = Path(mkdtemp(prefix=f".{output.name}.", suffix=".building", dir=output.parent))
    with (aside / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # held as long as this process lives
        try:
            (aside / "growing").mkdir()
            env = lmdb.open(str(aside / "growing"), map_size=INITIAL_MAP_SIZE, sync=False, lock=False)
            try:
                writer = LmdbWriter(env)
                yield writer
                writer.finish()
                (aside / "compact").mkdir()
                env.copy(str(aside / "compact"), compact=True)
                for name, text in writer.notes.items():
                    (aside / "compact" / name).write_text(text, encoding="utf-8")
            finally:
                env.close()
            flush_to_disk(aside / "compact" / "data.mdb")
            flush_to_disk(aside / "compact")
            check_dataset_output(output, overwrite)  # again: another build may have finished meanwhile
            replace_folder(output, aside / "compact", aside / "replaced")
        except lmdb.Error as error:  # from writing: readers raise ValueErrors
            raise ValueError(f"{output} cannot be written: {error}; is there room on the disk?") from None
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def check_dataset_output(output: Path, overwrite: bool) -> None:
    """Raise ValueError if a dataset may not be built at `output`."""
    if output.exists() and not (output / "data.mdb").is_file():
        raise ValueError(f"{output} exists and is not an LMDB; name another output")
    if output.exists() and not overwrite:
        raise ValueError(f"{output} exists; give --overwrite to replace it, or name another output")


def _clear_abandoned(output: Path) -> None:
    """Remove the folders of killed builds of `output`; a dataset that one was replacing is moved back."""
    for lock_file in output.parent.glob(f".{glob.escape(output.name)}.*.building/lock"):
        with lock_file.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # that build is alive
                continue
            bring_back(output, lock_file.parent / "replaced")  # if it was killed between the two renames
            shutil.rmtree(lock_file.parent)
