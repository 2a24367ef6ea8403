"""`grcnn-ocr calibrate`: fitting confidence to the probability of being right."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, compress
from operator import not_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from grcnn_ocr.cli.console import console, errors, progress_bar
from grcnn_ocr.cli.readers import FORMAT
from grcnn_ocr.files import check_output

if TYPE_CHECKING:
    from grcnn_ocr.decoding.confidence import Calibration
    from grcnn_ocr.evaluation.analysis import Judged

T = TypeVar("T")


def calibrate(
    weights: Annotated[str, typer.Option(help="A weights file, or a released name; see `models`.")],
    data: Annotated[Path, typer.Option(help="Validation data: an LMDB, a label file, or the label file of a release.")],
    output: Annotated[Path, typer.Option(help="The weights file to write.")],
    lexicon: Annotated[
        str | None,
        typer.Option(
            help="Also choose when an open lexicon's answer yields to the lexicon-free one, with this list, from which "
            "words are removed until at most half of the images have theirs, in any case. Named as in `evaluate`."
        ),
    ] = None,
    protocol: Annotated[
        str, typer.Option(help="What counts as right; see `evaluate`. charset: all that the network can write.")
    ] = "charset",
    charset: Annotated[
        str | None,
        typer.Option(
            help="Charset to read the words in, as in `read`, such as alnum36. The calibration then fits this charset.",
            show_default="the network's",
        ),
    ] = None,
    changed: Annotated[
        bool,
        typer.Option(
            "--changed",
            help="Also fit to these words cut too tightly, turned, shrunk, blurred and so on, in 19 ways, for use on "
            "harder words.",
        ),
    ] = False,
    data_format: Annotated[str, typer.Option("--format", help=FORMAT)] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Images per forward pass.")] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
) -> None:
    """Fit confidence to labelled words that the network was not trained on, and write it into a copy of the weights.

    A fit on a random half of the words is first tested on the other half; the one that is written is fitted on all.
    """
    from dataclasses import replace

    from grcnn_ocr.datasets.changes import CHANGES, ChangedWords
    from grcnn_ocr.datasets.words import open_words
    from grcnn_ocr.evaluation.analysis import judge
    from grcnn_ocr.evaluation.calibration import drawn_half, with_unlisted
    from grcnn_ocr.evaluation.protocol import find_protocol
    from grcnn_ocr.evaluation.suite import find_lexicon
    from grcnn_ocr.evaluation.words import evaluate_words
    from grcnn_ocr.reading import Recognizer
    from grcnn_ocr.weights import find_weights, save_calibrated

    check_output(output, overwrite)
    found = find_weights(weights)
    recognizer = Recognizer(found, device, batch_size, charset=charset)
    words = open_words(data, data_format)
    num_words = len(words)
    rules = find_protocol(protocol, recognizer.charset)
    listed, listed_rules = find_lexicon(lexicon, words, Path()) if lexicon else None, rules
    if listed is not None:
        listed.check_length(num_words)
        own = chain.from_iterable(listed.lists)
        listed_rules = replace(rules, charset=rules.charset.as_listed(own))  # lists do not tell case either
        labels = [listed_rules.fold(words.label(index)) for index in range(num_words)]
        listed = with_unlisted(listed, labels, listed_rules.fold)
    source = ChangedWords(words, list(CHANGES.values())) if changed else words
    if listed is not None and listed.per_image:
        listed = replace(listed, lists=listed.lists * (len(source) // num_words))
    with progress_bar() as bar:
        task = bar.add_task("reading", total=len(source))
        results = evaluate_words(
            recognizer,
            source,
            [None] if listed is None else [None, None, listed],
            rules,
            lambda done: bar.advance(task, done),
            at_one_look=(1, 2),  # an open lexicon's answer yields within each look
        )
    free = judge(results[0].examples, rules.fold)
    bound = [judge(result.examples, listed_rules.fold) for result in results[1:]]
    warning = rules.count_warning(len({r.example.index % num_words for r in free}))
    if warning:
        errors.print(f"warning: {warning}")
    console.print(f"{found} on {data}, protocol {rules.name}: {sum(r.right for r in free)} of {len(free)} words right")
    fitting = drawn_half(num_words)
    is_fitting = [r.example.index % num_words in fitting for r in free]  # changed versions of a word stay in its half
    calibration = _fitted(recognizer.calibration, free, is_fitting)
    if bound:
        calibration = replace(calibration, open_gap=_gap(list(zip(*bound, strict=True)), is_fitting))
    save_calibrated(found, output, calibration)
    console.print(f"written: {output}")


def _fitted(before: Calibration, judged: Sequence[Judged], is_fitting: Sequence[bool]) -> Calibration:
    """Fit on one part, print the error on the other, and return the fit on all."""
    from dataclasses import replace

    from grcnn_ocr.evaluation.calibration import BINS, expected_calibration_error, fit

    def fit_to(chosen: Sequence[Judged]) -> Calibration:
        return fit([r.example.log_likelihood for r in chosen], [r.right for r in chosen])

    def error(calibration: Calibration) -> float:
        confidences = [calibration.confidence(r.example.log_likelihood) for r in held_out]
        return 100 * expected_calibration_error(confidences, [r.right for r in held_out])

    fitting, held_out = _parts(judged, is_fitting)
    error_before, error_after = error(before), error(fit_to(fitting))
    console.print(
        f"fitted on {len(fitting)}: expected calibration error on the {len(held_out)} others {error_before:.2f} % "
        f"before, {error_after:.2f} % after (in {BINS} bins of equally many words)"
    )
    if error_after > error_before:
        errors.print(
            f"warning: fitted on half of these {len(judged)} words, confidence is worse than before on the others; "
            "give more words, or keep the weights as they were"
        )
    final = fit_to(judged)
    console.print(f"fitted on all {len(judged)}: slope {final.slope:.4f}, offset {final.offset:.4f}")
    return replace(before, slope=final.slope, offset=final.offset)


def _gap(pairs: Sequence[tuple[Judged, Judged]], is_fitting: Sequence[bool]) -> float:
    """Choose on one part, print the accuracy on the other, and return the choice on all.

    Args:
        pairs: the lexicon-free reading and the lexicon's answer of each word.
        is_fitting: whether each word is one to choose on.
    """
    from grcnn_ocr.evaluation.calibration import choose_open_gap

    def choose(chosen: Sequence[tuple[Judged, Judged]]) -> float:
        return choose_open_gap(
            [first.example.log_likelihood for first, _ in chosen],
            [second.example.log_likelihood for _, second in chosen],
            [first.right for first, _ in chosen],
            [second.right for _, second in chosen],
        )

    def accuracy(gap: float) -> float:
        differences = [a.example.log_likelihood - b.example.log_likelihood for a, b in held_out]
        right = [(a if more > gap else b).right for more, (a, b) in zip(differences, held_out, strict=True)]
        return 100 * sum(right) / len(right)

    choosing, held_out = _parts(pairs, is_fitting)
    first = choose(choosing)
    console.print(
        f"open lexicon, chosen on {len(choosing)}: word accuracy on the {len(held_out)} others "
        f"{accuracy(first):.1f} %, with the list alone {accuracy(float('inf')):.1f} %, without it "
        f"{accuracy(float('-inf')):.1f} %"
    )
    final = choose(pairs)
    console.print(f"chosen on all {len(pairs)}: open_gap {final:.3f} nats")
    return final


def _parts(items: Sequence[T], is_first: Sequence[bool]) -> tuple[list[T], list[T]]:
    """Split items into those marked as first and the others, each in order."""
    return list(compress(items, is_first)), list(compress(items, map(not_, is_first)))
