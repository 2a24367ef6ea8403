"""The results of checking word data: plain values, for a console or for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

from grcnn_ocr.datasets.importers.records import Problem


class Level(IntEnum):
    """The severity of a remark; the highest is the exit code."""

    NOTE = 0
    """Training can start."""
    WARNING = 1
    """It can, but read the remark first."""
    STOP = 2
    """It cannot, or would fail."""


@dataclass(frozen=True)
class Remark:
    """A conclusion, with its remedy."""

    level: Level
    text: str


@dataclass(frozen=True)
class Pair:
    """Two samples with the same picture.

    Attributes:
        first: place of one sample.
        first_label: its label as stored.
        second: place of the other.
        second_label: its label as stored.
        distance: number of bits in which the perceptual hashes differ; None if the files are identical.
    """

    first: str
    first_label: str
    second: str
    second_label: str
    distance: int | None


@dataclass(frozen=True)
class Histogram:
    """How many values lie from each edge (included) to the next; the last bin has no upper end.

    Attributes:
        name: of the quantity, with its unit.
        edges: where the bins begin; the first is at or below every value.
        counts: one per edge.
        least: the smallest value.
        median: the median.
        most: the largest.
    """

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    least: float
    median: float
    most: float


@dataclass(frozen=True)
class Timing:
    """An estimate from a few training steps, including loading and augmentation, without validation.

    Attributes:
        num_steps: measured.
        words_per_second: words trained on.
        epoch_seconds: time until every usable sample was new once, at that rate.
        device: the device used.
    """

    num_steps: int
    words_per_second: float
    epoch_seconds: float
    device: str


@dataclass(frozen=True)
class Findings:
    """All results.

    Attributes:
        data: the data checked.
        validation: the validation data, or None.
        config: name of the configuration that the data were checked against.
        charset: name of its charset.
        num_samples: samples in the data.
        num_validation: samples in the validation data.
        num_usable: samples that training uses.
        num_folded: those of them whose label the charset folds.
        left_out: number of the others, by reason; unreadable labels are among the problems instead.
        problems: images and labels of the data that cannot be read or are empty.
        validation_problems: the same of the validation data.
        unknown: characters of the data's labels that the charset cannot write, with the number of labels they are in.
        validation_unknown: the same of the validation data's labels.
        proposal: a `--set` option with which it can; None if it already can.
        too_narrow: usable samples whose crop has fewer frames than CTC needs for the label.
        blank: readable images without contrast.
        conflicts: pairs in the data whose folded labels differ.
        duplicates: the other pairs in the data.
        overlaps: pairs of a sample of the data and one of the validation data.
        pairs_complete: whether all pairs are listed.
        histograms: of lengths and sizes.
        timing: None if it was not asked for or training cannot start.
        remarks: conclusions, the most severe first.
    """

    data: str
    validation: str | None
    config: str
    charset: str
    num_samples: int
    num_validation: int
    num_usable: int
    num_folded: int
    left_out: dict[str, int]
    problems: tuple[Problem, ...]
    validation_problems: tuple[Problem, ...]
    unknown: dict[str, int]
    validation_unknown: dict[str, int]
    proposal: str | None
    too_narrow: tuple[Problem, ...]
    blank: tuple[str, ...]
    conflicts: tuple[Pair, ...]
    duplicates: tuple[Pair, ...]
    overlaps: tuple[Pair, ...]
    pairs_complete: bool
    histograms: tuple[Histogram, ...]
    timing: Timing | None
    remarks: tuple[Remark, ...]

    @property
    def exit_code(self) -> int:
        """0: training can start; 1: it can, with warnings; 2: it cannot."""
        return int(max((remark.level for remark in self.remarks), default=Level.NOTE))

    def as_json(self) -> dict[str, Any]:
        """Return plain values, with the exit code, and levels by name."""
        values = asdict(self)
        values["remarks"] = [{"level": remark.level.name.lower(), "text": remark.text} for remark in self.remarks]
        return {"exit_code": self.exit_code, **values}
