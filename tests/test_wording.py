import pytest

from grcnn_ocr.wording import counted, first_of


@pytest.mark.parametrize(("number", "text"), [(0, "0 words"), (1, "1 word"), (2, "2 words"), (-1, "-1 words")])
def test_one_takes_the_singular(number, text):
    assert counted(number, "word") == text


def test_what_is_beyond_the_first_is_counted():
    assert list(first_of([1, 2, 3], 2)) == ["1", "2", "... and 1 more"]
    assert list(first_of([1, 2], 2)) == ["1", "2"] and not list(first_of([], 2))
