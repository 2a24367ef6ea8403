"""`grcnn-ocr read`: text from image files."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import asdict
from glob import glob
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from grcnn_ocr.cli.console import errors, progress_bar, writes_utf8
from grcnn_ocr.cli.readers import CHARSET, DEVICE_OR_FASTEST, MATCH_CASE, PRECISION, SECOND_LOOK, WEIGHTS, open_reader
from grcnn_ocr.wording import counted

if TYPE_CHECKING:
    from grcnn_ocr.decoding.decoder import Alternative, Prediction
    from grcnn_ocr.preprocess import Preprocessor
    from grcnn_ocr.reader import Reading

PAGED_ENDINGS = set(".tif .tiff .gif .webp".split())
"""Of files that may hold several pictures; for animated PNG and AVIF, which are rarer, there is no warning."""
SURE = 0.95
"""Nothing that was read with this confidence is taken for several lines."""
IMAGE_ENDINGS = set(".jpg .jpeg .jpe .jfif .png .webp .bmp .tif .tiff .gif .pbm .pgm .ppm .pnm .jp2 .avif".split())


def read(
    images: Annotated[
        list[str],
        typer.Argument(
            help="Image files, folders of them, or globs; - reads the names of files from stdin, as they arrive."
        ),
    ],
    weights: Annotated[str | None, typer.Option(help=WEIGHTS)] = None,
    lexicon: Annotated[
        str | None,
        typer.Option(
            help="Allowed words: one per line for all images, or one comma-separated list per image, gzipped or not; "
            "or a Hunspell NAME.dic or NAME.dic:expanded."
        ),
    ] = None,
    open_lexicon: Annotated[
        bool, typer.Option("--open", help="Read freely where no word of the lexicon fits well enough.")
    ] = False,
    open_gap: Annotated[
        float | None,
        typer.Option(
            help="Like --open, with this threshold: read freely where the best word is less likely than the free "
            "reading by more than this, in nats. With --open it is the one that `calibrate` chose."
        ),
    ] = None,
    match_case: Annotated[bool, typer.Option("--match-case", help=MATCH_CASE)] = False,
    allow: Annotated[str | None, typer.Option(help="Allowed characters, such as 0123456789.")] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            help="A regular expression that the text must match, such as \\[A-Z]{2}\\[0-9]{3}; with (?i) before it, in "
            "either case."
        ),
    ] = None,
    language_model: Annotated[
        Path | None, typer.Option("--lm", help="A language model of characters: english, or a file made by `lm build`.")
    ] = None,
    charset: Annotated[str | None, typer.Option(help=CHARSET)] = None,
    upright: Annotated[
        bool, typer.Option("--upright", help="Also read crops more than 1.5 times as high as wide turned either way.")
    ] = False,
    num_best: Annotated[
        int, typer.Option(min=1, help="Texts to print per image, the likeliest first, the others with probabilities.")
    ] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON lines, with characters, their positions, and alternatives.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV: path, text, confidence.")] = False,
    annotate: Annotated[
        Path | None, typer.Option(help="Folder to write the crops to, with their characters and text drawn on them.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images per forward pass.")] = 64,
    device: Annotated[str | None, typer.Option(help=DEVICE_OR_FASTEST)] = None,
    precision: Annotated[str | None, typer.Option(help=PRECISION)] = None,
    second_look: Annotated[bool, typer.Option(help=SECOND_LOOK)] = True,
) -> None:
    """Read cropped word images: prints path, text and confidence.

    A file that cannot be read, or whose drawing for --annotate cannot be written, is named on stderr. The others are
    still read, and the exit code is 1.
    """
    groups = _expand(images)
    from grcnn_ocr.reader import decode_options
    from grcnn_ocr.text.lexicon import Lexicon

    if as_json and as_csv:
        raise ValueError("--json and --csv exclude each other: give one of them")
    if as_csv and num_best > 1:
        raise ValueError("--csv has no place for alternatives: give --json with --num-best, or neither")
    if annotate is not None and annotate.exists() and not annotate.is_dir():
        raise ValueError(f"--annotate {annotate}: this is a file, expected the name of a folder")
    if annotate is not None:
        annotate.mkdir(parents=True, exist_ok=True)
    if (open_lexicon or open_gap is not None or match_case) and lexicon is None:
        raise ValueError("--open, --open-gap and --match-case need a --lexicon: give one")
    places = as_json or annotate is not None
    options = decode_options(num_best, places, open_lexicon, allow, pattern, language_model, open_gap, match_case)
    words = None if lexicon is None else Lexicon.load(lexicon)
    reader = open_reader(weights, device, batch_size, precision, charset, second_look).reader
    if words is not None and words.per_image:
        groups = iter([list(chain.from_iterable(groups))])  # all at once: there must be one file per list
    line = _json if as_json else _csv if as_csv else _lines
    num_files = num_unreadable = num_undrawn = 0
    results = sys.stdout  # a progress bar replaces it
    for paths in groups:
        found = reader.read_each(paths, words, options, upright)
        if as_csv and not num_files:
            print("path,text,confidence")
        is_shown = errors.is_interactive and not results.isatty() and len(paths) > reader.window
        with progress_bar() if is_shown else nullcontext() as bar:
            task = None if bar is None else bar.add_task("reading", total=len(paths))
            for path, reading in zip(paths, found, strict=True):
                num_files += 1
                if isinstance(reading, ValueError):
                    errors.print(f"error: {reading}")
                    num_unreadable += 1
                else:
                    print(line(path, reading.prediction), file=results, flush=True)
                    for warning in _warnings(path, reading, reader.preprocessor):
                        errors.print(f"warning: {path}: {warning}")
                    if annotate is not None and not _write_annotated(annotate, num_files, path, reading):
                        num_undrawn += 1
                if bar is not None and task is not None:
                    bar.advance(task)
    if num_unreadable:
        errors.print(f"{num_unreadable} of {counted(num_files, 'file')} could not be read")
    if num_undrawn:
        errors.print(f"{num_undrawn} of {counted(num_files, 'file')} could not be drawn for --annotate")
    if num_unreadable or num_undrawn:
        raise typer.Exit(1)


def _lines(path: Path, prediction: Prediction) -> str:
    """Return a line of text, and one more for each alternative beyond the first."""
    lines = [f"{path}\t{prediction.text}\t{prediction.confidence:.3f}"]
    lines += [f"\t{other.text}\t{_share(other):.3f}" for other in prediction.alternatives[1:]]
    return "\n".join(lines)


def _csv(path: Path, prediction: Prediction) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([path, prediction.text, f"{prediction.confidence:.3f}"])
    return line.getvalue()[:-1]


def _warnings(path: Path, reading: Reading, preprocessor: Preprocessor) -> Iterator[str]:
    """Yield warnings of what was squeezed or not read; only files with `PAGED_ENDINGS` are opened again for it."""
    from grcnn_ocr.decoding.lines import count_lines

    height, width = reading.image.shape
    squeeze = preprocessor.squeeze(*((width, height) if reading.prediction.rotation in (90, 270) else (height, width)))
    if squeeze < 1:
        yield f"so long that it was squeezed to {squeeze:.1%} of its width; cut it into words"
    if reading.prediction.confidence < SURE and (num_lines := count_lines(reading.image)) > 1:
        yield f"it seems to show {num_lines} lines of text, and was read as one; cut it into lines"
    if path.suffix.lower() in PAGED_ENDINGS and _has_more_pictures(path):
        yield "only the first of its pictures was read; save each in a file of its own"


def _has_more_pictures(path: Path) -> bool:
    from PIL import Image

    with suppress(Exception), Image.open(path) as picture:  # a file that only OpenCV can read
        return getattr(picture, "is_animated", False)
    return False


def _write_annotated(folder: Path, number: int, path: Path, reading: Reading) -> bool:
    """Write the drawing of a reading to a folder; return whether that worked, and print why not."""
    from PIL import Image

    from grcnn_ocr.annotate import annotated

    picture = folder / f"{number:06d}_{path.stem}.png"
    try:
        Image.fromarray(annotated(*reading)).save(picture)
    except OSError as error:
        errors.print(f"error: {path}: {picture} cannot be written: {error.strerror or error}")
        return False
    return True


def _json(path: Path, prediction: Prediction) -> str:
    """Return a line of JSON; the log-likelihood of an impossible text is null."""
    values = asdict(prediction)
    for part in (values, *values["alternatives"]):
        part["log_likelihood"] = part["log_likelihood"] if math.isfinite(part["log_likelihood"]) else None
    return json.dumps({"path": str(path), **values}, ensure_ascii=not writes_utf8())


def _share(alternative: Alternative) -> float:
    return alternative.posterior if alternative.posterior is not None else math.exp(alternative.log_likelihood)


def _images_in(folder: Path) -> Iterator[Path]:
    """Yield the images in a folder and its subfolders, following links, then the folders that cannot be opened."""
    seen: set[str] = set()
    closed: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=lambda e: closed.append(Path(e.filename)), followlinks=True):
        if (real := os.path.realpath(parent)) in seen:  # a link to a parent folder, or to one seen before
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(parent, name) for name in names if Path(name).suffix.lower() in IMAGE_ENDINGS)
    yield from closed


def _files_of(paths: Iterable[Path], argument: str) -> Iterable[Path]:
    """Return the images in folders and their subfolders, and all other paths as they are, each once."""
    found: dict[Path, None] = {}
    for path in paths:
        is_folder = os.path.isdir(path)  # noqa: PTH112 (also False if the path is not accessible)
        found |= dict.fromkeys(sorted(_images_in(path)) if is_folder else [path])
    if not found:
        raise ValueError(f"no images in {argument}; looked for {', '.join(sorted(IMAGE_ENDINGS))}")
    return found


def _expand(arguments: list[str]) -> Iterator[list[Path]]:
    """Return the files to read, in groups that are known together; all but those of stdin are looked up first."""
    parts = [
        _listed() if is_stdin else [list(_matching(others))] for is_stdin, others in groupby(arguments, "-".__eq__)
    ]
    return chain.from_iterable(parts)


def _listed() -> Iterator[list[Path]]:
    """Yield the files named on standard input, each time all whose names have arrived since."""
    stdin = cast("io.BufferedReader", sys.stdin.buffer)
    is_any, is_ended, rest = False, False, b""
    while not is_ended:
        come = stdin.read1(1 << 20)  # waits only if nothing has arrived
        is_ended = not come
        *lines, rest = (rest + (come or b"\n")).split(b"\n")
        if found := [Path(os.fsdecode(line.rstrip(b"\r"))) for line in lines if line.strip()]:
            is_any = True
            yield found
    if not is_any:
        raise ValueError("no names of images on standard input")


def _matching(arguments: Iterable[str]) -> Iterator[Path]:
    for argument in arguments:
        if not argument:
            raise ValueError("an empty name among the images; expected files, folders or globs")
        if not os.path.exists(argument) and any(char in argument for char in "*?["):  # noqa: PTH110 (see _files_of)
            matches = sorted(glob(argument, recursive=True))  # noqa: PTH207 (takes absolute patterns too)
            if not matches:
                raise ValueError(f"nothing matches {argument}")
            yield from _files_of(map(Path, matches), argument)
        else:
            yield from _files_of([Path(argument)], argument)
