"""Starting from a trained network, possibly a smaller one or one of another charset."""

from __future__ import annotations

import torch

from grcnn_ocr.models.cost import count_parameters
from grcnn_ocr.models.growing import can_grow, grow
from grcnn_ocr.models.recognizer import CTCRecognizer
from grcnn_ocr.text.charset import Charset, base_letter
from grcnn_ocr.weights import load_tensors

ACCENT = 3.0
"""By how many nats an accented letter is less likely than its base letter, from which it starts."""


def initialise(model: CTCRecognizer, charset: Charset, trained: CTCRecognizer, known: Charset, source: str) -> str:
    """Copy a trained network's weights; in the head, only the rows of the blank and of characters that both know.

    A new character starts from its other case, if that is known: S from s, K from k; or else from its base letter, a
    little less likely: é from e. The rows of all others stay as they were initialised. A smaller network of GRCLs is
    grown first; see `models.growing`.

    Args:
        model: initialised in place.
        charset: of `model`.
        trained: the same network, except for the number of classes, or one that can grow into it.
        known: the charset of `trained`.
        source: names `trained` in errors.

    Returns:
        A report of which characters start from what.

    Raises:
        ValueError: if the networks differ in anything else.
    """
    grown = grow(trained, model) if can_grow(trained, model) else trained
    tensors = dict(grown.state_dict())
    rows, borrowed, accented, new = {0: 0}, [], [], []
    known_at = {character: row for row, character in enumerate(known.characters, start=1)}
    for index, character in enumerate(charset.characters, start=1):
        other, base = character.swapcase(), base_letter(character)
        if character in known_at:
            rows[index] = known_at[character]
        elif other in known_at and other.swapcase() == character:
            rows[index] = known_at[other]
            borrowed.append(character)
        elif found := next((known_at[letter] for letter in (base, base.swapcase()) if letter in known_at), 0):
            rows[index] = found
            accented.append(character)
        else:
            new.append(character)
    ours, theirs = torch.tensor(list(rows)), torch.tensor(list(rows.values()))
    for key in model.head_keys:
        head = model.state_dict()[key].clone()
        if key in tensors and tensors[key].shape[1:] == head.shape[1:]:  # else `load_tensors` names it
            head[ours] = tensors[key][theirs]
            if head.dim() == 1:  # one of two biases
                head[[charset.characters.index(character) + 1 for character in accented]] -= ACCENT / 2
            tensors[key] = head
    load_tensors(model, tensors, source)
    kept = len(rows) - 1 - len(borrowed) - len(accented)
    report = [f"{kept} of {len(charset.characters)} characters start as {source} knows them"]
    if grown is not trained:
        report.append(
            f"its {count_parameters(trained):,} parameters grow to {count_parameters(grown):,}, reading as before"
        )
    if borrowed:
        report.append(f"from their other case: {''.join(borrowed)}")
    if accented:
        report.append(f"from their base letter: {''.join(accented)}")
    if new:
        report.append(f"newly initialised: {_shown(new)}")
    if dropped := [character for character in known.characters if character not in charset.characters]:
        report.append(f"no longer known: {_shown(dropped)}")
    return "; ".join(report)


def _shown(characters: list[str]) -> str:
    """Join characters so that a space among them is seen."""
    return "".join(characters).replace(" ", "' '")
