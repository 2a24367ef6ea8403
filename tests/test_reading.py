import io
from threading import Event

import cv2
import numpy as np
import pytest
import torch
from conftest import WORDS, draw
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from grcnn_ocr.build import build_model
from grcnn_ocr.config import CharsetConfig, load_config
from grcnn_ocr.decoding.decoder import DecodeOptions
from grcnn_ocr.loading import load_image
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.text.lexicon import Lexicon
from grcnn_ocr.text.ngram import NGram
from grcnn_ocr.weights import Weights


@pytest.fixture
def recognizer(small_config) -> Recognizer:
    torch.manual_seed(1)
    return Recognizer(Weights(build_model(small_config), small_config), "cpu", batch_size=5)


def test_every_source_of_a_picture_gives_the_same_pixels(tmp_path):
    array = draw("street")
    cv2.imwrite(str(tmp_path / "x.png"), array)
    picture = Image.open(tmp_path / "x.png")
    sources = [
        tmp_path / "x.png",
        str(tmp_path / "x.png"),
        (tmp_path / "x.png").read_bytes(),
        *(picture.convert("L").convert(mode) for mode in ("L", "RGB", "RGBA", "LA", "P", "CMYK")),
        array,
        array[:, :, 0],
        array[:, :, 0].astype(np.uint16) * 257,
        array / 255,
        Image.fromarray(array[:, :, 0].astype(np.uint16) * 257),
        Image.fromarray(array[:, :, 0].astype(np.int32) * 257),
        Image.fromarray(array[:, :, 0].astype(np.int32)),
    ]
    for source in sources:
        assert np.abs(load_image(source).astype(int) - array[:, :, 0]).max() <= 1, source


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


def test_a_list_is_warned_of_once_however_many_images_there_are(recognizer, caplog):
    for num in (1, 2, 3):
        recognizer.read_many([draw("open")] * num, ["open", "日本"])
    assert caplog.text.count("never the answer: '日本'") == 1


def test_confidence_is_the_likelihood_of_the_text(recognizer):
    images = [draw(word) for word in WORDS]
    frames = recognizer.recognise([load_image(image) for image in images])
    for index, (free, bound) in enumerate(
        zip(recognizer.read_many(images), recognizer.read_many(images, ["open"]), strict=True)
    ):
        for answer in (free, bound):
            loss = torch.nn.functional.ctc_loss(
                torch.from_numpy(frames.log_probs[index]).double()[:, None],
                torch.tensor([recognizer.charset.encode(answer.text)], dtype=torch.long),
                torch.tensor([26]),
                torch.tensor([len(answer.text)]),
                reduction="sum",
            )
            assert answer.confidence == pytest.approx(float(torch.exp(-loss)), rel=1e-3)


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


@pytest.mark.parametrize(
    "one",
    [*(np.zeros((9, 30, *last), np.uint8) for last in ((), (1,), (3,))), Image.new("L", (30, 9)), "x.png", b"junk"],
)
def test_one_image_is_no_list_of_them(recognizer, one):
    for read in (recognizer.read_many, recognizer.read_each):
        with pytest.raises(ValueError, match="expected a list of images, found a single one; use `read`"):
            read(one)


def test_an_array_of_images_is_a_list_of_them(recognizer):
    image = draw("open")
    assert [found.text for found in recognizer.read_many(np.stack([image, image]))] == [recognizer.read(image).text] * 2
    assert [found.prediction.text for found in recognizer.read_each(iter([image]))] == [recognizer.read(image).text]


def test_an_open_lexicon_and_its_gap():
    recognizer, image, words = Recognizer("grcl_lstm_tiny", "cpu"), draw("open"), ["street"]
    assert recognizer.read(image, words, open_gap=np.inf).text == "street"
    assert recognizer.read(image, words, open_gap=0.0).text == "open"
    for option in ({"open_gap": 1.0}, {"open_lexicon": True}, {"match_case": True}):
        with pytest.raises(ValueError, match="need a lexicon"):
            recognizer.read(image, **option)


def test_a_language_model_may_be_named():
    found, loaded = (
        Recognizer(device="cpu").read(draw("open"), language_model=model)
        for model in ("english", NGram.load("english"))
    )
    assert found == loaded and found.text == "open"


def test_a_file_that_is_no_picture_is_named(recognizer, tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match=r"x\.jpg: the file is empty"):
        recognizer.read(tmp_path / "x.jpg")


