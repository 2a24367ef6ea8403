import json
import math
from typing import get_args

import numpy as np
import pytest
import torch
from conftest import WORDS
from hypothesis import assume, given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file

from grcnn_ocr.build import build_model
from grcnn_ocr.cli.calibrate import calibrate
from grcnn_ocr.config import CharsetConfig
from grcnn_ocr.datasets.changes import CHANGES
from grcnn_ocr.decoding.confidence import Calibration, log_odds
from grcnn_ocr.decoding.frames import Frames
from grcnn_ocr.evaluation.calibration import (
    choose_open_gap,
    coverage_curve,
    drawn_half,
    expected_calibration_error,
    fit,
    reliability,
    with_unlisted,
)
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.storage import Storage
from grcnn_ocr.text.lexicon import Lexicon
from grcnn_ocr.weights import Weights, load_weights, save_calibrated, save_weights

SCORES = st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.5001, 0.9, 1.0]), st.booleans()), min_size=1, max_size=40)


def drawn(slope: float, offset: float, num: int = 20_000) -> tuple[list[float], np.ndarray]:
    """Draw readings that are right with the probability that `Calibration(slope, offset)` gives."""
    rng = np.random.default_rng(0)
    scores = [-math.log1p(math.exp(-odds)) for odds in rng.normal(2, 3, num)]
    chances = [Calibration(slope, offset).confidence(score) for score in scores]
    return scores, rng.random(num) < chances


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.4, -1.0), (2.5, 3.0)])
def test_the_fit_finds_the_slope_and_offset_that_data_were_drawn_by(slope, offset):
    found = fit(*drawn(slope, offset))
    assert found.slope == pytest.approx(slope, rel=0.1) and found.offset == pytest.approx(offset, abs=0.15)


def test_the_fit_lowers_the_calibration_error_of_held_out_readings():
    scores, right = drawn(0.3, -0.5)
    after = fit(scores[:10_000], right[:10_000])
    errors = [
        expected_calibration_error([c.confidence(score) for score in scores[10_000:]], right[10_000:])
        for c in (Calibration(), after)
    ]
    assert errors[1] < 0.03 < 0.1 < errors[0]


def test_the_fit_is_the_minimum_of_platts_loss():
    scores, right = drawn(0.7, 0.5, 60)
    found = fit(scores, right)
    targets = np.where(right, (right.sum() + 1) / (right.sum() + 2), 1 / ((~right).sum() + 2))

    def loss(slope, offset):
        logits = slope * np.array([log_odds(score) for score in scores]) + offset
        return (np.logaddexp(0, logits) - targets * logits).sum()

    least = loss(found.slope, found.offset)
    for step in (1e-2, -1e-2):
        assert loss(found.slope + step, found.offset) > least and loss(found.slope, found.offset + step) > least


@given(st.integers(5, 30), st.integers(5, 30), st.sampled_from([1e-3, 1.0, 300.0]))
def test_data_that_a_threshold_separates_have_a_finite_fit(num_right, num_wrong, spread):
    scores = [-1e-6 * (i + 1) for i in range(num_right)] + [-5 - spread * i for i in range(num_wrong)]
    found = fit(scores, [True] * num_right + [False] * num_wrong)
    assert math.isfinite(found.slope) and found.slope > 0
    assert found.confidence(scores[0]) > 0.5 > found.confidence(scores[-1])


def test_readings_that_cannot_be_fitted_are_refused():
    with pytest.raises(ValueError, match="of 2 readings 2 are right"):
        fit([-1.0, -2.0], [True, True])
    with pytest.raises(ValueError, match="not more often right"):
        fit([-0.1, -0.2, -3.0, -4.0], [False, False, True, True])
    with pytest.raises(ValueError, match="not more often right"):
        fit([-1.0, -1.0, -1.0], [False, True, True])


def test_calibration_error_by_hand():
    assert expected_calibration_error([0.9] * 10, [True] * 7 + [False] * 3) == pytest.approx(0.2)
    assert expected_calibration_error([1.0, 0.0], [True, False]) == 0
    with pytest.raises(ValueError, match="no readings"):
        expected_calibration_error([], [])


def test_bins_are_of_equally_many():
    bins = reliability(np.linspace(0, 1, 3000), [True] * 3000)
    assert [b.images for b in bins] == [200] * 15


@given(SCORES, st.randoms())
def test_bins_keep_equal_confidences_together_and_do_not_depend_on_order(scores, rng):
    bins = reliability(*zip(*scores, strict=True))
    assert sum(b.images for b in bins) == len(scores) and len(bins) <= len({c for c, _ in scores})
    shuffled = rng.sample(scores, len(scores))
    error = expected_calibration_error(*zip(*scores, strict=True))
    assert error == pytest.approx(expected_calibration_error(*zip(*shuffled, strict=True)))
    assert 0 <= error <= 1


