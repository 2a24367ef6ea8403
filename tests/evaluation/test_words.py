"""Evaluation through a recogniser whose answers are known."""

import random
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import WORDS, draw, shared

from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.decoding.frames import Frames
from grcnn_ocr.evaluation.words import evaluate_words
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.text.lexicon import Lexicon


class Scripted(Recognizer):
    """Reads the given texts, one per image in order, without a network."""

    def __init__(self, small_config, texts: list[str], batch_size: int = 4) -> None:
        from grcnn_ocr.build import build_model
        from grcnn_ocr.weights import Weights

        super().__init__(Weights(build_model(small_config), small_config), "cpu", batch_size)
        self.texts = iter(texts)

    def recognise(self, images):
        log_probs = np.full((len(images), 26, 37), np.log(0.1 / 36), np.float32)
        for row in log_probs:
            frames = [0] * 26
            for position, character in enumerate(self.charset.encode(next(self.texts))):
                frames[2 * position] = character
            row[range(26), frames] = np.log(0.9)
        return Frames(log_probs, [26] * len(images))


def test_lexicon_free_figures(crops, small_config):
    texts = [*WORDS[:-2], "deeep", "y"]
    [result] = evaluate_words(Scripted(small_config, texts), open_words(crops / "labels.tsv"))
    assert (result.counts.images, result.counts.correct, result.counts.edits) == (16, 14, 2)
    assert [example.text for example in result.examples] == texts
    assert result.lexicon is None


def test_a_shared_lexicon_corrects_readings(crops, small_config):
    texts = [*WORDS[:-2], "deeep", "y"]
    lexicon = Lexicon.shared(random.Random(0).sample(WORDS, len(WORDS)))
    [free, bound] = evaluate_words(Scripted(small_config, texts), open_words(crops / "labels.tsv"), [None, lexicon])
    assert free.counts.correct == 14
    assert bound.counts.correct >= 15 and bound.examples[-2].text == "deep"


def test_lexicons_may_be_answered_by_the_first_look_alone(crops, small_config):
    class LookingAgain(Scripted):
        def look_again(self, decoder, images, predictions, lists=None, recognise=None):
            return [replace(prediction, text="again") for prediction in predictions]

    reader, words = LookingAgain(small_config, WORDS), open_words(crops / "labels.tsv")
    again, once = evaluate_words(reader, words, (None, None), at_one_look=(1,))
    assert {example.text for example in again.examples} == {"again"}
    assert [example.text for example in once.examples] == WORDS


def test_lists_go_with_images_by_position_even_when_some_are_left_out(crops, small_config):
    lines = (crops / "labels.tsv").read_text().splitlines()
    lines.insert(1, "0.png\t!!!")  # nothing is left of this label
    (crops / "labels.tsv").write_text("\n".join(lines))
    lists = [("wrong", WORDS[0]), ("x", "y"), *(("wrong", word) for word in WORDS[1:])]
    [result] = evaluate_words(
        Scripted(small_config, WORDS),
        open_words(crops / "labels.tsv"),
        [Lexicon(tuple(lists), per_image=True)],
    )
    assert (result.counts.correct, result.counts.images, result.counts.left_out) == (16, 16, 1)


def test_a_constant_scorer_gains_nothing_from_the_true_words_place(crops, small_config):
    """As the true word comes first in every shipped list, a scorer that ignores the image must not seem perfect."""
    lists = tuple((word, "aaa", "aab", "aac") for word in WORDS)
    [result] = evaluate_words(
        Scripted(small_config, [""] * 16), open_words(crops / "labels.tsv"), [Lexicon(lists, per_image=True)]
    )
    assert result.counts.word_accuracy < 0.5


def test_shuffled_lists_give_the_same_answers(crops, small_config):
    rng = random.Random(0)
    lists = tuple((word, *rng.sample(["open", "shut", "zebra", "tre", "sixty"], 3)) for word in WORDS)
    shuffled = tuple(tuple(rng.sample(words, len(words))) for words in lists)
    texts = ["hell", *WORDS[1:]]
    answers = [
        [
            e.text
            for e in evaluate_words(Scripted(small_config, texts), open_words(crops / "labels.tsv"), [lexicon])[
                0
            ].examples
        ]
        for lexicon in (Lexicon(lists, per_image=True), Lexicon(shuffled, per_image=True))
    ]
    assert answers[0] == answers[1]


def test_the_wrong_number_of_lists_is_an_error_before_any_reading(crops, small_config):
    lexicon = Lexicon((("a",),) * 15, per_image=True, name="short.txt")
    with pytest.raises(ValueError, match=r"short\.txt has 15 lists for 16 images"):
        evaluate_words(Scripted(small_config, []), open_words(crops / "labels.tsv"), [lexicon])


def test_an_unreadable_image_is_an_error_that_names_it(crops, small_config):
    (crops / "2.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"2\.png .*labels\.tsv:3.*empty"):
        evaluate_words(Scripted(small_config, WORDS), open_words(crops / "labels.tsv"))


def test_the_shipped_ic03_lists_fit_the_shipped_labels():
    """Line i of the lexicon contains label i, as evaluation assumes, which matches them by position."""
    source = open_words(shared("data/ic03/gt.txt"))
    lexicon = Lexicon.load(shared("data/ic03/lexicon_50.txt"))
    lexicon.check_length(len(source))
    assert all(source.label(index) in lexicon.words(index) for index in range(len(source)))


def test_extreme_pictures_are_read(tmp_path: Path, small_config):
    from grcnn_ocr.build import build_model
    from grcnn_ocr.weights import Weights

    cv2.imwrite(str(tmp_path / "dot.png"), np.zeros((1, 1), np.uint8))
    cv2.imwrite(str(tmp_path / "wide.png"), np.tile(draw("wide")[:, :100], (1, 50, 1)))
    recognizer = Recognizer(Weights(build_model(small_config), small_config), "cpu")
    dot, wide = recognizer.read_many([tmp_path / "dot.png", tmp_path / "wide.png"])
    assert 0 <= dot.confidence <= 1 and 0 <= wide.confidence <= 1
