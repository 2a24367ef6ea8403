import pytest
from conftest import WORDS

from grcnn_ocr.datasets.audit import audit
from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.text.charset import Charset


def test_every_unusable_label_is_counted_with_its_reason(crops):
    with (crops / "labels.tsv").open("a", encoding="utf-8") as labels:
        labels.write(
            f"0.png\t日本\n0.png\t日\n1.png\t!?\n2.png\t{'a' * 27}\n3.png\t{'a' * 14}\n4.png\t{'ab' * 13}\n5.png\tÉté\n"
        )
    found = audit(open_words(crops / "labels.tsv"), Charset.named("alnum36"), num_frames=26)
    assert found.usable.tolist() == [*range(len(WORDS)), 21, 22]
    assert found.num_folded == 1
    assert found.unusable == {
        "'日' not in charset 'alnum36'": 2,
        "label too long for 26 frames": 2,  # 14 equal letters need 13 blanks between them
        "nothing left of the label in charset 'alnum36'": 1,
    }
    assert "18 of 23 samples usable" in found.report() and "labels.tsv:17" in found.report()


def test_no_usable_sample_is_an_error_that_says_why(crops):
    (crops / "labels.tsv").write_text("0.png\t日本\n", encoding="utf-8")
    with pytest.raises(ValueError, match="'日' not in charset 'alnum36', such as '日本' of") as caught:
        audit(open_words(crops / "labels.tsv"), Charset.named("alnum36"), num_frames=26)
    assert "0 of 1 samples usable" in str(caught.value)
