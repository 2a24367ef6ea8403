import cv2
import numpy as np
import pytest
import torch
from conftest import WORDS, draw
from PIL import Image

from grcnn_ocr.build import build_model
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.text.lexicon import Lexicon
from grcnn_ocr.weights import Weights


@pytest.fixture
def recognizer(small_config) -> Recognizer:
    torch.manual_seed(1)
    return Recognizer(Weights(build_model(small_config), small_config), "cpu", batch_size=5)


def test_every_source_of_a_picture_gives_the_same_reading(recognizer, tmp_path):
    array = draw("street")
    cv2.imwrite(str(tmp_path / "x.png"), array)
    sources = [
        tmp_path / "x.png",
        str(tmp_path / "x.png"),
        (tmp_path / "x.png").read_bytes(),
        Image.open(tmp_path / "x.png"),
        Image.open(tmp_path / "x.png").convert("RGBA"),
        Image.open(tmp_path / "x.png").convert("P"),
        Image.open(tmp_path / "x.png").convert("CMYK"),
        array,
        array[:, :, 0],
        array[:, :, 0].astype(np.uint16) * 257,
        Image.fromarray(array[:, :, 0].astype(np.uint16) * 257),
    ]
    predictions = recognizer.read_many(sources)
    assert all(p.confidence == pytest.approx(predictions[0].confidence, rel=0.1) for p in predictions)
    assert len({p.text for p in predictions}) == 1


def test_many_are_read_as_one_by_one_across_batches(recognizer):
    images = [draw(word) for word in WORDS]
    together = recognizer.read_many(images)
    alone = [recognizer.read(image) for image in images]
    assert [p.text for p in together] == [p.text for p in alone]
    np.testing.assert_allclose([p.confidence for p in together], [p.confidence for p in alone], rtol=1e-4)


def test_a_lexicon_bounds_the_answers(recognizer):
    images = [draw(word) for word in WORDS]
    assert {p.text for p in recognizer.read_many(images, ["Open", "closed"])} <= {"open", "closed"}
    lists = Lexicon(tuple((word, "zzz") for word in WORDS), per_image=True)
    answers = recognizer.read_many(images, lists)
    assert all(answer.text in (word, "zzz") for answer, word in zip(answers, WORDS, strict=True))


def test_confidence_is_the_likelihood_of_the_text(recognizer):
    """Over all words of one character and none, likelihoods add to at most 1."""
    image = draw("a")
    texts = ["", *recognizer.charset.characters]
    total = sum(recognizer.read(image, [text]).confidence for text in texts[1:])
    assert 0 < total <= 1


def test_no_images_give_no_predictions(recognizer):
    assert recognizer.read_many([]) == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.png", r"nowhere\.png: No such file"),
        (b"junk", "not a picture"),
        (np.zeros((3, 3, 7), np.uint8), "shape"),
        (42, "found int"),
    ],
)
def test_what_cannot_be_read_is_an_error(recognizer, source, message):
    with pytest.raises(ValueError, match=message):
        recognizer.read(source)


def test_a_file_that_is_no_picture_is_named(recognizer, tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match=r"x\.jpg: the file is empty"):
        recognizer.read(tmp_path / "x.jpg")
