from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from grcnn_ocr.datasets.synth import fonts
from grcnn_ocr.datasets.synth.fonts import (
    BUILT_IN,
    DRAWABLE,
    LETTERS_AND_DIGITS,
    SPACE,
    Font,
    Wanted,
    _digest,
    built_in_font,
    examine_font,
    find_font_files,
    load_fonts,
    without_ambiguous_cases,
)
from grcnn_ocr.text.charset import CHARSETS


@pytest.fixture
def font_file(tmp_path) -> Path:
    """Pillow's own font, as a file."""
    (tmp_path / "fonts").mkdir()
    path = tmp_path / "fonts" / "own.ttf"
    path.write_bytes(ImageFont.load_default(20).path.getvalue())
    return path


def flip_in_the_middle(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(255 - byte for byte in data[middle : middle + 99]) + data[middle + 99 :]


def test_the_built_in_font_draws_letters_and_digits():
    glyphs = built_in_font().glyphs
    assert all(glyphs[character].ink.max() > 200 for character in "aZ09")
    assert glyphs["p"].top < glyphs["b"].top and glyphs["W"].advance > glyphs["i"].advance


def test_glyphs_survive_the_cache(font_file, tmp_path):
    for _ in range(2):  # tested, then from the cache
        [font], rejected = load_fonts([font_file], tmp_path / "cache")
        assert not rejected and font.name == str(font_file)
    examined = examine_font(font_file)
    assert font.glyphs.keys() == examined.keys()
    for character, glyph in examined.items():
        kept = font.glyphs[character]
        assert np.array_equal(kept.ink, glyph.ink) and (kept.left, kept.top) == (glyph.left, glyph.top)
        assert kept.advance == glyph.advance


def test_a_cache_file_is_parsed_once(font_file, tmp_path, monkeypatch):
    load_fonts([font_file], tmp_path / "cache")
    parse, parsed = fonts._kept, []
    monkeypatch.setattr(fonts, "_kept", lambda path, wanted: parsed.append(path) or parse(path, wanted))
    monkeypatch.setattr(fonts, "ProcessPoolExecutor", ThreadPoolExecutor)  # so that what workers parse is seen, too
    load_fonts([font_file], tmp_path / "cache")
    assert len(parsed) == 1


def test_a_font_is_opened_once_whatever_the_charset(font_file, tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "ProcessPoolExecutor", ThreadPoolExecutor)
    opened, truetype = [], ImageFont.truetype
    monkeypatch.setattr(ImageFont, "truetype", lambda *args: opened.append(args) or truetype(*args))
    wanted = [Wanted(DRAWABLE + extra) for extra in ("", "éß", SPACE, CHARSETS["latin"][94:])]
    for each in wanted:
        [[font], _] = load_fonts([font_file], tmp_path / "cache", each)
        assert font.digest == Font("", _digest(examine_font(font_file, each)), {}).digest
    assert len(opened) == 1 + len(wanted) and len(list((tmp_path / "cache").iterdir())) == 1
    load_fonts([font_file], tmp_path / "cache", Wanted(DRAWABLE + "Ω"))
    assert len(opened) == 2 + len(wanted)


@pytest.mark.parametrize(
    "damaged", [lambda data: b"", lambda data: b"junk", lambda data: data[:-9], flip_in_the_middle]
)
def test_a_damaged_cache_file_is_written_again(damaged, font_file, tmp_path):
    [font], _ = load_fonts([font_file], tmp_path / "cache")
    [kept] = (tmp_path / "cache").iterdir()
    kept.write_bytes(damaged(kept.read_bytes()))
    for _ in range(2):
        [again], rejected = load_fonts([font_file], tmp_path / "cache")
        assert again.digest == font.digest and not rejected
    assert list((tmp_path / "cache").iterdir()) == [kept]


def test_files_that_are_not_fonts_are_skipped_with_a_reason(font_file, tmp_path):
    (font_file.parent / "broken.otf").write_bytes(b"junk")
    files = find_font_files([font_file.parent])
    assert [path.name for path in files] == ["broken.otf", "own.ttf"]
    found, rejected = load_fonts(files, tmp_path / "cache")
    assert [Path(font.name).name for font in found] == ["own.ttf"]
    assert "cannot be read" in rejected[str(font_file.parent / "broken.otf")]


def test_without_fonts_the_built_in_one_is_left(tmp_path):
    found, rejected = load_fonts([], tmp_path)
    assert [font.name for font in found] == [BUILT_IN] and not rejected


def test_the_same_font_twice_is_one(font_file, tmp_path):
    (font_file.parent / "copy.ttf").write_bytes(font_file.read_bytes())
    found, rejected = load_fonts(find_font_files([font_file.parent]), tmp_path / "cache")
    assert len(found) == 1 and not rejected


def test_letters_alike_in_both_cases_are_left_out_where_case_counts():
    glyphs = built_in_font().glyphs
    capitals = Font("capitals", "capitals", {**glyphs, "a": glyphs["A"], "é": glyphs["A"]})
    kept = without_ambiguous_cases(capitals).glyphs
    assert "a" not in kept and "A" not in kept and {"b", "B", "1", "é"} <= kept.keys()


@pytest.mark.parametrize(("unwritable", "kept"), [("", ""), ("AEa", "ΑΕ"), ("Aa", "Α")])
def test_only_characters_of_labels_compete_for_a_glyph(unwritable, kept, monkeypatch):
    draw = fonts._draw  # Greek, drawn as Latin as in most fonts; the built-in one has none
    monkeypatch.setattr(fonts, "_draw", lambda font, c: draw(font, {"Α": "A", "А": "A", "Ε": "E"}.get(c, c)))
    characters = DRAWABLE + "ΑΕА"  # the last one is Cyrillic
    drawn = fonts._drawn(ImageFont.load_default(48), characters)
    trusted = fonts._trusted(drawn, Wanted(characters, unwritable))
    assert "".join(c for c in trusted if c not in DRAWABLE) == kept
    assert set(LETTERS_AND_DIGITS) <= set(trusted)


def test_characters_outside_labels_may_look_like_any_other(monkeypatch):
    draw = fonts._draw
    monkeypatch.setattr(fonts, "_draw", lambda font, c: draw(font, {"O": "0", "l": "I"}.get(c, c)))
    drawn = fonts._drawn(ImageFont.load_default(48), DRAWABLE)
    assert {"0", "O", "I", "l"} <= fonts._trusted(drawn, Wanted(unwritable="OIl")).keys()
    assert not {"O", "l"} & fonts._trusted(drawn, Wanted()).keys()


def test_the_digest_is_of_the_glyphs():
    glyphs = built_in_font().glyphs
    assert _digest(glyphs) == built_in_font().digest != _digest({**glyphs, "a": glyphs["b"]})
