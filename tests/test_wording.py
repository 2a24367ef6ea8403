import pytest

from grcnn_ocr.wording import counted


@pytest.mark.parametrize(("number", "text"), [(0, "0 words"), (1, "1 word"), (2, "2 words"), (-1, "-1 words")])
def test_one_is_no_plural(number, text):
    assert counted(number, "word") == text
