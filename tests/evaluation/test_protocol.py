import pytest
from conftest import shared

from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.evaluation.protocol import ALPHANUMERIC, PUBLISHED, find_protocol
from grcnn_ocr.text.charset import Charset

LABELS = ["a", "12", "Word", "Tree's", "!!", "été", "abc", "£100", "R2D2", "of"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("ic03-860", ["Word", "abc", "R2D2"]),
        ("ic03-867", ["Word", "abc", "R2D2"]),
        ("ic13-857", ["Word", "abc", "R2D2"]),
        ("ic13-1015", ["a", "12", "Word", "abc", "R2D2", "of"]),
        ("ic13-1095", [label for label in LABELS if label != "!!"]),
        ("iiit5k-3000", [label for label in LABELS if label != "!!"]),
        ("svt-647", [label for label in LABELS if label != "!!"]),
        ("alphanumeric", [label for label in LABELS if label != "!!"]),
    ],
)
def test_which_labels_count(name, kept):
    protocol = find_protocol(name, Charset.named("digits"))
    assert [label for label in LABELS if protocol.keep(label)] == kept
    assert protocol.fold("Tree's") == "trees"


def test_every_published_protocol_has_the_number_in_its_name():
    assert [protocol.num_images for protocol in PUBLISHED.values()] == [860, 867, 3000, 647, 857, 1015, 1095]


def test_an_image_count_other_than_the_protocols_gives_a_warning():
    protocol = PUBLISHED["svt-647"]
    assert protocol.count_warning(647) is None and ALPHANUMERIC.count_warning(5) is None
    warning = protocol.count_warning(646)
    assert warning is not None and "647" in warning and "646" in warning


def test_protocols_are_found_by_name():
    digits = Charset.named("digits")
    assert find_protocol("charset", digits).charset is digits
    assert find_protocol("charset", digits).keep("12") and find_protocol("alphanumeric", digits) is ALPHANUMERIC
    assert find_protocol("cased", digits).fold("Tree's 12") == "Trees12"
    with pytest.raises(ValueError, match=r"no protocol 'ic3-860'; did you mean 'ic03-860'\? \(known: .*svt-647"):
        find_protocol("ic3-860", digits)


@pytest.mark.parametrize(
    ("labels", "name", "count"),
    [("ic03/gt.txt", "ic03-860", 860), ("iiit5k/test.txt", "iiit5k-3000", 3000), ("iiit5k/train.txt", "", 2000)],
)
def test_the_real_sets_are_whole_under_their_protocols(labels, name, count):
    source = open_words(shared(f"data/{labels}"))
    protocol = PUBLISHED.get(name, ALPHANUMERIC)
    kept = sum(protocol.keep(source.label(index)) for index in range(len(source)))
    assert kept == count == len(source) and protocol.count_warning(kept) is None
