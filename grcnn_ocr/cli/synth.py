"""`grcnn-ocr synth`: draw labelled words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from grcnn_ocr.cli.console import console, errors, progress_bar
from grcnn_ocr.cli.outputs import check_outputs
from grcnn_ocr.wording import counted


def synth(
    output: Annotated[
        Path | None, typer.Option(help="X.lmdb makes an LMDB, any other name a folder with labels.tsv.")
    ] = None,
    num: Annotated[int, typer.Option(min=1, help="How many words.")] = 10_000,
    preview: Annotated[Path | None, typer.Option(help="Write a contact sheet of the first words to this file.")] = None,
    effect: Annotated[
        str | None,
        typer.Option(help="With --preview: plain words under this effect alone, or `all`, one per row."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the words do not depend on their number.")] = 1,
    words: Annotated[
        Path | None,
        typer.Option(
            help="One word or word<TAB>count per line, gzipped or not, or a Hunspell NAME.dic or NAME.dic:expanded.",
            show_default="the system's word list",
        ),
    ] = None,
    fonts: Annotated[list[Path] | None, typer.Option(help="A folder of fonts.", show_default="the system's")] = None,
    backgrounds: Annotated[
        list[Path] | None, typer.Option(help="A folder of photos.", show_default="the system's wallpapers")
    ] = None,
    charset: Annotated[
        str, typer.Option(help="digits, alnum36, alnum62, ascii94, latin or the characters")
    ] = "alnum36",
    settings: Annotated[Path | None, typer.Option(help="A YAML file of these and all other settings.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="key=value to override the settings, such as look.curve=0.3 or mix.numbers=1."),
    ] = None,
    color: Annotated[bool, typer.Option("--color", help="Draw in color instead of gray.")] = False,
    height: Annotated[
        int | None, typer.Option(min=4, help="Height of every crop.", show_default="each its own")
    ] = None,
    png: Annotated[bool, typer.Option("--png", help="Store PNG instead of JPEG.")] = False,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Quality of JPEGs.")] = 90,
    seed: Annotated[int | None, typer.Option(help="Of all randomness.", show_default="0")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing LMDB.")] = False,
) -> None:
    """Draw labelled words from fonts: training data without a download.

    Word number i depends only on the seed, the settings, the fonts, the words and the photos; manifest.json beside the
    data records them or their digests. More fonts on Debian or Ubuntu: apt install fonts-liberation fonts-roboto
    fonts-lato fonts-open-sans fonts-urw-base35 fonts-texgyre ...
    """
    from PIL import Image

    from grcnn_ocr.config import load_engine_config
    from grcnn_ocr.datasets.synth.engine import build_engine
    from grcnn_ocr.datasets.synth.preview import check_effect, contact_sheet, effect_sheet
    from grcnn_ocr.datasets.synth.write import check_words_output, write
    from grcnn_ocr.text.charset import Charset

    if output is None and preview is None:
        raise ValueError("nothing to do: give --output, --preview or both")
    if output is not None:
        check_words_output(output, overwrite)
    if effect is not None and preview is None:
        raise ValueError(f"--effect {effect} needs --preview; give a file for it")
    if effect is not None:
        check_effect(effect)
    if preview is not None:
        check_outputs({"--preview": preview})
        if Image.registered_extensions().get(preview.suffix.lower()) not in Image.SAVE:
            raise ValueError(f"--preview {preview}: {preview.suffix!r} is not a known image format; give a .png file")
    given: dict[str, object] = {
        "words": words and str(words),
        "fonts": fonts and [str(folder) for folder in fonts],
        "backgrounds": backgrounds and [str(folder) for folder in backgrounds],
        "color": color or None,
        "output_height": height,
        "seed": seed,
    }
    flags = [f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None]
    engine, passed_over = build_engine(
        load_engine_config(settings, [*(overrides or ()), *flags]), Charset.named(charset)
    )
    errors.print(passed_over.report(engine))
    if preview is not None:
        Image.fromarray(effect_sheet(engine, effect) if effect else contact_sheet(engine)).save(preview)
        console.print(f"contact sheet written to {preview}")
    if output is not None:
        with progress_bar() as bar:
            task = bar.add_task("drawing", total=num)
            ending = ".png" if png else ".jpg"
            write(engine, num, output, workers, ending, quality, overwrite, lambda done: bar.advance(task, done))
        console.print(f"{counted(num, 'word')} written to {output}")
