import multiprocessing
import os
import pickle
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import lmdb
import pytest
from conftest import interrupt_second_rename

from grcnn_ocr.datasets import lmdb_store
from grcnn_ocr.datasets.lmdb_store import LmdbReader, building

PAGE_SIZE = resource.getpagesize()
"""LMDB's, too."""


def build(path: Path, count: int, size: int = 10) -> Path:
    with building(path) as writer:
        for index in range(count):
            writer.add(bytes([index % 256]) * size, f"label{index}")
    return path


def last_label(reader: LmdbReader) -> str:
    return reader.label(len(reader) - 1)


def test_the_key_layout_is_the_published_one(tmp_path):
    build(tmp_path / "x.lmdb", 2)
    with lmdb.open(str(tmp_path / "x.lmdb"), readonly=True, lock=False) as env, env.begin() as transaction:
        assert dict(transaction.cursor()) == {
            b"image-000000001": b"\0" * 10,
            b"image-000000002": b"\1" * 10,
            b"label-000000001": b"label0",
            b"label-000000002": b"label1",
            b"num-samples": b"2",
        }


def test_a_dataset_of_another_recogniser_opens_as_it_is(tmp_path):
    with lmdb.open(str(tmp_path / "other"), map_size=2**20) as env, env.begin(write=True) as transaction:
        for key, value in (
            (b"image-000000001", b"jpeg"),
            (b"label-000000001", "Überall".encode()),
            (b"num-samples", b"1"),
        ):
            transaction.put(key, value)
    for path in (tmp_path / "other", tmp_path / "other" / "data.mdb"):
        reader = LmdbReader(path)
        assert (len(reader), reader.image(0), reader.label(0)) == (1, b"jpeg", "Überall")


def test_the_map_grows_and_the_result_is_compact(tmp_path, monkeypatch):
    monkeypatch.setattr(lmdb_store, "INITIAL_MAP_SIZE", 2**16)
    reader = LmdbReader(build(tmp_path / "x.lmdb", 300, size=4000))
    assert reader.image(299) == bytes([299 % 256]) * 4000
    file = tmp_path / "x.lmdb" / "data.mdb"
    assert file.stat().st_size < 3 * 300 * 4000
    assert file.stat().st_blocks * 512 >= file.stat().st_size  # not sparse


def test_several_readers_share_a_dataset(tmp_path):
    build(tmp_path / "x.lmdb", 3)
    first, second = LmdbReader(tmp_path / "x.lmdb"), LmdbReader(tmp_path / "x.lmdb")
    assert first.label(0) == second.label(0) == pickle.loads(pickle.dumps(first)).label(0)


def test_threads_that_read_at_once_open_a_dataset_once(tmp_path, monkeypatch):
    build(tmp_path / "x.lmdb", 8)
    pickled = pickle.dumps(LmdbReader(tmp_path / "x.lmdb"))
    lmdb_store._close_inherited()
    opened, open_once = [], lmdb_store._open
    monkeypatch.setattr(
        lmdb_store, "_open", lambda *found: (opened.append(found), time.sleep(0.1), open_once(*found))[-1]
    )
    reader = pickle.loads(pickled)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(reader.label, range(8))) == [f"label{index}" for index in range(8)]
    assert len(opened) == 1


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_reader_survives_workers(method, tmp_path):
    reader = LmdbReader(build(tmp_path / "x.lmdb", 5))
    assert last_label(reader) == "label4"  # opened before the workers start
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(last_label, [reader] * 4) == ["label4"] * 4
    assert last_label(reader) == "label4"


def test_a_missing_sample_is_an_error_with_dataset_and_index(tmp_path):
    reader = LmdbReader(build(tmp_path / "x.lmdb", 2))
    with pytest.raises(ValueError, match=r"x\.lmdb \[2\]: no key image-000000003; the dataset says it has 2"):
        reader.image(2)


