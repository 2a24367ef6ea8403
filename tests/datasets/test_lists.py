from pathlib import Path

import lmdb
import pytest

from grcnn_ocr.datasets.lists import lists_of
from grcnn_ocr.datasets.lmdb_store import LmdbReader, building, image_key, label_key, lexicon_key
from grcnn_ocr.datasets.lmdb_tools import extract, merge, split
from grcnn_ocr.text.lexicon import Lexicon

LABELS = [f"word{index}" for index in range(10)]


def build(path: Path, labels: list[str], **files: list[str]) -> Path:
    """An LMDB of bytes that need not be pictures; each of its lexicon files has a list of one word per image."""
    with building(path) as writer:
        for label in labels:
            writer.add(b"II*\0", label)
        writer.notes |= {f"{name}.txt": "".join(f"{word},\n" for word in words) for name, words in files.items()}
    return path


def assert_every_list_is_its_images(path: Path, name: str = "lexicon_50.txt") -> None:
    labels = tuple((label,) for label in LmdbReader(path).labels())
    assert Lexicon.load(path / name).lists == labels


def test_split_and_merge_take_the_lists_along(tmp_path):
    whole = build(tmp_path / "x.lmdb", LABELS, lexicon_50=LABELS, lexicon_1k=LABELS)
    parts = (tmp_path / "a.lmdb", tmp_path / "b.lmdb")
    split(whole, parts, 0.7, seed=3)
    merge(parts, tmp_path / "y.lmdb")
    for path in (*parts, tmp_path / "y.lmdb"):
        assert_every_list_is_its_images(path)
        assert_every_list_is_its_images(path, "lexicon_1k.txt")


def test_extract_writes_the_lists_beside_the_labels(tmp_path):
    build(tmp_path / "x.lmdb", LABELS, lexicon_50=LABELS)
    extract(tmp_path / "x.lmdb", tmp_path / "files")
    assert Lexicon.load(tmp_path / "files" / "lexicon_50.txt").lists == tuple((label,) for label in LABELS)


def test_merge_names_the_lists_that_only_some_have(tmp_path, caplog):
    one = build(tmp_path / "one.lmdb", LABELS, lexicon_50=LABELS, lexicon_1k=LABELS)
    other = build(tmp_path / "other.lmdb", LABELS[:3], lexicon_50=LABELS[:3])
    merge((one, other), tmp_path / "y.lmdb")
    assert_every_list_is_its_images(tmp_path / "y.lmdb")
    assert not (tmp_path / "y.lmdb" / "lexicon_1k.txt").exists()
    assert caplog.messages == [f"left behind: lexicon_1k.txt, which {other} does not have"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("word0\nword1\n", "does not hold one list per image"),
        ("word0,\nword1,\n", "2 lists for 10 images"),
        ("", "no words"),
    ],
)
def test_files_that_are_no_such_lists_are_left_behind_by_name(tmp_path, caplog, content, message):
    path = build(tmp_path / "x.lmdb", LABELS, lexicon_50=LABELS)
    (path / "lexicon_x.txt").write_text(content)
    assert list(lists_of(LmdbReader(path / "data.mdb"))) == ["lexicon_50.txt"]
    [line] = caplog.messages
    assert line.startswith("left behind: ") and "lexicon_x.txt" in line and message in line


def test_lists_in_the_data_itself_become_a_file(tmp_path):
    with lmdb.open(str(tmp_path / "x.lmdb"), map_size=2**20) as env, env.begin(write=True) as transaction:
        transaction.put(b"num-samples", b"10")
        for index, label in enumerate(LABELS):
            for key in (image_key, label_key, lexicon_key):
                transaction.put(key(index), label.encode())
    parts = (tmp_path / "a.lmdb", tmp_path / "b.lmdb")
    split(tmp_path / "x.lmdb", parts, 0.5)
    for path in parts:
        assert_every_list_is_its_images(path, "lexicon_own.txt")