@given(SCORES)
def test_the_coverage_curve_equals_keeping_by_threshold(scores):
    curve = coverage_curve(*zip(*scores, strict=True))
    assert curve.thresholds.tolist() == sorted({c for c, _ in scores}, reverse=True) and curve.coverage[-1] == 1
    for threshold, coverage, accuracy in zip(curve.thresholds, curve.coverage, curve.accuracy, strict=True):
        kept = [right for confidence, right in scores if confidence >= threshold]
        assert coverage == pytest.approx(len(kept) / len(scores)) and accuracy == pytest.approx(sum(kept) / len(kept))


LIKELIHOODS = st.sampled_from([0.0, -0.5, -1.0, -1.5, -7.0])
ANSWERS = st.lists(
    st.tuples(LIKELIHOODS, st.one_of(LIKELIHOODS, st.just(-math.inf)), st.booleans(), st.booleans()), min_size=1
)


@given(ANSWERS)
def test_the_chosen_gap_equals_brute_force(answers):
    def accuracy(gap):
        return sum(free if a - b > gap else bound for a, b, free, bound in answers) / len(answers)

    finite = [(a - b, free != bound) for a, b, free, bound in answers if math.isfinite(b)]
    assume(any(differs for _, differs in finite))
    gap = choose_open_gap(*zip(*answers, strict=True))
    assert math.isfinite(gap)
    assert accuracy(gap) == max(accuracy(candidate) for d, _ in finite for candidate in (d, d - 0.25))


def test_the_gap_lies_in_the_middle_of_the_best_stretch():
    # right with the list up to 2 nats, right without it from 6 on; both are right at 4, which does not matter
    assert choose_open_gap([0, 0, 0, 0], [-1, -2, -4, -6], [0, 0, 1, 1], [1, 1, 1, 0]) == 4.0


def test_nothing_to_choose_by_is_an_error():
    with pytest.raises(ValueError, match="nothing to choose open_gap by"):
        choose_open_gap([0.0, 0.0], [-1.0, -2.0], [True, False], [True, False])


@given(st.integers(0, 50))
def test_half_of_the_numbers_is_drawn(num):
    found = drawn_half(num)
    assert len(found) == num // 2 and found <= set(range(num)) and found == drawn_half(num)


def test_about_half_of_the_images_lose_their_word():
    labels = [f"w{number}" for number in range(40)]
    shared = with_unlisted(Lexicon.shared([*[w.upper() for w in labels], "other"], "all"), labels, str.lower)
    assert len(shared.lists[0]) == 21 and "other" in shared.lists[0] and shared.name == "all"
    lists = tuple((label.upper(), "w1", "other") for label in labels)
    own = with_unlisted(Lexicon(lists, per_image=True), labels, str.lower)
    assert sum(label.upper() in words for label, words in zip(labels, own.lists, strict=True)) == 20
    assert all("other" in words for words in own.lists)
    assert all("w1" in words for label, words in zip(labels, own.lists, strict=True) if label != "w1")


def test_a_lexicon_that_lacks_half_already_is_left_alone():
    lexicon = Lexicon.shared(["a", "b"])
    assert with_unlisted(lexicon, ["a", "b", "c", "d"], str) == lexicon


@pytest.mark.parametrize("storage", get_args(Storage))
def test_a_calibrated_file_differs_by_its_calibration_alone(small_config, tmp_path, storage):
    weights, output = tmp_path / "w.safetensors", tmp_path / "out.safetensors"
    save_weights(weights, Weights(build_model(small_config), small_config, {"steps": 7}), storage)
    save_calibrated(weights, output, Calibration(2.0, -0.5, 3.25))
    before, after = load_file(weights), load_file(output)
    assert before.keys() == after.keys()
    assert all(before[key].dtype == after[key].dtype and torch.equal(before[key], after[key]) for key in before)
    with safe_open(weights, "pt") as old, safe_open(output, "pt") as new:
        metadata = new.metadata()
        assert json.loads(metadata.pop("calibration")) == {"slope": 2.0, "offset": -0.5, "open_gap": 3.25}
        assert metadata == {key: value for key, value in old.metadata().items() if key != "calibration"}
    assert load_weights(output).calibration == Calibration(2.0, -0.5, 3.25)
    save_calibrated(output, output, Calibration())
    assert load_weights(output).calibration == Calibration()


