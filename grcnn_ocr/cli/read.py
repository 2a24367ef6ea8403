"""`grcnn-ocr read`: text from image files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grcnn_ocr.cli.console import errors

if TYPE_CHECKING:
    from grcnn_ocr.preprocess import Pixels

IMAGE_ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}


def read(
    images: Annotated[list[str], typer.Argument(help="Image files, folders of them, or globs.")],
    weights: Annotated[str | None, typer.Option(help="A weights file, or a released name; see `models`.")] = None,
    lexicon: Annotated[
        Path | None, typer.Option(help="Words the answers may be: one a line, or one comma list an image.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines: path, text, confidence.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a forward pass.")] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
) -> None:
    """Read cropped word images: prints path, text and confidence.

    An unreadable file is named on stderr, the others are read all the same, and the exit code is 1.
    """
    paths = list(_expand(images))
    from grcnn_ocr.reading import Recognizer, batched
    from grcnn_ocr.text.lexicon import Lexicon

    words = Lexicon.load(lexicon) if lexicon else None
    recognizer = Recognizer(weights, device, batch_size)
    if words is not None:
        recognizer.check_lexicon(words, len(paths))
    num_unreadable = 0
    for batch in batched(enumerate(paths), batch_size):
        readable: list[tuple[int, Path, Pixels]] = []
        for index, path in batch:
            if (pixels := _load_or_report(path)) is None:
                num_unreadable += 1
            else:
                readable.append((index, path, pixels))
        if not readable:
            continue
        frames = recognizer.recognise([pixels for _, _, pixels in readable])
        allowed = None if words is None else [words.words(index) for index, _, _ in readable]
        for (_, path, _), prediction in zip(readable, recognizer.decode(frames, allowed), strict=True):
            if as_json:
                record = {"path": str(path), "text": prediction.text, "confidence": prediction.confidence}
                print(json.dumps(record, ensure_ascii=False), flush=True)
            else:
                print(f"{path}\t{prediction.text}\t{prediction.confidence:.3f}", flush=True)
    if num_unreadable:
        errors.print(f"{num_unreadable} of {len(paths)} files could not be read")
        raise typer.Exit(1)


def _expand(arguments: list[str]) -> Iterator[Path]:
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            found = sorted(item for item in path.rglob("*") if item.suffix.lower() in IMAGE_ENDINGS)
            if not found:
                raise ValueError(f"no images in folder {path}; looked for {', '.join(sorted(IMAGE_ENDINGS))}")
            yield from found
        elif not path.exists() and any(char in argument for char in "*?["):
            matches = sorted(glob(argument, recursive=True))  # noqa: PTH207 (takes absolute patterns too)
            if not matches:
                raise ValueError(f"nothing matches {argument}")
            yield from map(Path, matches)
        else:
            yield path


def _load_or_report(path: Path) -> Pixels | None:
    from grcnn_ocr.reading import load_image

    try:
        return load_image(path)
    except ValueError as error:
        errors.print(f"error: {error}")
        return None
