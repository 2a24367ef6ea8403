import gzip
from pathlib import Path

import pytest
from conftest import shared
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.text.lexicon import Lexicon, join_words, split_words


def test_one_word_per_line_is_for_all_images(tmp_path):
    (tmp_path / "words.txt").write_bytes(b"\xef\xbb\xbfopen\r\nclosed\r\n\r\n")
    lexicon = Lexicon.load(tmp_path / "words.txt")
    assert not lexicon.per_image and lexicon.words(7) == ("open", "closed")
    lexicon.check_length(1000)


def test_comma_lists_belong_to_images_in_order(tmp_path):
    (tmp_path / "lists.txt").write_text("a, b\nc,\nd,e\n\n")
    lexicon = Lexicon.load(tmp_path / "lists.txt")
    assert lexicon.per_image and [lexicon.words(i) for i in range(3)] == [("a", "b"), ("c",), ("d", "e")]


def test_the_wrong_number_of_lists_is_an_error_with_both_counts(tmp_path):
    (tmp_path / "lists.txt").write_text("a,b\nc,d\n")
    with pytest.raises(ValueError, match=r"lists\.txt has 2 lists for 3 images.*commas, which make"):
        Lexicon.load(tmp_path / "lists.txt").check_length(3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no words"),
        (b"a,b\n\nc,d\n", "line 2: no words"),
        (
            b"hello\n\n1,000\nzoo\n",
            r"line 1 \('hello'\) holds no comma, line 3 \('1,000'\) does; .*remove the comma",
        ),
        (
            b"a,b\nc\n",
            r"line 2 \('c'\) holds no comma, line 1 \('a,b'\) does; .*end a list of a single word",
        ),
        (b"\xff\xfe\x00", "not UTF-8"),
        ("Café".encode("cp1252"), "not UTF-8 text: .*; save it as UTF-8"),
    ],
)
def test_bad_files_are_errors_that_name_them(content, message, tmp_path):
    (tmp_path / "bad.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        Lexicon.load(tmp_path / "bad.txt")
    assert "bad.txt" in str(caught.value)


def test_a_missing_file_is_an_error():
    with pytest.raises(ValueError, match=r"no lexicon nowhere\.txt"):
        Lexicon.load("nowhere.txt")


@pytest.mark.parametrize("words", ["words.txt", Path("words.txt")])
def test_one_string_or_path_is_not_a_list_of_words(words):
    with pytest.raises(ValueError, match=r"list of words, found 'words\.txt'.*Lexicon\.load"):
        Lexicon.shared(words)


def test_lists_of_any_sequences_become_tuples():
    lexicon = Lexicon([["crystal", "clown"], ("x",)], per_image=True)
    assert lexicon == Lexicon((("crystal", "clown"), ("x",)), per_image=True) and hash(lexicon)
    assert Lexicon([["crystal"]]) == Lexicon.shared(["crystal"])


@pytest.mark.parametrize(
    ("lists", "per_image", "message"),
    [
        ("crystal", False, r"found the string 'crystal'.*Lexicon\.shared"),
        (("crystal", "clown"), False, r"found the string 'crystal'.*Lexicon\.shared"),
        ((("crystal",), "clown"), True, "found the string 'clown'"),
        ((("crystal",), ("clown",)), False, "2 lists for all images.*per_image=True"),
        ((), False, "without a list"),
        (((),), False, "without words"),
        ((("crystal",), ()), True, "list 2 of 2: a lexicon without words"),
        (((["crystal"],),), False, r"found \['crystal'\] in it"),
    ],
)
def test_lists_at_fault_are_refused(lists, per_image, message):
    with pytest.raises(ValueError, match=message):
        Lexicon(lists, per_image)


@given(st.lists(st.text("abc日", min_size=1), min_size=1))
def test_joined_words_split_into_the_same_words(words):
    line = join_words(words)
    assert "," in line and split_words(line) == tuple(words)


def test_the_shipped_ic03_lexicon_has_one_list_of_50_an_image():
    lexicon = Lexicon.load(shared("data/ic03/lexicon_50.txt"))
    lexicon.check_length(860)
    assert {len(words) for words in lexicon.lists} == {50}
    assert len({word for words in lexicon.lists for word in words}) == 563


def test_a_list_in_utf_16_reads_like_one_in_utf_8(tmp_path):
    (tmp_path / "words.txt").write_bytes("Café\r\nŁódź\r\n".encode("utf-16"))
    assert Lexicon.load(tmp_path / "words.txt").words(0) == ("Café", "Łódź")


def test_a_packed_list_reads_like_a_plain_one(tmp_path):
    (tmp_path / "words.txt.gz").write_bytes(gzip.compress(b"open\nclosed\n"))
    assert Lexicon.load(tmp_path / "words.txt.gz").words(0) == ("open", "closed")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"open\nclosed\n")[:-6])
    with pytest.raises(ValueError, match=r"cut\.gz is a damaged gzip file"):
        Lexicon.load(tmp_path / "cut.gz")
    (tmp_path / "en.dic.gz").write_bytes(gzip.compress(b"1\nopen/S\n"))
    with pytest.raises(ValueError, match=r"en\.dic\.gz is a gzipped Hunspell dictionary: unpack it"):
        Lexicon.load(tmp_path / "en.dic.gz")
