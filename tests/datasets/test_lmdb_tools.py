import io
import time
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest
from conftest import WORDS, shared
from PIL import Image

from grcnn_ocr.cli.read import IMAGE_ENDINGS
from grcnn_ocr.datasets.lmdb_store import LmdbReader, building
from grcnn_ocr.datasets.lmdb_tools import create, extract, merge, parallel, split, verify
from grcnn_ocr.text.lexicon import Lexicon


def labels_of(path: Path) -> list[str]:
    return list(LmdbReader(path).labels())


def test_images_are_stored_as_they_are(crops, tmp_path):
    summary = create(crops / "labels.tsv", tmp_path / "x.lmdb")
    reader = LmdbReader(tmp_path / "x.lmdb")
    assert summary.num_samples == len(reader) == len(WORDS) and not summary.problems
    assert [reader.image(i) for i in range(len(WORDS))] == [
        (crops / f"{i}.png").read_bytes() for i in range(len(WORDS))
    ]
    assert labels_of(tmp_path / "x.lmdb") == WORDS


@pytest.fixture
def bad_crops(crops) -> Path:
    jpeg = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (40, 90), np.uint8))[1].tobytes()
    (crops / "truncated.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (crops / "folder").mkdir()
    (crops / "zero.jpg").write_bytes(b"")
    (crops / "text.png").write_text("not a picture")
    with (crops / "labels.tsv").open("a") as labels:
        labels.write("truncated.jpg\ta\nzero.jpg\tb\ntext.png\tc\nmissing.png\td\n0.png\t\nno tab\n1.png\tlast\n")
        labels.write("folder\tf\n")
    return crops


def test_bad_samples_are_named_counted_and_left_out(bad_crops, tmp_path):
    summary = create(bad_crops / "labels.tsv", tmp_path / "x.lmdb")
    assert labels_of(tmp_path / "x.lmdb") == [*WORDS, "last"]
    assert summary.counts == {
        "corrupt image": 2, "empty image": 1, "missing image": 1, "empty label": 1, "malformed line": 1,
        "unreadable image": 1,
    }  # fmt: skip
    first = str(summary.problems[0])
    assert "labels.tsv:17" in first and "truncated.jpg" in first and "truncated" in first
    assert "folder: unreadable image: this is a folder, expected an image file" in str(summary.problems[-1])


def test_strict_ends_at_the_first_problem_and_leaves_nothing(bad_crops, tmp_path):
    with pytest.raises(ValueError, match=r"truncated\.jpg.*--strict"):
        create(bad_crops / "labels.tsv", tmp_path / "x.lmdb", strict=True)
    assert not (tmp_path / "x.lmdb").exists()


def test_no_usable_sample_is_an_error_that_says_why(tmp_path):
    (tmp_path / "labels.tsv").write_text("missing.png\ta\n")
    with pytest.raises(ValueError, match=r"no usable sample.*\n.*missing\.png"):
        create(tmp_path / "labels.tsv", tmp_path / "x.lmdb")
    assert not (tmp_path / "x.lmdb").exists()


def test_a_path_that_is_none_is_one_problem(crops, tmp_path):
    (crops / "labels.jsonl").write_text('{"path": "a\\u0000b", "label": "x"}\n{"path": "0.png", "label": "hello"}\n')
    summary = create(crops / "labels.jsonl", tmp_path / "x.lmdb")
    assert summary.num_samples == 1 and summary.counts == {"unreadable image": 1}


def test_paths_start_from_the_image_folder_when_given(crops, tmp_path):
    (tmp_path / "elsewhere.csv").write_text("path,label\n0.png,hello\n")
    create(tmp_path / "elsewhere.csv", tmp_path / "x.lmdb", images=crops)
    assert labels_of(tmp_path / "x.lmdb") == ["hello"]


def test_verify_finds_what_is_wrong(tmp_path, crops):
    create(crops / "labels.tsv", tmp_path / "x.lmdb")
    assert not verify(tmp_path / "x.lmdb").problems
    with lmdb.open(str(tmp_path / "bad.lmdb"), map_size=2**20) as env, env.begin(write=True) as transaction:
        image = (crops / "0.png").read_bytes()
        for key, value in {
            b"num-samples": b"5",
            b"image-000000001": image, b"label-000000001": b"fine",
            b"image-000000002": image[:30], b"label-000000002": b"truncated",
            b"image-000000003": image, b"label-000000003": b" ",
            b"label-000000004": b"no image",
            b"image-000000005": image, b"label-000000005": b"\xff",
        }.items():  # fmt: skip
            transaction.put(key, value)
    summary = verify(tmp_path / "bad.lmdb")
    assert summary.num_samples == 1
    assert summary.counts == {"corrupt image": 1, "empty label": 1, "missing or unreadable key": 2}
    assert "[1]" in summary.problems[0].place


def test_extract_and_create_are_inverse(crops, tmp_path):
    create(crops / "labels.tsv", tmp_path / "x.lmdb")
    assert extract(tmp_path / "x.lmdb", tmp_path / "files") == len(WORDS)
    create(tmp_path / "files" / "labels.tsv", tmp_path / "y.lmdb")
    x, y = LmdbReader(tmp_path / "x.lmdb"), LmdbReader(tmp_path / "y.lmdb")
    assert [(x.image(i), x.label(i)) for i in range(len(x))] == [(y.image(i), y.label(i)) for i in range(len(y))]
    with pytest.raises(ValueError, match="not empty"):
        extract(tmp_path / "x.lmdb", tmp_path / "files")


def test_split_then_merge_keeps_every_sample_once(crops, tmp_path):
    create(crops / "labels.tsv", tmp_path / "x.lmdb")
    parts = (tmp_path / "a.lmdb", tmp_path / "b.lmdb")
    assert split(tmp_path / "x.lmdb", parts, 0.75, seed=1) == (12, 4)
    assert merge(parts, tmp_path / "y.lmdb") == 16
    assert sorted(labels_of(tmp_path / "y.lmdb")) == sorted(WORDS)
    with pytest.raises(ValueError, match="leaves one part empty"):
        split(tmp_path / "x.lmdb", parts, 0.99, overwrite=True)
    for fraction in (0, 1.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match=f"fraction {fraction}: expected a share between 0 and 1"):
            split(tmp_path / "x.lmdb", parts, fraction, overwrite=True)
    with pytest.raises(ValueError, match="both parts"):
        split(tmp_path / "x.lmdb", (parts[0], parts[0]), 0.5, overwrite=True)
    with pytest.raises(ValueError, match=r"b\.lmdb exists"):  # and the first part is not written either
        split(tmp_path / "x.lmdb", (tmp_path / "c.lmdb", parts[1]), 0.5)
    assert not (tmp_path / "c.lmdb").exists()


def test_extract_refuses_labels_that_a_tsv_cannot_hold(tmp_path):
    with building(tmp_path / "x.lmdb") as writer:
        writer.add(b"\xff\xd8", "a\tb")
    with pytest.raises(ValueError, match="cannot stand in a TSV"):
        extract(tmp_path / "x.lmdb", tmp_path / "files")


@pytest.mark.parametrize("kind", ["jpg", "png", "gif", "bmp", "webp", "tif", "pbm", "pgm", "ppm", "jp2"])
def test_extract_names_pictures_as_read_looks_for_them(tmp_path, kind):
    ending = f".{kind}"
    picture = io.BytesIO()
    Image.new("1" if kind == "pbm" else "RGB" if kind == "ppm" else "L", (60, 20)).save(
        picture, {"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000", "pbm": "PPM", "pgm": "PPM"}.get(kind, kind)
    )
    with building(tmp_path / "x.lmdb") as writer:
        writer.add(picture.getvalue(), "a")
    extract(tmp_path / "x.lmdb", tmp_path / "files")
    assert (tmp_path / "files" / f"000000001{ending}").is_file() and ending in IMAGE_ENDINGS


@pytest.mark.parametrize(("labels", "count"), [("ic03/gt.txt", 860), ("iiit5k/train.txt", 2000)])
def test_real_datasets_build_whole(labels, count, tmp_path):
    summary = create(shared(f"data/{labels}"), tmp_path / "x.lmdb")
    assert summary.num_samples == count and not summary.problems


SCENES = """<tagset><image><imageName>0.png</imageName><lex>HE,LLO</lex>
<taggedRectangle x="2" y="0" width="30" height="40"><tag>HE</tag></taggedRectangle>
<taggedRectangle x="900" y="0" width="30" height="30"><tag>LLO</tag></taggedRectangle></image>
<image><imageName>1.png</imageName><lex>BOOK,SHOP</lex>
<taggedRectangle x="0" y="0" width="20" height="20"><tag>BOOK</tag></taggedRectangle></image></tagset>"""


def test_a_release_is_built_with_the_lexicons_of_what_went_in(crops, tmp_path, caplog):
    caplog.set_level("INFO")
    (crops / "test.xml").write_text(SCENES)
    summary = create(crops / "test.xml", tmp_path / "x.lmdb", format="svt")
    assert labels_of(tmp_path / "x.lmdb") == ["HE", "BOOK"] and summary.counts == {"box outside": 1}
    crop = cv2.imdecode(np.frombuffer(LmdbReader(tmp_path / "x.lmdb").image(0), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(crop, cv2.imread(str(crops / "0.png"))[:32, 2:32])
    assert summary.notes == ["lexicon_50.txt"]
    assert (tmp_path / "x.lmdb" / "lexicon_50.txt").read_text() == "HE,LLO\nBOOK,SHOP\n"
    assert "1 boxes extend beyond" in caplog.text


def test_a_release_s_list_of_one_word_is_still_one_of_its_image(crops, tmp_path):
    (crops / "test.xml").write_text(SCENES.replace("BOOK,SHOP", "BOOK"))
    create(crops / "test.xml", tmp_path / "x.lmdb", format="svt")
    assert Lexicon.load(tmp_path / "x.lmdb" / "lexicon_50.txt").lists == (("HE", "LLO"), ("BOOK",))


def test_a_folder_in_place_of_a_scene_is_reported(crops, tmp_path):
    (crops / "folder").mkdir()
    scenes = SCENES.replace("0.png", "folder").replace("1.png", "folder")
    (crops / "test.xml").write_text(scenes)
    with pytest.raises(ValueError, match=r"(?s)folder: .*this is a folder"):
        create(crops / "test.xml", tmp_path / "x.lmdb", format="svt")


def test_an_unknown_format_leaves_no_file(crops, tmp_path):
    with pytest.raises(ValueError, match="no format 'tsv'; known: auto, label_file"):
        create(crops / "labels.tsv", tmp_path / "x.lmdb", format="tsv")
    assert not (tmp_path / "x.lmdb").exists()


def test_nothing_is_in_flight_once_parallel_work_is_abandoned():
    begun, done = [], []

    def work(item):
        begun.append(item)
        time.sleep(0.02 * (item % 3))
        done.append(item)
        return item

    results = parallel(work, range(100))
    assert [next(results) for _ in range(5)] == list(range(5))
    results.close()
    assert sorted(begun) == sorted(done) and len(done) < 100
    assert list(parallel(work, range(10))) == list(range(10))
