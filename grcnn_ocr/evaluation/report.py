"""Results as a table, Markdown, CSV and JSON; every figure comes with its number of images."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rich import box
from rich.table import Table

from grcnn_ocr.evaluation.analysis import wilson_interval
from grcnn_ocr.evaluation.suite import Measurement
from grcnn_ocr.evaluation.words import BEAM_SEARCH
from grcnn_ocr.wording import counted

TEXTS = ("data", "lexicon", "protocol")
"""Columns that are not numbers."""
INTERVAL = "95 % interval (Wilson)"
NOTES = "Figures in percent; (-n): n images that the protocol leaves out."


@dataclass(frozen=True)
class Means:
    """What the words were read with.

    Attributes:
        weights: the file, or the folder of an exported reader.
        charset: read in.
        precision: of the network.
        second_look: whether crops that were not read confidently were looked at again.
        language_model: the one used in lexicon-free reading.
    """

    weights: str
    charset: str
    precision: str
    second_look: bool = True
    language_model: str | None = None

    def __str__(self) -> str:
        looks = "with a second look" if self.second_look else "looked at once"
        model = [f"language model {self.language_model}"] if self.language_model else []
        return ", ".join([self.weights, self.precision, f"read in {self.charset}", looks, *model])

    def of(self, lexicon: str | None) -> Means:
        """Return those that apply to a result with this lexicon: a language model only to beam search."""
        return replace(self, language_model=self.language_model if lexicon == BEAM_SEARCH else None)


def as_table(measurements: Sequence[Measurement]) -> Table:
    """Make a Markdown table for the console, one row per result; the protocol is a column only if it varies."""
    table = Table(box=box.MARKDOWN)
    left_out = {INTERVAL} if len({row.words.protocol for row in measurements}) > 1 else {INTERVAL, "protocol"}
    rows = [{name: cell for name, cell in cells(row).items() if name not in left_out} for row in measurements]
    for name in rows[0]:
        table.add_column(name, justify="left" if name in TEXTS else "right", overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    return table


def cells(measurement: Measurement) -> dict[str, str]:
    """Return a result as text, by column; figures in percent, (-n): n images left out."""
    counts = measurement.result.counts
    low, high = wilson_interval(counts.correct, counts.images)
    return {
        "data": measurement.words.name,
        "lexicon": measurement.result.lexicon or "none",
        "protocol": measurement.words.protocol.name,
        "images": f"{counts.images}{f' (-{counts.left_out})' if counts.left_out else ''}",
        "word accuracy": f"{100 * counts.word_accuracy:.1f}",
        INTERVAL: f"{100 * low:.1f} to {100 * high:.1f}",
        "1-NED": f"{100 * counts.one_minus_ned:.1f}",
        "CER": f"{100 * counts.cer:.1f}",
        "words/s": f"{counts.images / max(measurement.result.seconds, 1e-9):.0f}",
    }


def as_records(measurements: Sequence[Measurement], means: Means) -> list[dict[str, Any]]:
    """Make one flat record per result; shares are 0 to 1, `interval_*` is the 95 % interval of the word accuracy."""
    records = []
    for measurement in measurements:
        counts = measurement.result.counts
        low, high = wilson_interval(counts.correct, counts.images)
        overlap = measurement.result.overlap
        records.append(
            {
                "name": measurement.words.name,
                "data": measurement.result.data,
                "lexicon": measurement.result.lexicon,
                "protocol": measurement.words.protocol.name,
                "images": counts.images,
                "left_out": counts.left_out,
                "correct": counts.correct,
                "word_accuracy": counts.word_accuracy,
                "interval_low": low,
                "interval_high": high,
                "one_minus_ned": counts.one_minus_ned,
                "cer": counts.cer,
                **asdict(means.of(measurement.result.lexicon)),
                "words_per_second": counts.images / max(measurement.result.seconds, 1e-9),
                "warning": measurement.warning,
                "character_overlap": overlap.found if overlap else None,
                "character_overlap_equal_parts": overlap.equal_parts if overlap else None,
                "character_overlap_words": overlap.num_words if overlap else None,
            }
        )
    return records


def as_json(measurements: Sequence[Measurement], means: Means) -> dict[str, Any]:
    """Make `{"weights": ..., "results": [one of `as_records`, ...]}`."""
    return {"weights": means.weights, "results": as_records(measurements, means)}


def as_csv(measurements: Sequence[Measurement], means: Means) -> str:
    """Make CSV of `as_records`, with a header."""
    return csv_of(as_records(measurements, means))


def csv_of(records: Sequence[dict[str, Any]]) -> str:
    """Make CSV, with a header, of records that all have the same keys."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return file.getvalue()


def as_markdown(measurements: Sequence[Measurement], means: Means) -> str:
    """Make a Markdown page: the means, a table of all columns, warnings and overlaps of characters."""
    rows = [cells(measurement) for measurement in measurements]
    lines = [f"Read by {_escaped(str(means))}", "", "| " + " | ".join(rows[0]) + " |"]
    lines.append("|" + "|".join(" --- " if name in TEXTS else " ---: " for name in rows[0]) + "|")
    lines += ["| " + " | ".join(map(_escaped, row.values())) + " |" for row in rows]
    lines += ["", NOTES]
    lines += [f"- {_escaped(line)}" for line in (*warnings(measurements), *placements(measurements))]
    return "\n".join(lines) + "\n"


def warnings(measurements: Sequence[Measurement]) -> list[str]:
    """Return a warning for each set whose number of images is not that of its protocol."""
    found = {f"{row.words.name}: {row.warning}": None for row in measurements if row.warning}
    return list(found)


def placements(measurements: Sequence[Measurement]) -> list[str]:
    """Return a line on how well characters were located, for each set that has their boxes."""
    return [
        f"{row.words.name}: spans of characters overlap the true ones by {overlap.found:.3f} (mean intersection over "
        f"union, {counted(overlap.num_words, 'word')} read right); equal parts of the crop by {overlap.equal_parts:.3f}"
        for row in measurements
        if (overlap := row.result.overlap) is not None
    ]


def _escaped(text: str) -> str:
    for character in "\\|*_`<[":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