@pytest.fixture(scope="module")
def proportional() -> Recognizer:
    """A small untrained network of proportional width, in float32."""
    sizes = ["model.front_end.widths=[8, 8, 16, 16, 32]", "model.lstm_features=[32, 32]"]
    config = load_config("grcl_lstm_tiny", ["preprocess.width=proportional", *sizes])
    torch.manual_seed(0)
    return Recognizer(Weights(build_model(config), config), batch_size=4)


@settings(max_examples=15)
@given(widths=st.lists(st.integers(5, 300), min_size=1, max_size=9), seed=st.integers(0, 3))
def test_an_answer_does_not_depend_on_its_neighbours(proportional, widths, seed):
    rng = np.random.default_rng(seed)
    images = [rng.integers(0, 255, (int(rng.integers(10, 60)), width), np.uint8) for width in widths]
    together = proportional.recognise(images)
    order = rng.permutation(len(images))
    shuffled = proportional.recognise([images[index] for index in order])
    decode = proportional.decoder()
    texts = [prediction.text for prediction in decode(together.log_probs, together.lengths)]
    for index, image in enumerate(images):
        alone = proportional.recognise([image])
        length = alone.lengths[0]
        for found, place in ((together, index), (shuffled, int(np.flatnonzero(order == index)[0]))):
            assert found.lengths[place] == length
            assert np.abs(found.log_probs[place, :length] - alone.log_probs[0, :length]).max() < 1e-4
        assert decode(alone.log_probs, alone.lengths)[0].text == texts[index]


def test_reading_leaves_a_network_in_training_as_it_was(small_config):
    model = build_model(small_config).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    Recognizer(Weights(model, small_config), "cpu", precision="bf16").read(draw("open"))
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_bf16_is_near_float32(small_config):
    torch.manual_seed(1)
    weights = Weights(build_model(small_config), small_config)
    images = [load_image(draw(word)) for word in WORDS]
    exact = Recognizer(weights, "cpu").recognise(images).log_probs
    rounded = Recognizer(weights, "cpu", precision="bf16").recognise(images).log_probs
    assert rounded.dtype == np.float32
    assert 0 < np.abs(exact - rounded).max() < 0.1


def test_an_unknown_precision_is_an_error(small_config):
    with pytest.raises(ValueError, match="precision 'int4': expected one of float32, bf16, auto"):
        Recognizer(Weights(build_model(small_config), small_config), "cpu", precision="int4")
    with pytest.raises(ValueError, match="batch_size 0: expected 1 or more"):
        Recognizer(Weights(build_model(small_config), small_config), "cpu", batch_size=0)


def test_windows_are_read_in_order_and_the_first_fault_is_named(recognizer, tmp_path):
    paths = []
    for index, word in enumerate(WORDS):
        paths.append(tmp_path / f"{index}.png")
        cv2.imwrite(str(paths[-1]), draw(word))
    assert len(paths) > 2 * recognizer.window
    one_by_one = [recognizer.read(path).log_likelihood for path in paths]
    assert len(set(one_by_one)) > 8
    together = [prediction.log_likelihood for prediction in recognizer.read_many(iter(paths))]
    np.testing.assert_allclose(together, one_by_one, rtol=1e-4)
    paths[7].write_bytes(b"")
    paths[12].unlink()
    with pytest.raises(ValueError, match=r"7\.png: the file is empty"):
        recognizer.read_many(paths)


def test_faults_stay_in_their_places_and_lists_with_their_images(recognizer, tmp_path):
    whole = io.BytesIO()
    Image.fromarray(draw("street")).save(whole, "PNG")
    faults = {0: b"", 3: tmp_path / "nowhere.png", 6: 42, 11: Image.open(io.BytesIO(whole.getvalue()[:-300]))}
    faults |= dict.fromkeys(range(15, 20), b"junk")  # all of a window
    images = [faults.get(n, draw(WORDS[n % 16])) for n in range(32)]
    lists = Lexicon(tuple((f"open{n}", f"stop{n}") for n in range(32)), per_image=True)
    found = list(recognizer.read_each(images, lists))
    assert {n for n, reading in enumerate(found) if isinstance(reading, ValueError)} == set(faults)
    reasons = {
        0: "is empty",
        3: "nowhere.png: No such file",
        6: "found int",
        11: "cannot be loaded",
        19: "not a picture",
    }
    assert all(reason in str(found[n]) for n, reason in reasons.items())
    for number in set(range(32)) - set(faults):
        assert found[number].prediction.text in lists.words(number)
        assert np.array_equal(found[number].image, load_image(images[number]))


