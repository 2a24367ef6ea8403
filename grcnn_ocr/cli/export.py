"""`grcnn-ocr export`: a reader that needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from grcnn_ocr.cli.console import console, errors
from grcnn_ocr.cli.readers import FORMAT
from grcnn_ocr.wording import counted

if TYPE_CHECKING:
    from grcnn_ocr.datasets.words import WordSource
    from grcnn_ocr.text.charset import Charset

NUM_DRAWN = 500


def export(
    output: Annotated[Path, typer.Option(help="The folder to write.")],
    weights: Annotated[str | None, typer.Option(help="A weights file, or a released name; see `models`.")] = None,
    precision: Annotated[
        str,
        typer.Option(
            help="float32; float16: weights stored at half the size; int8: quantised as far as the accuracy on the "
            "words allows."
        ),
    ] = "float32",
    data: Annotated[
        Path | None,
        typer.Option(
            help="Labelled words for the comparison and for int8's ranges: an LMDB, a label file, or the label file of "
            f"a released dataset. By default {NUM_DRAWN} words of the word engine."
        ),
    ] = None,
    data_format: Annotated[str, typer.Option("--format", help=FORMAT)] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing reader.")] = False,
) -> None:
    """Write the network as ONNX, with everything that `grcnn_ocr.Reader` needs to read without torch.

    It is first compared with torch's network, both numerically and by its readings.
    """
    from grcnn_ocr.build import build_charset
    from grcnn_ocr.datasets.words import open_words
    from grcnn_ocr.export import Precision, export_reader
    from grcnn_ocr.weights import find_weights, load_weights

    if precision not in get_args(Precision):
        raise ValueError(f"--precision {precision}: expected one of {', '.join(get_args(Precision))}")
    found = find_weights(weights)
    loaded = load_weights(found)
    words = open_words(data, data_format) if data else _drawn(build_charset(loaded.config.charset))
    made = export_reader(loaded, output, words, cast("Precision", precision), overwrite)
    checks = made.checks
    console.print(
        f"{found} on {counted(checks['words'], 'word')} of {checks['words_from']}: log-probabilities differ by up to "
        f"{checks['largest_difference']:.1e}, {checks['texts_changed']} texts differ; word accuracy "
        f"{100 * checks['accuracy']:.2f} %, torch's {100 * checks['torch_accuracy']:.2f} %"
    )
    if "quantised" in checks:
        gain = 100 * (checks["accuracy"] - checks["torch_accuracy"])
        console.print(f"int8: {checks['quantised']}; accuracy {gain:+.2f} points")
        if data is None:
            errors.print("warning: quantised on synthetic words; give --data with crops like those to be read")
    size = (output / made.network).stat().st_size
    console.print(f"written: {output / made.network} ({size / 1e6:.1f} MB)")


def _drawn(charset: Charset) -> WordSource:
    from grcnn_ocr.config import EngineConfig
    from grcnn_ocr.datasets.synth.engine import build_engine
    from grcnn_ocr.datasets.words import DrawnWords

    engine, _ = build_engine(EngineConfig(), charset)
    return DrawnWords(engine, NUM_DRAWN)
