import json
import math
import os
import random
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from grcnn_ocr.config import EngineConfig, Look, TextMix, load_engine_config
from grcnn_ocr.datasets.lmdb_store import LmdbReader
from grcnn_ocr.datasets.synth import effects, render
from grcnn_ocr.datasets.synth.engine import WordEngine, build_engine
from grcnn_ocr.datasets.synth.fonts import Font, Glyph, built_in_font, without_ambiguous_cases
from grcnn_ocr.datasets.synth.photos import load_photos, load_system_photos
from grcnn_ocr.datasets.synth.preview import CHANCES, EFFECTS, contact_sheet, effect_sheet
from grcnn_ocr.datasets.synth.text import TextSampler
from grcnn_ocr.datasets.synth.write import write
from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.pixels import decode
from grcnn_ocr.text.charset import Charset, min_frames

WORDS = ["open", "street", "book", "kitchen", "a"]
PLAIN = Look(**dict.fromkeys(CHANCES, 0.0))
"""No effect but spacing, size, margins and colors."""
EVERYTHING = Look(**dict.fromkeys(CHANCES, 1.0))


def engine(**changes) -> WordEngine:
    photo = np.random.default_rng(0).integers(0, 255, (80, 300, 3), np.uint8)
    sampler = TextSampler(WORDS, Charset.named("alnum36"))
    return replace(WordEngine([built_in_font()], sampler, {"photo": photo}), **changes)


def test_a_sample_is_a_function_of_seed_and_index_in_any_order():
    indices, drawing = list(range(40)), engine()
    first = {index: drawing.sample(index) for index in indices}
    for index in random.Random(0).sample(indices, len(indices)):
        image, label = drawing.sample(index)
        assert np.array_equal(image, first[index][0]) and label == first[index][1]
    assert any(not np.array_equal(engine(seed=1).sample(i)[0], first[i][0]) for i in indices[:3])


@pytest.mark.parametrize("name", ["two.lmdb", "folder"])
def test_the_written_data_does_not_depend_on_the_number_of_workers(name, tmp_path):
    drawn = []
    for workers in (1, 2):
        output = tmp_path / str(workers) / name
        write(engine(), 150, output, workers)
        source = open_words(output if output.suffix else output / "labels.tsv")
        drawn.append([(source.image(index), source.label(index)) for index in range(len(source))])
        manifest = json.loads((output / "manifest.json").read_text())
        settings = {"num_samples": 150, "format": ".jpg", "quality": 90}
        assert manifest == json.loads(json.dumps({**settings, **engine().manifest()}))
        assert [entry.name for entry in output.parent.iterdir()] == [name]
    assert len(drawn[0]) == 150 and drawn[0] == drawn[1]


OTHER_FONT = without_ambiguous_cases(Font("other", "other digest", built_in_font().glyphs))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"color": True},
        {"output_height": 32},
        {"look": PLAIN},
        {"photos": {}},
        {"fonts": [OTHER_FONT]},
        {"sampler": TextSampler([*WORDS, "more"], Charset.named("alnum36"))},
        {"sampler": TextSampler(dict.fromkeys(WORDS, 1) | {WORDS[0]: 2}, Charset.named("alnum36"))},
        {"sampler": TextSampler(WORDS, Charset.named("alnum62"))},
        {"sampler": TextSampler(WORDS, Charset.named("alnum36"), TextMix(words=0.1))},
    ],
)
def test_whatever_changes_the_samples_changes_the_manifest(change):
    assert engine(**change).manifest() != engine().manifest()


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("look", [Look(), PLAIN, EVERYTHING])
def test_every_sample_is_a_picture_of_its_label(look, color):
    drawing = engine(look=look, color=color)
    for index in range(150):
        image, label = drawing.sample(index)
        assert image.dtype == np.uint8 and image.shape[2] == (3 if color else 1)
        assert 4 <= image.shape[0] <= 300 and 2 <= image.shape[1] <= 1500 and label
        assert look is not PLAIN or np.ptp(image) >= 20
        data, _ = drawing.encoded(index, ".png")
        assert decode(data).shape == image.shape[:2]