def test_what_is_no_dataset_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no LMDB at"):
        LmdbReader(tmp_path / "nowhere")
    with lmdb.open(str(tmp_path / "empty")):
        pass
    with pytest.raises(ValueError, match="without the key num-samples"):
        LmdbReader(tmp_path / "empty")
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "data.mdb").write_bytes(b"junk" * 5000)
    with pytest.raises(ValueError, match="cannot be opened as an LMDB"):
        LmdbReader(tmp_path / "junk")


def test_an_existing_dataset_is_replaced_only_when_asked(tmp_path):
    build(tmp_path / "x.lmdb", 2)
    with pytest.raises(ValueError, match="--overwrite"), building(tmp_path / "x.lmdb"):
        pass
    with building(tmp_path / "x.lmdb", overwrite=True) as writer:
        writer.add(b"new", "new")
    assert len(LmdbReader(tmp_path / "x.lmdb")) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.lmdb"]


def test_a_folder_of_anything_else_is_never_replaced(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(ValueError, match="not an LMDB"), building(tmp_path / "photos", overwrite=True):
        pass


def test_a_failed_build_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), building(tmp_path / "x.lmdb") as writer:
        writer.add(b"a", "b")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"abc", b"3.0", b"-3", b""])
def test_a_senseless_number_of_samples_is_an_error_that_names_the_dataset(content, tmp_path):
    with lmdb.open(str(tmp_path / "odd"), map_size=2**20) as env, env.begin(write=True) as transaction:
        transaction.put(b"num-samples", content)
    with pytest.raises(ValueError, match="odd: num-samples is"):
        LmdbReader(tmp_path / "odd")


@pytest.mark.parametrize("part", [0.2, 0.5, 0.99])
def test_a_truncated_dataset_is_an_error_and_no_crash(part, tmp_path):
    file = build(tmp_path / "x.lmdb", 300, size=4000) / "data.mdb"
    os.truncate(file, int(part * file.stat().st_size))
    with pytest.raises(ValueError, match=r"x\.lmdb is truncated"):
        LmdbReader(tmp_path / "x.lmdb")


def test_a_damaged_dataset_is_an_error_that_names_it(tmp_path):
    file = build(tmp_path / "x.lmdb", 30, size=4000) / "data.mdb"
    with file.open("r+b") as data:
        data.seek(-PAGE_SIZE, os.SEEK_END)
        data.write(b"\xff" * PAGE_SIZE)
    with pytest.raises(ValueError, match=r"x\.lmdb: num-samples cannot be read: .*copy the LMDB again"):
        LmdbReader(tmp_path / "x.lmdb")


def test_damage_among_the_lists_of_words_is_an_error_with_its_place(tmp_path):
    build(tmp_path / "x.lmdb", 2)
    reader = LmdbReader(tmp_path / "x.lmdb")

    class Damaged:
        def begin(self):
            raise lmdb.CorruptedError("wrong page")

    reader._env = Damaged()
    with pytest.raises(ValueError, match=r"x\.lmdb \[0\]: lexicon-000000001 cannot be read: wrong page"):
        reader.lexicons  # noqa: B018


