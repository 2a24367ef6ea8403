import shlex
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.build import build_charset
from grcnn_ocr.config import load_config
from grcnn_ocr.doctor.labels import propose_charset, unknown_characters
from grcnn_ocr.text.charset import Charset

ALNUM36 = Charset.named("alnum36")
EXACT = Charset.named("digits", fold_case=False, fold_accents=False, drop_punctuation=False)


def proposal(labels: list[str], charset: Charset) -> str | None:
    return propose_charset(list(unknown_characters(labels, charset)), labels, charset)


def test_unknown_characters_are_counted_by_label_after_folding():
    labels = ["Café", "日本日", "日", "a-b", "ﬁ"]
    assert unknown_characters(labels, ALNUM36) == {"日": 2, "本": 1}
    exact = Charset.named("alnum36", fold_case=False, fold_accents=False, drop_punctuation=False)
    assert set(unknown_characters(labels, exact)) == set("Cé日本-ﬁ")


@pytest.mark.parametrize(
    ("labels", "charset", "expected"),
    [
        (["book", "Été"], ALNUM36, None),
        (["book", "7"], EXACT, "--set charset.characters=alnum36"),
        (["Book", "7"], EXACT, "--set charset.characters=alnum62"),
        (["Book", "7-8"], EXACT, "--set charset.characters=ascii94"),
        (["Book", "Été"], EXACT, "--set charset.characters=latin"),
        (["book", "日"], ALNUM36, f"""--set 'charset.characters="{ALNUM36.characters}日"'"""),
    ],
)
def test_the_proposal_is_the_smallest_named_charset_or_one_with_what_is_missing(labels, charset, expected):
    assert proposal(labels, charset) == expected


def test_a_proposal_keeps_ones_own_characters():
    own = Charset("日本語")
    assert proposal(["日本", "中"], own) == """--set 'charset.characters="日本語中"'"""


@given(st.lists(st.text(st.sampled_from(string.printable + "é日\x85\u2028😀\"'\\$`"), max_size=5), max_size=5))
def test_a_proposal_can_be_pasted_and_writes_all_labels(labels):
    found = proposal(labels, EXACT)
    if found is None:
        assert not EXACT.unknown("".join(labels))
        return
    option, override = shlex.split(found)
    folding = [f"charset.{name}=false" for name in ("fold_case", "fold_accents", "drop_punctuation")]
    charset = build_charset(load_config("crnn", [override, *folding]).charset)
    assert option == "--set" and not charset.unknown("".join(labels))
