"""`grcnn-ocr lmdb`: build and maintain LMDBs of word images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grcnn_ocr.cli.console import console, errors, progress_bar
from grcnn_ocr.cli.readers import FORMAT
from grcnn_ocr.wording import counted, first_of

if TYPE_CHECKING:
    from grcnn_ocr.datasets.lmdb_tools import Summary
    from grcnn_ocr.loading import Progress

app = typer.Typer(help="Build and maintain LMDBs of word images.", no_args_is_help=True)

Output = Annotated[Path, typer.Option(help="The LMDB to write.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing dataset.")]
Dataset = Annotated[Path, typer.Argument(help="An LMDB.")]

SHOWN_PROBLEMS = 20


@app.command()
def create(
    labels: Annotated[
        Path,
        typer.Option(
            help="Label file (TSV, CSV, JSON lines), or that of a released dataset: word.xml, testdata.mat, ..."
        ),
    ],
    output: Output,
    images: Annotated[
        Path | None, typer.Option(help="Folder that relative paths start from; by default the label file's.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first problem and write nothing.")] = False,
    overwrite: Overwrite = False,
    format: Annotated[str, typer.Option(help=FORMAT)] = "auto",
) -> None:
    """Build an LMDB from a folder of crops and a label file, or from a dataset as released.

    Every image is decoded as a check, and stored unchanged; words in full images are cut out. What cannot be used is
    listed with its place and left out. Exit code: 0 if all samples were written, 1 if some were left out, 2 if nothing
    was written.
    """
    from grcnn_ocr.datasets.lmdb_tools import create

    with _bar("checking and writing", None) as progress:
        summary = create(labels, output, images, strict, overwrite, progress, format)
    with_lists = f", with {', '.join(summary.notes)}" if summary.notes else ""
    _report(summary, f"{counted(summary.num_samples, 'sample')} written to {output}{with_lists}", "left out")


@app.command()
def info(dataset: Dataset) -> None:
    """Show an LMDB's size, its label lengths and characters, and its first labels."""
    from grcnn_ocr.datasets.lmdb_store import LmdbReader

    reader = LmdbReader(dataset)
    labels = list(reader.labels())
    lengths = [len(label) for label in labels]
    console.print(f"samples      {len(reader)}")
    console.print(f"data file    {reader.num_bytes() / 2**20:.1f} MiB")
    console.print(f"label length {min(lengths, default=0)} to {max(lengths, default=0)}")
    console.print("characters   " + "".join(sorted(set("".join(labels)))))
    console.print("first labels " + ", ".join(labels[:8]))


@app.command()
def verify(dataset: Dataset) -> None:
    """Decode every image and read every label. Exit code 1 if any fails."""
    from grcnn_ocr.datasets.lmdb_store import LmdbReader
    from grcnn_ocr.datasets.lmdb_tools import verify

    with _bar("verifying", len(LmdbReader(dataset))) as progress:
        summary = verify(dataset, progress)
    _report(summary, f"{counted(summary.num_samples, 'sample')} sound in {dataset}", "at fault")


@app.command()
def extract(
    dataset: Dataset, output: Annotated[Path, typer.Option(help="Folder for the images and labels.tsv.")]
) -> None:
    """Write an LMDB's images as files, with a labels.tsv."""
    from grcnn_ocr.datasets.lmdb_store import LmdbReader
    from grcnn_ocr.datasets.lmdb_tools import extract

    with _bar("extracting", len(LmdbReader(dataset))) as progress:
        count = extract(dataset, output, progress)
    console.print(f"{counted(count, 'image')} and labels.tsv written to {output}")


@app.command()
def merge(
    datasets: Annotated[list[Path], typer.Argument(help="The LMDBs, in order.")],
    output: Output,
    overwrite: Overwrite = False,
) -> None:
    """Write the samples of several LMDBs to a new one."""
    from grcnn_ocr.datasets.lmdb_store import LmdbReader
    from grcnn_ocr.datasets.lmdb_tools import merge

    with _bar("merging", sum(len(LmdbReader(path)) for path in datasets)) as progress:
        count = merge(datasets, output, overwrite, progress)
    console.print(f"{counted(count, 'sample')} written to {output}")


@app.command()
def split(
    dataset: Dataset,
    outputs: Annotated[tuple[Path, Path], typer.Option("--output", help="The two LMDBs to write.")],
    fraction: Annotated[float, typer.Option(help="Share of the samples that the first gets.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Of the random split.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Split an LMDB at random into two."""
    from grcnn_ocr.datasets.lmdb_store import LmdbReader
    from grcnn_ocr.datasets.lmdb_tools import split

    with _bar("splitting", len(LmdbReader(dataset))) as progress:
        counts = split(dataset, outputs, fraction, seed, overwrite, progress)
    for count, output in zip(counts, outputs, strict=True):
        console.print(f"{counted(count, 'sample')} written to {output}")


@contextmanager
def _bar(description: str, total: int | None) -> Iterator[Progress]:
    with progress_bar() as bar:
        task = bar.add_task(description, total=total)
        yield lambda done: bar.advance(task, done)


def _report(summary: Summary, done: str, verb: str) -> None:
    for line in first_of(summary.problems, SHOWN_PROBLEMS):
        errors.print(line)
    console.print(done)
    for kind, count in summary.counts.most_common():
        console.print(f"{count} {verb}: {kind}")
    if summary.problems:
        raise typer.Exit(1)
