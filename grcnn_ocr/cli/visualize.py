"""`grcnn-ocr visualize`: gates, receptive fields and the CTC lattice of one image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grcnn_ocr.cli.console import console, errors
from grcnn_ocr.files import check_parent

PICTURES = ("fields.png", "gates.png", "lattice.png")


def visualize(
    image: Annotated[Path, typer.Argument(help="A cropped word.")],
    output: Annotated[
        Path | None, typer.Option(help="A folder for the pictures.", show_default="named after the image, here")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="A weights file, or a released name; see `models`.")] = None,
    text: Annotated[str | None, typer.Option(help="A word to ask about instead of the reading.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the pictures of an earlier image.")] = False,
) -> None:
    """Draw what a network sees in an image: three PNG files.

    gates.png: the gates of every iteration of every GRCL. fields.png: the pixels that each character depends on.
    lattice.png: the states of the word over the frames, and the best path through them.
    """
    from grcnn_ocr.loading import load_image
    from grcnn_ocr.visualize.draw import draw_fields, draw_gates, draw_lattice
    from grcnn_ocr.visualize.inspection import inspect
    from grcnn_ocr.weights import find_weights, load_weights

    output = output or Path(image.stem)
    _check_folder(output, overwrite)
    network = load_weights(find_weights(weights))
    seen = inspect(network, load_image(image), text)
    pictures = {"lattice.png": draw_lattice}
    if seen.gates:
        pictures["gates.png"] = draw_gates
    else:
        errors.print(f"no gates.png: front end {network.config.model.front_end.name!r} has no gates")
    if seen.text:
        pictures["fields.png"] = draw_fields
    else:
        errors.print(f"no fields.png: nothing was read in {image}; give a --text")
    output.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:  # with --overwrite: one that is not drawn now would be taken for this image's
        (output / name).unlink(missing_ok=True)
    for name, draw in sorted(pictures.items()):
        draw(seen).savefig(output / name)
        console.print(f"{output / name}")


def _check_folder(output: Path, overwrite: bool) -> None:
    if output.exists() and not output.is_dir():
        raise ValueError(f"{output} is a file, expected the name of a folder; give another --output")
    check_parent(output / PICTURES[0])
    if not overwrite and (held := [name for name in PICTURES if (output / name).exists()]):
        raise ValueError(f"{output} holds {', '.join(held)}; give --overwrite to replace them, or another --output")