def test_options_that_do_not_fit_are_reported_before_anything_is_read(recognizer):
    with pytest.raises(ValueError, match="1 lists for 2 images"):
        recognizer.read_each([b"", b""], Lexicon((("open",),), per_image=True))
    with pytest.raises(ValueError, match="open lexicon needs a threshold"):
        recognizer.read_each([b""], ["open"], DecodeOptions(is_open=True))
    for options in (DecodeOptions(is_open=True), DecodeOptions(match_case=True)):
        with pytest.raises(ValueError, match="open_lexicon, open_gap and match_case need a lexicon; give one"):
            recognizer.read_each([b""], options=options)


def test_options_of_another_type_are_named(recognizer):
    for num_best in (2.5, "2", 0):
        with pytest.raises(ValueError, match=f"num_best {num_best!r}: expected a whole number from 1"):
            recognizer.read(draw("open"), num_best=num_best)
    assert len(recognizer.read(draw("open"), ["open", "book", "deep"], num_best=np.int64(2)).alternatives) == 2
    with pytest.raises(ValueError, match="a language model is an `NGram`, a file .* or a name; found int"):
        recognizer.read(draw("open"), language_model=5)
    with pytest.raises(ValueError, match="options are what `decode_options` returns, found dict"):
        recognizer.read_each([draw("open")], None, {"num_best": 2})


def test_the_next_window_is_loaded_while_one_is_read(recognizer, monkeypatch):
    """The network of the first window waits for a picture of the second."""
    images = [draw("open") for _ in range(recognizer.window + 1)]
    opened = Event()

    def load(image):
        if image is images[-1]:
            opened.set()
        return load_image(image)

    forward = recognizer._forward

    def waiting(images, widths):
        assert opened.wait(60)
        return forward(images, widths)

    monkeypatch.setattr("grcnn_ocr.loading.load_image", load)
    monkeypatch.setattr(recognizer, "_forward", waiting)
    assert len(recognizer.read_many(images)) == len(images)


def test_a_pil_image_that_is_not_loaded_yet_may_be_given_many_times(recognizer, tmp_path):
    cv2.imwrite(str(tmp_path / "x.png"), draw("street"))
    picture = Image.open(tmp_path / "x.png")
    assert len({prediction.text for prediction in recognizer.read_many([picture] * 12)}) == 1


def test_reading_in_a_smaller_charset_takes_either_case_of_a_word(small_config):
    torch.manual_seed(1)
    cased = small_config.model_copy(
        update={"charset": CharsetConfig(characters="ascii94", fold_case=False, drop_punctuation=False)}
    )
    weights = Weights(build_model(cased), cased)
    image = draw("street")
    as_it_is, plain = Recognizer(weights, "cpu"), Recognizer(weights, "cpu", charset="alnum36")
    assert plain.charset.name == "alnum36"
    one = plain.read(image, ["Street", "STREETS"])
    other = plain.read(image, ["sTREET", "streets"])
    assert (one.log_likelihood, one.text.lower()) == (other.log_likelihood, other.text.lower())
    assert one == as_it_is.read(image, ["Street", "STREETS"])
    exact = as_it_is.read(image, ["Street", "STREETS"], match_case=True)
    assert (
        one.log_likelihood > exact.log_likelihood == as_it_is.read(image, [exact.text], match_case=True).log_likelihood
    )
    assert set(plain.read(image).text) <= set(plain.charset.characters)
    with pytest.raises(ValueError, match="charset 'digits' has no character for"):
        Recognizer(weights, "cpu", charset="digits")


def test_a_pil_image_is_turned_only_by_exif_that_can_be_read_and_names_itself_when_closed(tmp_path, recognizer):
    picture = Image.fromarray(draw("street"))
    picture.save(tmp_path / "x.png", exif=b"MM")
    picture.save(tmp_path / "y.png")
    assert load_image(Image.open(tmp_path / "x.png")).shape == load_image(picture).shape
    with Image.open(tmp_path / "y.png") as closed:
        pass
    with pytest.raises(ValueError, match="image 2 of 2: the PIL image cannot be loaded: .*closed"):
        recognizer.read_many([picture, closed])


def test_a_floating_point_pil_image_means_what_an_array_means():
    levels = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    assert (load_image(Image.fromarray(levels)) == load_image(levels)).all() and load_image(levels).max() == 255
    with pytest.raises(ValueError, match="must be from 0 to 1; convert other values to uint8"):
        load_image(Image.fromarray(255 * levels))
