"""`grcnn-ocr lm`: character language models, for beam search."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grcnn_ocr.cli.console import console, errors
from grcnn_ocr.files import check_output
from grcnn_ocr.wording import counted, first_of

if TYPE_CHECKING:
    from grcnn_ocr.text.charset import Charset

app = typer.Typer(help="Build and inspect character language models, for beam search.", no_args_is_help=True)

Model = Annotated[Path, typer.Argument(help="A language model: english, or a file made by `lm build`.")]

SHOWN_WORDS = 20
WORDS = "One word or word<TAB>count per line, in UTF-8, gzipped or not; or a Hunspell NAME.dic or NAME.dic:expanded."


@app.command()
def build(
    words: Annotated[Path, typer.Option(help=WORDS)],
    output: Annotated[Path, typer.Option(help="The file to write.")],
    charset: Annotated[
        str | None, typer.Option(help="Name or characters of the network's charset; by default alnum36.")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="Use the charset of this weights file or released name.")] = None,
    order: Annotated[int, typer.Option(help="Length of the longest n-grams, in characters.")] = 6,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")] = False,
) -> None:
    """Learn a language model from a word list.

    Words are folded to the charset; those that it cannot write are listed and left out. Exit code: 0 if all words were
    used, 1 if some were left out, 2 if nothing was written.
    """
    from grcnn_ocr.text.ngram import NGram

    check_output(output, overwrite)
    model, summary = NGram.build(_read_words(words), _find_charset(charset, weights), order)
    model.save(output)
    reason = f"cannot be written in charset {model.charset.name!r}"
    for line in first_of([f"left out: {word!r} {reason}" for word in summary.unwritable], SHOWN_WORDS):
        errors.print(line)
    console.print(f"language model of {counted(summary.num_words, 'word')} written to {output}")
    if summary.unwritable:
        console.print(f"{counted(len(summary.unwritable), 'word')} left out")
        raise typer.Exit(1)


@app.command()
def info(model: Model) -> None:
    """Show a language model's charset, order and size."""
    from grcnn_ocr.releases import find_language_model
    from grcnn_ocr.text.ngram import NGram

    path = find_language_model(model)
    language_model = NGram.load(path)
    console.print(f"charset    {language_model.charset.name} ({language_model.charset.characters})")
    console.print(f"order      {language_model.order}")
    console.print(f"words      {language_model.num_words}")
    console.print("n-grams    " + ", ".join(str(len(keys)) for keys in language_model.keys))
    console.print(f"file       {path.stat().st_size / 2**20:.2f} MiB")


@app.command()
def score(
    model: Model, words: Annotated[list[str], typer.Argument(help="Words; each is folded to the charset.")]
) -> None:
    """Print each word, folded, with its log-probability and perplexity per character, the end of the word included.

    Exit code 1 if the charset cannot write some of the words.
    """
    from grcnn_ocr.text.ngram import NGram, perplexity

    language_model = NGram.load(model)
    charset = language_model.charset
    num_unwritable = 0
    for word in words:
        folded = charset.fold(word)
        if unknown := charset.unknown(folded):
            num_unwritable += 1
            errors.print(f"{word!r}: {unknown!r} not in charset {charset.name!r}")
        else:
            classes = charset.encode(folded)
            log_probability, surprise = language_model.log_probability(classes), perplexity(language_model, [classes])
            print(f"{folded}\t{log_probability:.3f}\t{surprise:.2f}")
    if num_unwritable:
        raise typer.Exit(1)


def _find_charset(charset: str | None, weights: str | None) -> Charset:
    from grcnn_ocr.text.charset import Charset

    if weights is None:
        return Charset.named(charset or "alnum36")
    if charset is not None:
        raise ValueError("--charset and --weights both name a charset; give one of them")
    from grcnn_ocr.build import build_charset
    from grcnn_ocr.weights import find_weights, load_weights

    return build_charset(load_weights(find_weights(weights)).config.charset)


def _read_words(path: Path) -> Counter[str]:
    """Read words and how often each occurs: the sum of its counts, if it is on several lines.

    Raises:
        ValueError: as in `read_frequencies`, and if the file holds no words.
    """
    from grcnn_ocr.text.frequencies import read_frequencies

    counts: Counter[str] = Counter()
    for word, count in read_frequencies(path):
        counts[word] += count
    if not counts:
        raise ValueError(f"word list {path} holds no words")
    return counts
