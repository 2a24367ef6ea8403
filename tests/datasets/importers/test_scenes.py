"""Releases of full images: Street View Text and ICDAR 2003's scenes."""

import logging
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from grcnn_ocr.datasets.importers import boxes
from grcnn_ocr.datasets.importers.records import LabelledPath, Problem
from grcnn_ocr.datasets.importers.release import read_release
from grcnn_ocr.datasets.importers.text_files import read_xml
from grcnn_ocr.datasets.words import ReleasedWords, decoded, open_words

SVT = """<?xml version="1.0" encoding="utf-8"?>
<tagset>
  <image>
    <imageName>img/a.png</imageName>
    <address>1 Road</address>
    <lex>
    LIVING,ROOM, THEATERS ,
    </lex>
    <Resolution x="60" y="40"/>
    <taggedRectangles>
      <taggedRectangle height="10" width="20" x="5" y="7"><tag>LIVING</tag></taggedRectangle>
      <taggedRectangle height="20" width="30" x="40" y="-4"><tag>ROOM</tag></taggedRectangle>
    </taggedRectangles>
  </image>
  <image>
    <imageName>img/b.png</imageName>
    <lex>ACE,HOTEL</lex>
    <taggedRectangles>
      <taggedRectangle height="8" width="8" x="0" y="0"><tag>ACE</tag></taggedRectangle>
    </taggedRectangles>
  </image>
</tagset>
"""


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Two scenes of noise, 60 x 40 pixels, so that every crop is known by its pixels."""
    (tmp_path / "img").mkdir()
    for name, seed in (("a", 0), ("b", 1)):
        cv2.imwrite(str(tmp_path / f"img/{name}.png"), scene(seed))
    return tmp_path


def scene(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (40, 60, 3), np.uint8)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


def pixels(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_svt_words_are_cut_without_loss_and_carry_their_images_list(scenes, caplog):
    caplog.set_level(logging.INFO)
    source = open_words(write(scenes, "test.xml", SVT))
    assert isinstance(source, ReleasedWords)
    assert [source.label(i) for i in range(len(source))] == ["LIVING", "ROOM", "ACE"]
    expected = [scene(0)[7:17, 5:25], scene(0)[0:16, 40:60], scene(1)[:8, :8]]
    for index, crop in enumerate(expected):
        np.testing.assert_array_equal(pixels(source.image(index)), crop)
        assert decoded(source, index).shape == crop.shape[:2]
    assert list(source.lexicons) == ["50"] and source.characters is None
    lexicon = source.lexicons["50"]
    assert lexicon.per_image and lexicon.lists == (("LIVING", "ROOM", "THEATERS"),) * 2 + (("ACE", "HOTEL"),)
    assert "1 boxes extend beyond" in caplog.text
    assert "a.png" in source.place(0) and "test.xml:11" in source.place(0)


def test_an_image_that_consecutive_boxes_share_is_decoded_once(scenes, monkeypatch):
    source = open_words(write(scenes, "test.xml", SVT))
    decoded_images = []
    whole = boxes._decode_full
    monkeypatch.setattr(boxes, "_decode_full", lambda data: decoded_images.append(1) or whole(data))
    for index in range(len(source)):
        source.image(index)
    assert len(decoded_images) == 2


def test_a_source_can_be_sent_to_another_process(scenes):
    source = open_words(write(scenes, "test.xml", SVT))
    source.image(0)
    assert pickle.loads(pickle.dumps(source)).image(1) == source.image(1)


def test_boxes_are_cut_before_any_exif_turn(tmp_path):
    from PIL import Image

    picture = Image.fromarray(scene(0))
    exif = picture.getexif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees
    (tmp_path / "img").mkdir()
    picture.save(tmp_path / "img/a.jpg", quality=95, exif=exif)
    xml = SVT[: SVT.index("  <image>\n    <imageName>img/b")].replace("a.png", "a.jpg") + "</tagset>"
    source = open_words(write(tmp_path, "test.xml", xml))
    assert pixels(source.image(0)).shape == (10, 20, 3)


ICDAR = """<?xml version="1.0" encoding="ISO-8859-1"?>
<tagset><image>
<imageName>img/a.png</imageName><resolution x="60" y="40" />
<taggedRectangles>
<taggedRectangle x="1.0" y="2.0" width="10.5" height="5.0" offset="0.0" rotation="0.0" userName="admin">
<tag>caf\xe9 &amp; &quot;bar&quot; \xa31</tag><segmentation><xOff>4.0</xOff></segmentation></taggedRectangle>
<taggedRectangle x="10" y="2" width="10" height="5" offset="3.0" rotation="0.0"><tag>slanted</tag></taggedRectangle>
</taggedRectangles></image></tagset>"""


@pytest.mark.parametrize("name", ["words.xml", "locations.xml"])
def test_icdar2003_scenes_in_latin_1_with_entities(name, scenes, caplog):
    caplog.set_level(logging.INFO)
    source = open_words(write(scenes, name, ICDAR.encode("iso-8859-1")))
    assert [source.label(0), source.label(1)] == ['café & "bar" £1', "slanted"]
    np.testing.assert_array_equal(pixels(source.image(0)), scene(0)[2:7, 1:12])
    assert source.lexicons == {}
    assert "read as iso-8859-1" in caplog.text and "1 words are slanted" in caplog.text


@pytest.mark.parametrize(
    ("rectangle", "kind", "detail"),
    [
        ('<taggedRectangle x="1" y="1" width="5" height="5"></taggedRectangle>', "no label", "words.xml"),
        ('<taggedRectangle x="1" y="1" width="5" height="5"><tag> </tag></taggedRectangle>', "empty label", "a.png"),
        ('<taggedRectangle x="1" y="1" width="5"><tag>w</tag></taggedRectangle>', "malformed box", "height"),
        ('<taggedRectangle x="x" y="1" width="5" height="5"><tag>w</tag></taggedRectangle>', "malformed box", "'x'"),
        ('<taggedRectangle x="1" y="1" width="0" height="5"><tag>w</tag></taggedRectangle>', "malformed box", "'0'"),
        ('<taggedRectangle x="1" y="inf" width="5" height="5"><tag>w</tag></taggedRectangle>', "malformed box", "inf"),
        ('<taggedRectangle x="60" y="1" width="5" height="5"><tag>w</tag></taggedRectangle>', "box outside", "60 x 40"),
    ],
)
def test_a_bad_rectangle_is_a_problem_with_its_line(rectangle, kind, detail, scenes):
    path = write(
        scenes, "words.xml", f"<tagset><image><imageName>img/a.png</imageName>\n\n{rectangle}</image></tagset>"
    )
    [problem] = read_release(path)
    assert isinstance(problem, Problem) and problem.kind == kind
    assert "words.xml:3" in problem.place and detail in problem.detail
    with pytest.raises(ValueError, match=rf"1 unusable of 1 records(.|\n)*{kind}"):
        open_words(path)


def test_a_missing_or_broken_scene_is_a_problem_for_each_of_its_words(scenes):
    (scenes / "img/a.png").unlink()
    (scenes / "img/b.png").write_text("no picture")
    kinds = [record.kind for record in read_release(write(scenes, "test.xml", SVT)) if isinstance(record, Problem)]
    assert kinds == ["missing image", "missing image", "unreadable image"]


def test_a_scene_cut_short_is_an_error_that_names_it(scenes):
    jpeg = cv2.imencode(".jpg", scene(0))[1].tobytes()
    (scenes / "img/a.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    source = open_words(write(scenes, "test.xml", SVT.replace("a.png", "a.jpg")))
    with pytest.raises(ValueError, match=r"a\.jpg \(.*test\.xml:11\): the JPEG is truncated"):
        source.image(0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<tagset>\n<image></tagset>", r"x\.xml:2: not well-formed XML: mismatched tag"),
        ("", r"x\.xml:1: not well-formed XML: no element found"),
        ("<tagset/>", r"x\.xml: no <taggedRectangle>"),
        (SVT.replace("img/b.png", " "), r"x\.xml:15: <image> without the <imageName>"),
        (SVT.replace("<lex>ACE,HOTEL</lex>", ""), r"x\.xml:15: <image> without words in <lex>"),
        ('<!DOCTYPE t [<!ENTITY a "aa">\n<!ENTITY b "&a;&a;">]><t>&b;</t>', r"x\.xml:1: entity 'a'"),
        ('<!DOCTYPE t SYSTEM "t.dtd">\n<t>&eacute;</t>', r"x\.xml:2: entity 'eacute'"),
        ("<t>&eacute;</t>", r"x\.xml:1: not well-formed XML: undefined entity"),
    ],
)
def test_xml_that_cannot_be_used_is_an_error_with_its_line(content, message, scenes):
    with pytest.raises(ValueError, match=message):
        list(read_release(write(scenes, "x.xml", content), "svt"))


@pytest.mark.parametrize(
    ("data", "label", "log"),
    [
        (b"<t>\x93a\x94</t>", "“a”", "cp1252"),
        (b"<t>\x81\xe9</t>", "\x81é", "iso-8859-1"),
        (b'<?xml version="1.0" encoding="utf-8"?><t>\xe9</t>', "é", "cp1252"),
        (b'<?xml version="1.0" encoding="windows-1252"?><t>\x80</t>', "€", "windows-1252"),
        (b'<?xml version="1.0" encoding="nonsense"?><t>\xc3\xa9</t>', "é", ""),
        (b"\xef\xbb\xbf<t>\xc3\xa9</t>", "é", ""),
        ('<?xml version="1.0" encoding="utf-16"?><t>é</t>'.encode("utf-16"), "é", "utf-16"),
    ],
)
def test_xml_is_read_strictly_in_the_declared_or_first_fitting_encoding(data, label, log, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    assert read_xml(write(tmp_path, "x.xml", data)).text == label
    assert (f"read as {log}" in caplog.text) if log else not caplog.records


def test_clipping_leaves_crops_alone(tmp_path):
    record = LabelledPath(tmp_path / "nowhere.png", "a", "here")
    assert list(boxes.clipped([record], tmp_path)) == [record]
