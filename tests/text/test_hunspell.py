import shutil
import subprocess
from pathlib import Path

import pytest

from grcnn_ocr.text.hunspell import read_hunspell
from grcnn_ocr.text.lexicon import Lexicon

AFF = """SET UTF-8
NEEDAFFIX h
FORBIDDENWORD !
PFX U Y 1
PFX U 0 un .
SFX D Y 2
SFX D 0 d e
SFX D 0 ed [^e]
SFX S N 1
SFX S y ies/D [^aeiou]y
"""
DIC = "5\nlove/UD\tpo:verb\nlock/UD\ncity/S\nstem/hD\nwrong/!\nd\\/c\n"


@pytest.fixture
def dictionary(tmp_path):
    (tmp_path / "small.aff").write_text(AFF)
    (tmp_path / "small.dic").write_text(DIC)
    return tmp_path / "small.dic"


def test_stems_are_what_stands_before_the_flags(dictionary):
    assert read_hunspell(dictionary) == ["love", "lock", "city", "d/c"]


def test_words_may_have_spaces_before_their_flags_and_comments_have_no_word(tmp_path):
    (tmp_path / "es.aff").write_text("SFX S Y 1\nSFX S 0 s .\n")
    lines = ["4 words", "/ a comment", "# one", "\tone", "Reino Unido/S", "a cappella po:adverb", "ad hoc\tpo:adv"]
    (tmp_path / "es.dic").write_text("\n".join(lines))
    assert read_hunspell(tmp_path / "es.dic") == ["Reino Unido", "a cappella", "ad hoc"]
    assert "Reino Unidos" in read_hunspell(tmp_path / "es.dic", expand=True)


def test_all_forms_are_made_of_prefixes_suffixes_and_both(dictionary):
    words = set(read_hunspell(dictionary, expand=True))
    love = {"love", "unlove", "loved", "unloved"}
    lock = {"lock", "unlock", "locked", "unlocked"}
    assert words == {*love, *lock, "city", "cities", "citiesed", "stemed", "d/c"}


def test_numbered_and_long_flags_and_aliases(tmp_path):
    (tmp_path / "n.aff").write_text("FLAG num\nAF 1\nAF 101,7\nSFX 101 Y 1\nSFX 101 0 s .\n")
    (tmp_path / "n.dic").write_text("1\ncat/1\n")
    assert read_hunspell(tmp_path / "n.dic", expand=True) == ["cat", "cats"]
    (tmp_path / "l.aff").write_text("FLAG long\nSFX Aa Y 1\nSFX Aa 0 s .\n")
    (tmp_path / "l.dic").write_text("1\ncat/BbAa\n")
    assert read_hunspell(tmp_path / "l.dic", expand=True) == ["cat", "cats"]


def test_an_encoding_is_the_affix_files(tmp_path):
    (tmp_path / "de.aff").write_bytes(b"SET ISO8859-1\n")
    (tmp_path / "de.dic").write_bytes("1\nStraße\n".encode("latin-1"))
    assert read_hunspell(tmp_path / "de.dic") == ["Straße"]


def test_flags_and_comments_need_not_be_in_the_encoding_of_the_words(tmp_path):
    rules = "SFX \xc3 Y 1 # \xe9\nSFX \xc3 0 ok .\nSFX \xa1 Y 1\nSFX \xa1 0 a [z-y]\n"
    aff = "SET UTF-8\n# L\xe1szl\xf3\nAF 1\nAF \xc3\xa1\n"
    (tmp_path / "hu.aff").write_bytes(b"\xef\xbb\xbf" + (aff + rules).encode("latin-1"))
    (tmp_path / "hu.dic").write_bytes("1\nház/1\n".encode())
    assert read_hunspell(tmp_path / "hu.dic", expand=True) == ["ház", "házok", "háza"]


def test_of_a_flag_of_two_bytes_the_first_counts_and_set_may_come_last(tmp_path):
    (tmp_path / "fr.aff").write_text("SFX é Y 1\nSFX é 0 s .\nSET UTF-8\n", encoding="utf-8")
    (tmp_path / "fr.dic").write_text("1\nété/é\n", encoding="utf-8")
    assert read_hunspell(tmp_path / "fr.dic", expand=True) == ["été", "étés"]
    (tmp_path / "fr.aff").write_text("FLAG UTF-8\nSFX é Y 1\nSFX é 0 s .\nSFX ê Y 1\nSFX ê 0 x .\n", encoding="utf-8")
    (tmp_path / "fr.dic").write_text("1\net/é\n", encoding="utf-8")
    assert read_hunspell(tmp_path / "fr.dic", expand=True) == ["et", "ets"]


@pytest.mark.slow
def test_the_systems_dictionaries_can_be_read():
    dictionaries = {path.resolve() for path in Path("/usr/share/hunspell").glob("*.dic")}
    if not dictionaries:
        pytest.skip("no Hunspell dictionaries here: none was read")
    for path in dictionaries:
        words = read_hunspell(path)
        assert len(words) > 1000 and not any("\ufffd" in word for word in words), path


def test_errors_name_the_file_and_line(dictionary):
    aff = dictionary.with_suffix(".aff")
    aff.write_text(AFF + "SFX X bad\n")
    with pytest.raises(ValueError, match=r"small\.aff:11: expected SFX FLAG Y\|N NUMBER, found 'SFX X bad'"):
        read_hunspell(dictionary)
    aff.write_bytes(AFF.encode() + b"SFX X Y 1\nSFX X 0 \xe9 .\n")
    with pytest.raises(ValueError, match=r"small\.aff:12 cannot be read as UTF-8, the encoding of its \.aff file"):
        read_hunspell(dictionary)
    aff.write_text("SFX A 0 2 .\n")
    with pytest.raises(ValueError, match=r"small\.aff:1: expected SFX FLAG Y\|N NUMBER, found 'SFX A 0 2 \.'"):
        read_hunspell(dictionary)
    aff.unlink()
    with pytest.raises(ValueError, match=r"no .*small\.aff .*a \.dic and an \.aff file"):
        read_hunspell(dictionary)


def test_a_lexicon_holds_stems_or_all_forms(dictionary):
    assert Lexicon.load(dictionary).words(0) == ("love", "lock", "city", "d/c")
    expanded = Lexicon.load(f"{dictionary}:expanded")
    assert "unloved" in expanded.words(0)
    assert expanded.name == "small.dic:expanded"


def test_the_systems_dictionary_expands_as_hunspells_own_tool_expands_it():
    path = Path("/usr/share/hunspell/en_US.dic")
    if not path.is_file() or shutil.which("unmunch") is None:
        pytest.skip("no hunspell-en-us and hunspell-tools here: expansion was not compared with unmunch")
    made = subprocess.run(["unmunch", path, path.with_suffix(".aff")], capture_output=True, check=True).stdout
    only_in_compounds = {"1th", "2th", "3th"}
    assert set(read_hunspell(path, expand=True)) == set(made.decode("utf-8").splitlines()) - only_in_compounds