def test_a_disk_without_room_is_an_error_that_names_the_output(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10 * PAGE_SIZE, hard))
    try:
        with pytest.raises(ValueError, match=r"x\.lmdb cannot be written: .*room on the disk"):
            build(tmp_path / "x.lmdb", 30, size=4000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


BUILD_AND_DIE = """
import os, sys
from pathlib import Path
from grcnn_ocr import files
from grcnn_ocr.datasets import lmdb_store

output, calls_left = Path(sys.argv[1]), int(sys.argv[2])

def dying(function):
    def call(*arguments, **options):
        global calls_left
        if calls_left == 0:
            os._exit(9)  # as kill -9 would, nothing cleaned up
        calls_left -= 1
        return function(*arguments, **options)
    return call

lmdb_store.flush_to_disk = files.flush_to_disk = dying(files.flush_to_disk)
lmdb_store.LmdbWriter.add = dying(lmdb_store.LmdbWriter.add)
lmdb_store.LmdbWriter.finish = dying(lmdb_store.LmdbWriter.finish)
Path.rename = dying(Path.rename)
lmdb_store.shutil.rmtree = dying(lmdb_store.shutil.rmtree)
with lmdb_store.building(output, overwrite=True) as writer:
    for index in range(3):
        writer.add(b"x" * 3000, f"new{index}")
"""
MOMENTS = 10
"""Calls in one build that replaces a dataset: 3 add, finish, 2 flushes, 2 renames, a flush, the removal."""


@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize("moment", range(MOMENTS + 1))
def test_a_killed_build_leaves_nothing_or_a_complete_dataset(moment, before, tmp_path):
    output = tmp_path / "x.lmdb"
    if before:
        build(output, before)
    died = subprocess.run([sys.executable, "-c", BUILD_AND_DIE, str(output), str(moment)], check=False).returncode
    assert died == (9 if moment < MOMENTS - (not before) else 0)
    if output.exists():
        assert last_label(LmdbReader(output)) in ("label1", "new2")
    nothing_or_refused = pytest.raises(ValueError, match="exists") if output.exists() or before else nullcontext()
    with nothing_or_refused, building(output) as writer:
        writer.add(b"a", "next")  # removes what the killed build left, or restores what it was replacing
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.lmdb"]
    assert last_label(LmdbReader(output)) in (("label1", "new2") if before else ("new2", "next"))


def test_an_interrupted_replacement_puts_the_old_dataset_back(tmp_path, monkeypatch):
    build(tmp_path / "x.lmdb", 2)
    interrupt_second_rename(monkeypatch)
    with pytest.raises(KeyboardInterrupt), building(tmp_path / "x.lmdb", overwrite=True) as writer:
        writer.add(b"a", "new")
    assert len(LmdbReader(tmp_path / "x.lmdb")) == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.lmdb"]


def test_a_build_that_is_alive_is_left_alone(tmp_path):
    with building(tmp_path / "x.lmdb", overwrite=True) as first:
        first.add(b"a", "first")
        with building(tmp_path / "x.lmdb") as second:
            second.add(b"b", "second")
        assert LmdbReader(tmp_path / "x.lmdb").label(0) == "second"
    assert LmdbReader(tmp_path / "x.lmdb").label(0) == "first"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.lmdb"]


def test_of_two_builds_at_once_the_one_that_ends_first_is_kept(tmp_path):
    with pytest.raises(ValueError, match="--overwrite"), building(tmp_path / "x.lmdb") as first:
        first.add(b"a", "first")
        build(tmp_path / "x.lmdb", 2)
    assert last_label(LmdbReader(tmp_path / "x.lmdb")) == "label1"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.lmdb"]


def test_a_folder_of_anything_else_made_during_a_build_is_left_alone(tmp_path):
    with pytest.raises(ValueError, match="not an LMDB"), building(tmp_path / "x.lmdb", overwrite=True) as writer:
        writer.add(b"a", "b")
        (tmp_path / "x.lmdb").mkdir()
        (tmp_path / "x.lmdb" / "thesis.txt").write_text("x")
    assert [entry.name for entry in tmp_path.rglob("*")] == ["x.lmdb", "thesis.txt"]


def test_lists_of_words_in_the_lmdb_are_a_lexicon(tmp_path):
    with building(tmp_path / "words.lmdb") as writer:
        writer.add(b"x", "open")
        writer.add(b"y", "closed")
    assert LmdbReader(tmp_path / "words.lmdb").lexicons == {}
    with (
        lmdb.open(str(tmp_path / "more.lmdb"), map_size=2**20) as environment,
        environment.begin(write=True) as t,
    ):
        t.put(b"num-samples", b"2")
        t.put(b"lexicon-000000001", b"open,closed")
        t.put(b"lexicon-000000002", "Café, bar".encode())
    own = LmdbReader(tmp_path / "more.lmdb").lexicons["own"]
    assert own.per_image and own.lists == (("open", "closed"), ("Café", "bar"))
