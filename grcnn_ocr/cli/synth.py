"""`grcnn-ocr synth`: draw labelled words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from grcnn_ocr.cli.console import console, errors, progress_bar


def synth(
    output: Annotated[
        Path | None, typer.Option(help="X.lmdb makes an LMDB, any other name a folder with labels.tsv.")
    ] = None,
    num: Annotated[int, typer.Option(min=1, help="How many words.")] = 10_000,
    preview: Annotated[Path | None, typer.Option(help="Write a contact sheet of the first words to this file.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the words do not depend on it.")] = 1,
    words: Annotated[Path | None, typer.Option(help="One word a line. [default: the system's word list]")] = None,
    fonts: Annotated[list[Path] | None, typer.Option(help="A folder of fonts. [default: the system's]")] = None,
    backgrounds: Annotated[list[Path] | None, typer.Option(help="A folder of photos. [default: none]")] = None,
    charset: Annotated[str, typer.Option(help="digits, alnum36, alnum62, ascii94, or characters.")] = "alnum36",
    color: Annotated[bool, typer.Option("--color", help="In colors, not in grays.")] = False,
    png: Annotated[bool, typer.Option("--png", help="Store PNG, not JPEG.")] = False,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of JPEGs.")] = 90,
    seed: Annotated[int, typer.Option(help="Of everything.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an LMDB that is already there.")] = False,
) -> None:
    """Draw labelled words from fonts: training data without a download.

    Word number i is a function of the seed, the settings, the fonts, the words and the photos; manifest.json beside the
    data holds them or their digests. More fonts on Debian or Ubuntu: apt install fonts-liberation fonts-roboto
    fonts-lato fonts-open-sans fonts-urw-base35 fonts-texgyre ...
    """
    from grcnn_ocr.datasets.synth.engine import EngineFiles, build_engine
    from grcnn_ocr.datasets.synth.fonts import BUILT_IN
    from grcnn_ocr.text.charset import Charset

    if output is None and preview is None:
        raise ValueError("nothing to do: give --output, --preview or both")
    files = EngineFiles(words, tuple(fonts or ()), tuple(backgrounds or ()))
    engine, rejected = build_engine(files, Charset.named(charset), color=color, seed=seed)
    errors.print(
        f"{len(engine.fonts)} fonts ({len(rejected)} passed over), {len(engine.sampler.words)} words, "
        f"{len(engine.photos)} photos"
    )
    for reason, count in Counter(reason.partition(":")[0] for reason in rejected.values()).most_common(3):
        errors.print(f"  {count} fonts: {reason}")
    if engine.fonts[0].name == BUILT_IN:
        errors.print("no fonts found but the one that comes with Pillow; install more for words of more than one look")
    if preview is not None:
        from PIL import Image

        from grcnn_ocr.datasets.synth.preview import contact_sheet

        Image.fromarray(contact_sheet(engine)).save(preview)
        console.print(f"contact sheet written to {preview}")
    if output is not None:
        from grcnn_ocr.datasets.synth.write import write

        with progress_bar() as bar:
            task = bar.add_task("drawing", total=num)
            ending = ".png" if png else ".jpg"
            write(engine, num, output, workers, ending, quality, overwrite, lambda done: bar.advance(task, done))
        console.print(f"{num} words written to {output}")