def test_the_drawn_text_matches_the_label(monkeypatch):
    drawn = []
    lay_out = render.lay_out
    monkeypatch.setattr(render, "lay_out", lambda text, *rest: drawn.append(text) or lay_out(text, *rest))
    drawing = engine(look=PLAIN)
    for index in range(200):
        _, label = drawing.sample(index)
        assert [drawing.sampler.charset.fold(text) for text in drawn] == [label]
        drawn.clear()


def test_a_plain_crop_shows_the_letters_laid_out():
    look = PLAIN.model_copy(update={"spacing": (0, 0), "stretch": (1, 1), "height": (48, 48), "margin": (0.1, 0.1)})
    font = built_in_font()
    for text in ("open", "street", "10:45"):
        rng = random.Random(0)
        image = render.render(text, font, "xxx", [], look, False, rng)[:, :, 0].astype(np.float32)
        mask = render.lay_out(text, font, random.Random(0), look)
        rows, columns = np.nonzero(np.abs(image - image[0, 0]) > 10)
        ink = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        expected = cv2.resize(trimmed(mask), ink.shape[::-1], interpolation=cv2.INTER_LINEAR)
        assert abs(np.corrcoef(ink.ravel(), expected.ravel())[0, 1]) > 0.95


def trimmed(mask: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(mask > 40)
    return mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


@pytest.mark.parametrize("bounds", [(0.1, 0.3), (-0.3, -0.1), (0.2, 0.2), (-0.1, 0.2)])
def test_spacing_stays_in_its_range(bounds):
    font = built_in_font()
    tight = render.lay_out("ii", font, random.Random(0), PLAIN.model_copy(update={"spacing": (0, 0)})).shape[1]
    for seed in range(50):
        look = PLAIN.model_copy(update={"spacing": bounds})
        width = render.lay_out("ii", font, random.Random(seed), look).shape[1]
        assert 48 * bounds[0] - 1.5 <= width - tight <= 48 * bounds[1] + 1.5


def test_given_words_are_drawn_including_possessives(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")
    (tmp_path / "words.txt").write_text("Joe's\nNew York\n", encoding="utf-8")
    only = dict.fromkeys(["names", "web", "numbers", "prices", "dates", "phones", "codes", "initials", "compounds"], 0)
    files = EngineConfig(words=str(tmp_path / "words.txt"), backgrounds=(), mix=TextMix(**only, punctuation=0))
    built, _ = build_engine(files, Charset.named("alnum36"))
    assert {built.sample(index)[1] for index in range(60)} == {"joes", "newyork"}
    (tmp_path / "words.txt").write_text("москва\n", encoding="utf-8")
    for mix in (files.mix, TextMix()):  # with nothing else to draw, and with other kinds
        with pytest.raises(ValueError, match=r"words\.txt: none of .*1 words can be written in charset 'alnum36'"):
            build_engine(files.model_copy(update={"mix": mix}), Charset.named("alnum36"))


def test_a_word_with_spaces_is_drawn_with_them(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")
    (tmp_path / "plates.txt").write_text("AB  12 CD\r\n", encoding="utf-8")
    only = {**dict.fromkeys(TextMix.model_fields, 0), "words": 1, "upper": 1}
    look = PLAIN.model_copy(update={"spacing": (0, 0), "stretch": (1, 1), "height": (48, 48)})
    files = EngineConfig(words=str(tmp_path / "plates.txt"), backgrounds=(), mix=TextMix(**only), look=look)
    for charset, label in ((Charset.named("alnum36"), "ab12cd"), (Charset("ABCD12 "), "AB 12 CD")):
        built, passed_over = build_engine(files, charset)
        assert not passed_over.undrawable and built.sample(0)[1] == label
        font = built.fonts[0]
        wide, tight = (render.lay_out(text, font, random.Random(0), look).shape[1] for text in ("AB 12 CD", "AB12CD"))
        assert wide - tight == pytest.approx(2 * font.glyphs[" "].advance, abs=2)


def test_a_rare_character_finds_the_one_font_that_has_it():
    plain = built_in_font()
    rare = Font("rare", "rare", {**plain.glyphs, "é": plain.glyphs["e"]})
    drawing = engine(fonts=[plain] * 400 + [rare], sampler=TextSampler(["é"], Charset("é"), TextMix(punctuation=0)))
    for index in range(20):
        assert set(drawing.sample(index)[1]) == {"é"}


def test_quotes_that_look_alike_are_labelled_alike():
    charset = Charset.named("ascii94", fold_case=False, drop_punctuation=False)
    sampler = TextSampler(["open"], charset, TextMix(punctuation=1))
    texts = [sampler.draw(random.Random(n)) for n in range(3000)]
    assert any("’" in text for text, _ in texts)
    assert all(label == text.translate(str.maketrans("‘’“”", "''\"\"")) for text, label in texts if "’" in text)


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "fonts").mkdir()
    from PIL import ImageFont

    (tmp_path / "fonts" / "own.ttf").write_bytes(ImageFont.load_default(20).path.getvalue())
    with pytest.raises(ValueError, match="the font cache .* cannot be written.*XDG_CACHE_HOME"):
        build_engine(EngineConfig(fonts=(str(tmp_path / "fonts"),), backgrounds=()), Charset.named("alnum36"))


def test_plain_words_stand_out_by_the_contrast_asked_for():
    drawing = engine(look=PLAIN.model_copy(update={"contrast": (100, 100), "margin": (0.1, 0.2)}), photos={})
    for index in range(50):
        image, _ = drawing.sample(index)
        assert 90 <= int(image.max()) - int(image.min()) <= 255


@pytest.mark.parametrize(
    "effect",
    [
        effects.light,
        effects.glare,
        effects.sharpen,
        effects.defocus,
        effects.motion,
        lambda pixels, rng, look: effects.low_resolution(pixels, rng, 40, look),
        effects.noise,
        lambda pixels, rng, look: effects.jpeg(pixels.astype(np.uint8), rng, look),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_camera_effects_change_the_picture_and_keep_its_shape(effect, channels):
    pixels = np.random.default_rng(0).uniform(0, 255, (40, 120, channels)).astype(np.float32)
    changed = effect(pixels, random.Random(0), Look())
    assert changed.shape == pixels.shape and not np.allclose(changed, pixels)


def test_low_resolution_leaves_small_text_legible():
    pixels = np.random.default_rng(0).uniform(0, 255, (20, 60, 1)).astype(np.float32)
    assert effects.low_resolution(pixels, random.Random(0), 8, Look()) is pixels


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("degrees", [5, 60, 150])
def test_text_on_an_arc_keeps_its_length_and_stands_across_it(degrees, hangs):
    strip = np.zeros((20, 400, 1), np.uint8)
    strip[8:12] = 255  # the middle line
    strip[:, 198:202] = strip[:, :4] = 255  # an upright stroke in the middle, another at the left end
    bent = effects._bend(strip, math.radians(degrees), hangs)[:, :, 0]
    angle = math.radians(degrees)
    radius = 400 / angle
    sign = -1 if hangs else 1
    centre = np.array([bent.shape[1] / 2, radius + 10 if not hangs else bent.shape[0] - radius - 10])
    for along in np.linspace(-0.49, 0.49, 9) * angle:
        x, y = centre + radius * np.array([math.sin(along), -sign * math.cos(along)])
        assert bent[int(y), int(x)] > 200, along
    for across in (-7, 7):  # the ends of the strokes point to the centre
        for along in (0, -0.495 * angle):
            x, y = centre + (radius + across) * np.array([math.sin(along), -sign * math.cos(along)])
            assert bent[int(y), int(x)] > 200, (across, along)
    assert (bent > 127).sum() == pytest.approx((strip > 127).sum(), rel=0.05)


@pytest.mark.parametrize(("text", "is_larger"), [("OPEN", True), ("Open", False), ("O", False), ("'OK'", True)])
def test_the_first_letter_of_capitals_may_be_larger(text, is_larger):
    look = PLAIN.model_copy(update={"initial": 1.0, "initial_size": (1.5, 1.5), "spacing": (0, 0)})
    plain = render.lay_out(text, built_in_font(), random.Random(0), PLAIN.model_copy(update={"spacing": (0, 0)}))
    for seed in range(10):
        mask = render.lay_out(text, built_in_font(), random.Random(seed), look)
        assert (mask.shape[0] > 1.3 * plain.shape[0]) == is_larger == (mask.shape[1] > plain.shape[1])


def test_relief_is_lit_on_one_side_and_dark_on_the_other():
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:40] = 255
    look = Look(relief_depth=(0.1, 0.1), relief_span=(100, 100))
    for seed in range(5):
        added = effects.relief(mask, random.Random(seed), 20, look)
        assert added.shape == (40, 60, 1) and 30 < added.max() <= 50.1 and -50.1 <= added.min() < -30
        assert abs(added.sum()) < 1 and np.allclose(added[15:25, 25:35], 0, atol=1)


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_worn_letters_have_lost_the_share_of_paint_asked_for(share):
    mask = np.full((60, 300), 255, np.uint8)
    left = [effects.worn(mask, random.Random(n), 40, Look(worn_share=(share, share))).mean() / 255 for n in range(20)]
    assert np.mean(left) == pytest.approx(1 - share, abs=0.02)


def test_hollow_letters_are_their_edges():
    mask = np.zeros((60, 60), np.uint8)
    mask[15:45, 15:45] = 255
    look = Look(bolder=0, lighter=0, hollow=1)
    for seed in range(5):
        ring = effects.change_weight(mask, random.Random(seed), look)
        assert not ring[20:40, 20:40].any() and ring[30, 12:18].max() == ring[42:48, 30].max() == 255


def test_letters_that_dance_are_turned_and_raised_and_stay_whole():
    glyph = built_in_font().glyphs["b"]
    look = Look(jumble_degrees=90, jumble_size=(1, 1), jumble_rise=0.25)
    for seed in range(20):
        turned = render._jumbled(glyph, random.Random(seed), look)
        assert (
            turned.ink.mean() * turned.ink.size == pytest.approx(glyph.ink.mean() * glyph.ink.size, rel=0.01)
            and turned.advance == glyph.advance
        )
        middle = [g.top - g.ink.shape[0] / 2 for g in (glyph, turned)]
        assert abs(middle[1] - middle[0]) <= 0.25 * 48 + 1
    still = render._jumbled(glyph, random.Random(0), Look(jumble_degrees=0, jumble_size=(1, 1), jumble_rise=0))
    assert np.array_equal(trimmed(still.ink), trimmed(glyph.ink))


def test_halves_are_two_flat_areas():
    halves = [effects.texture((30, 90), random.Random(seed), 40) for seed in range(40)]
    found = [pixels for pixels in halves if len(np.unique(pixels)) == 2]
    assert found and all(np.ptp(pixels) == pytest.approx(40) and abs(pixels.mean()) < 0.01 for pixels in found)


def test_noise_covers_pictures_larger_than_its_bank():
    pixels = np.zeros((300, 1500, 1), np.float32)
    assert effects.noise(pixels, random.Random(0), Look(noise_level=(5, 5))).std() == pytest.approx(5, rel=0.05)


def test_files_on_this_machine_make_an_engine(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("fonts", "photos"):
        (tmp_path / name).mkdir()
    from PIL import ImageFont

    (tmp_path / "fonts" / "own.ttf").write_bytes(ImageFont.load_default(20).path.getvalue())
    cv2.imwrite(str(tmp_path / "photos" / "sky.jpg"), np.full((900, 700, 3), 99, np.uint8))
    files = EngineConfig(fonts=(str(tmp_path / "fonts"),), backgrounds=(str(tmp_path / "photos"),))
    built, passed_over = build_engine(files, Charset.named("alnum36"))
    assert len(built.fonts) == 1 and not (passed_over.fonts or passed_over.photos)
    assert [photo.shape for photo in built.photos.values()] == [(640, 498, 3)]
    assert contact_sheet(built, 2, 3).shape == (180, 300, 3)


def test_unusable_fonts_and_photos_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    alnum36 = Charset.named("alnum36")
    with pytest.raises(ValueError, match="no folder .*nowhere"):
        build_engine(EngineConfig(fonts=(str(tmp_path / "nowhere"),)), alnum36)
    with pytest.raises(ValueError, match="no fonts .* in .*empty"):
        build_engine(EngineConfig(fonts=(str(tmp_path / "empty"),)), alnum36)
    with pytest.raises(ValueError, match="no photos .* in .*empty"):
        load_photos([tmp_path / "empty"])
    cv2.imwrite(str(tmp_path / "empty" / "line.png"), np.zeros((1, 900), np.uint8))
    with pytest.raises(ValueError, match=r"line\.png: too small or too narrow"):
        load_photos([tmp_path / "empty"])
    (tmp_path / "empty" / "bad.jpg").write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"bad\.jpg: not a photo"):
        load_photos([tmp_path / "empty"])
    (tmp_path / "empty" / "bad.ttf").write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"none of 1 fonts is usable: .*bad\.ttf: cannot be read"):
        build_engine(EngineConfig(fonts=(str(tmp_path / "empty"),)), alnum36)


def forbidden(path):
    raise PermissionError(13, "Permission denied", str(path))


def test_wallpapers_that_cannot_be_read_are_skipped_and_named(tmp_path, monkeypatch):
    cv2.imwrite(str(tmp_path / "sky.png"), np.full((90, 70, 3), 99, np.uint8))
    (tmp_path / "bad.jpg").write_bytes(b"junk")
    (tmp_path / "secret.jpg").write_bytes(b"junk")
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: forbidden(path) if path.stem == "secret" else read_bytes(path))
    photos, rejected = load_system_photos([tmp_path, tmp_path / "nowhere"])
    assert len(photos) == 1 and list(rejected) == [str(tmp_path / "bad.jpg"), str(tmp_path / "secret.jpg")]
    assert rejected[str(tmp_path / "secret.jpg")] == "cannot be read: Permission denied"


@pytest.mark.parametrize("color", [False, True])
def test_crops_of_one_height_keep_their_proportions(color):
    native, resized = engine(color=color), engine(color=color, output_height=24)
    for index in range(20):
        (image, label), (small, same) = native.sample(index), resized.sample(index)
        assert small.shape[0] == 24 and small.shape[2] == image.shape[2] and label == same
        assert abs(small.shape[1] - 24 * image.shape[1] / image.shape[0]) <= 0.5


def test_no_label_needs_more_frames_than_the_network_has():
    sampler = TextSampler(["aab", "abc", "aabb"], Charset.named("alnum36"), TextMix(punctuation=0), max_frames=4)
    assert list(sampler.counts) == ["aab", "abc"]
    assert all(min_frames(sampler.charset.encode(sampler.draw(random.Random(n))[1])) <= 4 for n in range(300))


@pytest.mark.parametrize("effect", EFFECTS)
def test_each_effect_can_be_looked_at_alone(effect):
    sheet = effect_sheet(engine(), effect)
    plain, changed = sheet[:44], sheet[60:104]
    assert sheet.shape == (120, 1200, 3) and not np.array_equal(plain, changed)


def test_an_unknown_effect_is_an_error():
    with pytest.raises(ValueError, match=r"no effect 'curv'; did you mean 'curve'"):
        effect_sheet(engine(), "curv")


def test_settings_come_from_a_file_and_overrides(tmp_path):
    (tmp_path / "engine.yaml").write_text("seed: 5\nlook: {curve: 0.4}\n")
    settings = load_engine_config(tmp_path / "engine.yaml", ["look.shear=0.2", "mix.names=1"])
    assert (settings.seed, settings.look.curve, settings.look.shear, settings.mix.names) == (5, 0.4, 0.2, 1)
    with pytest.raises(ValueError, match=r"unknown key 'look.curv'; did you mean 'look.curve'"):
        load_engine_config(None, ["look.curv=0.4"])
    with pytest.raises(ValueError, match=r"look.noise_level: .*must begin above 0"):
        load_engine_config(None, ["look.noise_level=[0, 12]"])
    with pytest.raises(ValueError, match=r"look.contrast: .*a range is \[low, high\]"):
        load_engine_config(None, ["look.contrast=[90, 20]"])


def test_a_charset_that_no_font_draws_is_an_error():
    hiragana = Charset("あいう", name="hiragana")
    with pytest.raises(ValueError, match="no font draws all of"):
        replace(engine(), sampler=TextSampler(["あい"], hiragana)).sample(0)


@pytest.mark.parametrize("effect", [effects.outline, effects.shadow, effects.extrude])
def test_layers_under_the_letters_show_beside_them(effect):
    mask = np.zeros((60, 90), np.uint8)
    mask[20:40, 30:60] = 255
    layers = [effect(mask, random.Random(seed), 20, Look()) for seed in range(20)]
    assert all(layer.shape == mask.shape for layer in layers)
    assert all(layer[mask == 0].any() for layer in layers)


def test_a_hairline_is_never_cut_away():
    bar = Glyph(np.full((36, 1), 255, np.uint8), 1, 36, 3.0)
    font = Font("hairline", "hairline", dict.fromkeys("l1", bar))
    sampler = TextSampler(["l"], Charset("l", name="l"), TextMix(punctuation=0))
    look = PLAIN.model_copy(update={"contrast": (100, 100)})
    drawing = engine(fonts=[font], sampler=sampler, look=look, photos={})
    for index in range(200):
        assert np.ptp(drawing.sample(index)[0]) >= 20


def test_colors_have_the_luma_asked_for():
    rng = random.Random(0)
    for _ in range(300):
        level = rng.uniform(0, 255)
        color = render._color(level, True, rng)
        assert color.min() > -0.01 and color.max() < 255.01
        assert float(color @ render.LUMA) == pytest.approx(level, abs=0.6)


def test_digits_alone_need_no_words():
    drawing = engine(sampler=TextSampler(WORDS, Charset.named("digits")))
    assert all(drawing.sample(index)[1].isdigit() for index in range(30))


def test_characters_beyond_ascii_are_drawn_when_the_charset_has_them(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")  # no fontconfig: the fonts of this package
    (tmp_path / "words.txt").write_text("90°\n", encoding="utf-8")
    charset = Charset("09°", name="degrees")
    files = EngineConfig(words=str(tmp_path / "words.txt"), mix=TextMix(words=1, punctuation=0), backgrounds=())
    built, _ = build_engine(files, charset)
    labels = {built.sample(index)[1] for index in range(30)}
    assert "90°" in labels


def test_words_that_no_font_draws_are_counted_and_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")  # no fontconfig: the built-in font, which has no Greek
    (tmp_path / "words.txt").write_text("open\nclosed\nλόγος\n", encoding="utf-8")
    files = EngineConfig(words=str(tmp_path / "words.txt"), backgrounds=())
    built, passed_over = build_engine(files, Charset("abcdefghijklmnopqrstuvwxyzλόγος"))
    assert passed_over.undrawable == ["λόγος"]
    assert "2 words (1 skipped)" in passed_over.report(built)
    assert "1 word that no font draws, such as λόγος" in passed_over.report(built)
    with pytest.raises(ValueError, match=r"words\.txt: none of its 1 words, such as 'λόγος', is drawn by a font"):
        build_engine(files, Charset("λόγος"))


def test_a_worker_that_dies_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="a worker process died"):
        write(engine(sampler=Deadly()), 50, tmp_path / "x.lmdb", workers=2)
    assert not (tmp_path / "x.lmdb").exists()


class Deadly(TextSampler):
    """A sampler that ends the process in which it draws."""

    def __init__(self) -> None:
        super().__init__(WORDS, Charset.named("alnum36"))

    def draw(self, rng):
        os._exit(1)


def test_an_existing_lmdb_is_replaced_only_if_asked(tmp_path):
    write(engine(), 3, tmp_path / "x.lmdb")
    with pytest.raises(ValueError, match="--overwrite"):
        write(engine(), 4, tmp_path / "x.lmdb")
    write(engine(), 4, tmp_path / "x.lmdb", overwrite=True)
    assert len(LmdbReader(tmp_path / "x.lmdb")) == 4
