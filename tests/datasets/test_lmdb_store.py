import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import lmdb
import numpy as np
import pytest

from grcnn_ocr.datasets import lmdb_store
from grcnn_ocr.datasets.lmdb_store import LmdbReader, building


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


BUILD_SLOWLY = """
import sys
from pathlib import Path
from grcnn_ocr.datasets.lmdb_store import building
with building(Path(sys.argv[1]), overwrite=True) as writer:
    for index in range(20_000):
        writer.add(b"x" * 3000, "label")
        if index % 1000 == 0:
            print(index, flush=True)
print("built", flush=True)
"""


@pytest.mark.parametrize("lines_before_kill", np.random.default_rng(0).integers(1, 22, 5).tolist())
@pytest.mark.parametrize("before", [0, 2])
def test_a_killed_build_leaves_nothing_or_a_complete_dataset(lines_before_kill, before, tmp_path):
    output = tmp_path / "x.lmdb"
    if before:
        build(output, before)
    process = subprocess.Popen([sys.executable, "-c", BUILD_SLOWLY, str(output)], stdout=subprocess.PIPE)
    for _ in range(lines_before_kill):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    if output.exists():
        reader = LmdbReader(output)
        assert len(reader) in (before, 20_000) and last_label(reader)
    else:
        assert before == 0
    with building(output, overwrite=True) as writer:  # removes what the killed one left
        writer.add(b"a", "b")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.lmdb"]
