import pytest
from hypothesis import given
from hypothesis import strategies as st

from grcnn_ocr.decoding.trie import Forest, plant

WORDS = st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=5), min_size=1, max_size=8)


def below(forest: Forest, node: int) -> list[tuple[tuple[int, ...], int]]:
    """Return the rests of the words below a node, itself included, and the words' indices."""
    own = [((), int(forest.words[node]))] if forest.words[node] >= 0 else []
    children = range(forest.first_child[node], forest.first_child[node] + forest.num_children[node])
    return own + [
        ((int(forest.characters[child]), *rest), word) for child in children for rest, word in below(forest, child)
    ]


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_each_trie_holds_its_list(lists):
    forest = plant(lists)
    flat = [tuple(word) for words in lists for word in words]
    for number, words in enumerate(lists):
        found = below(forest, number)
        assert [text for text, _ in found] == sorted(set(map(tuple, words)))
        assert all(flat[index] == text for text, index in found)


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_every_node_knows_what_is_below_it(lists):
    forest = plant(lists)
    for node in range(len(lists), len(forest.characters)):
        lengths = [len(rest) for rest, _ in below(forest, node)]
        assert (forest.shortest[node], forest.longest[node]) == (min(lengths), max(lengths))
        assert forest.num_words[node] == len(lengths)


@pytest.mark.parametrize("lists", [[], [[]], [[[1]], []], [[[1], []]]])
def test_a_word_without_characters_or_a_list_without_words_is_an_error(lists):
    with pytest.raises(ValueError, match="at least one character"):
        plant(lists)