@pytest.fixture
def weights(small_config, tmp_path, monkeypatch):
    """A network that leaves out the first character of every third word, and is less sure of those."""

    def recognise(self, images):
        log_probs = np.full((len(images), 26, self.charset.num_classes), -9.0, np.float32)
        for number, row in enumerate(log_probs):
            is_wrong = number % len(WORDS) % 3 == 0
            frames = [0] * 26
            for position, character in enumerate(self.charset.encode(WORDS[number % len(WORDS)][is_wrong:])):
                frames[2 * position] = character
            row[range(26), frames] = np.log(0.95 if is_wrong else 0.99)
        return Frames(log_probs, [26] * len(images))

    monkeypatch.setattr(Recognizer, "recognise", recognise)
    save_weights(
        tmp_path / "w.safetensors", Weights(build_model(small_config), small_config, calibration=Calibration(1, 0, 9.0))
    )
    return tmp_path / "w.safetensors"


def test_a_list_with_only_that_word_keeps_it():
    lexicon = Lexicon((("a",), ("b", "other")), per_image=True)
    assert ("a",) in with_unlisted(lexicon, ["a", "b"], str.lower).lists


def test_the_command_writes_the_fit_and_keeps_the_gap(weights, crops, tmp_path, capsys):
    calibrate(str(weights), crops / "labels.tsv", tmp_path / "out.safetensors")
    out = capsys.readouterr().out
    assert "10 of 16 words right" in out and "on the 8 others" in out and "fitted on all 16" in out
    found = load_weights(tmp_path / "out.safetensors").calibration
    assert found.slope != 1 and found.open_gap == 9.0
    right, wrong = (found.confidence(26 * math.log(chance)) for chance in (0.99, 0.95))
    assert right > 0.8 and wrong < 0.3


def test_the_command_fits_to_changed_words_too(weights, crops, tmp_path, capsys):
    (crops / "lists.txt").write_text("".join(f"{word[1:] or 'y'}{word},{word}\n" for word in WORDS))
    calibrate(str(weights), crops / "labels.tsv", tmp_path / "out.safetensors", changed=True, lexicon="lists.txt")
    out = capsys.readouterr().out
    assert f"{10 * len(CHANGES)} of {16 * len(CHANGES)} words right" in out
    assert f"fitted on {8 * len(CHANGES)}:" in out and f"open lexicon, chosen on {8 * len(CHANGES)}:" in out


def test_the_command_chooses_the_gap_by_a_lexicon(weights, crops, tmp_path, capsys, monkeypatch):
    (crops / "words.txt").write_text("\n".join(WORDS))
    recognise, seen = Recognizer.recognise, []

    def counting(self, images):
        seen.extend(images)
        return recognise(self, images)

    monkeypatch.setattr(Recognizer, "recognise", counting)
    calibrate(str(weights), crops / "labels.tsv", tmp_path / "out.safetensors", lexicon="words.txt")
    assert "open lexicon, chosen on 8: word accuracy on the 8 others" in capsys.readouterr().out
    assert len(seen) == 16  # each image once
    gap = load_weights(tmp_path / "out.safetensors").calibration.open_gap
    assert gap is not None and 9 < gap < 27  # a missing character costs 9 nats, another word at least 27


@pytest.mark.parametrize("charset", ["alnum36", "ascii94"])
def test_the_command_reads_in_a_given_charset(weights, small_config, crops, tmp_path, capsys, charset):
    config = small_config.model_copy(update={"charset": CharsetConfig(characters="ascii94")})
    save_weights(weights, Weights(build_model(config), config))
    (crops / "words.txt").write_text("\n".join(map(str.upper, WORDS)))
    options = {"lexicon": "words.txt", "charset": charset}
    calibrate(str(weights), crops / "labels.tsv", tmp_path / "out.safetensors", **options)
    assert f"protocol charset {charset}: 10 of 16 words right" in capsys.readouterr().out
    gap = load_weights(tmp_path / "out.safetensors").calibration.open_gap
    assert gap is not None and 9 < gap < 27  # words in capitals are the same words


def test_the_command_overwrites_only_if_asked(weights, crops, tmp_path):
    before = weights.read_bytes()
    with pytest.raises(ValueError, match=r"w\.safetensors exists; give --overwrite"):
        calibrate(str(weights), crops / "labels.tsv", weights)
    with pytest.raises(ValueError, match="this is a folder"):
        calibrate(str(weights), crops / "labels.tsv", tmp_path)
    assert weights.read_bytes() == before
    calibrate(str(weights), crops / "labels.tsv", weights, overwrite=True)
    assert load_weights(weights).calibration.slope != 1


def test_readings_that_are_all_wrong_write_nothing(weights, crops, tmp_path):
    labels = "".join(f"{index}.png\tzzz\n" for index in range(len(WORDS)))
    (crops / "wrong.tsv").write_text(labels)
    with pytest.raises(ValueError, match="0 are right: calibration needs right and wrong ones"):
        calibrate(str(weights), crops / "wrong.tsv", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
