"""Results as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from grcnn_ocr.evaluation.protocol import Protocol
from grcnn_ocr.evaluation.words import Result


def as_table(results: Sequence[Result]) -> Table:
    """Make a Markdown table, one row a result; figures in percent; (-n): n images that the protocol leaves out."""
    table = Table(box=box.MARKDOWN)
    for column in ("data", "lexicon"):
        table.add_column(column, overflow="fold")
    for column in ("images", "word accuracy", "1-NED", "CER", "words/s"):
        table.add_column(column, justify="right")
    for result in results:
        counts = result.counts
        left_out = f" (-{counts.left_out})" if counts.left_out else ""
        table.add_row(
            "/".join(Path(result.data).parts[-2:]),
            result.lexicon or "none",
            f"{counts.images}{left_out}",
            *(f"{100 * value:.1f}" for value in (counts.word_accuracy, counts.one_minus_ned, counts.cer)),
            f"{counts.images / max(result.seconds, 1e-9):.0f}",
        )
    return table


def as_json(results: Sequence[Result], protocol: Protocol) -> dict[str, Any]:
    """Make `{"protocol": ..., "results": [{data, lexicon, images, word_accuracy (0 to 1), ...}]}`."""
    return {
        "protocol": protocol.name,
        "results": [
            {
                "data": result.data,
                "lexicon": result.lexicon,
                "images": result.counts.images,
                "left_out": result.counts.left_out,
                "word_accuracy": result.counts.word_accuracy,
                "one_minus_ned": result.counts.one_minus_ned,
                "cer": result.counts.cer,
                "words_per_second": result.counts.images / max(result.seconds, 1e-9),
            }
            for result in results
        ],
    }
