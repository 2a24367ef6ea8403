"""A source of words with the measurements of its labels and images."""

from __future__ import annotations

from dataclasses import dataclass

from grcnn_ocr.datasets.importers.records import Problem
from grcnn_ocr.datasets.words import WordSource
from grcnn_ocr.doctor.images import Images, look_at_images
from grcnn_ocr.loading import Progress
from grcnn_ocr.preprocess import Preprocessor


@dataclass(frozen=True)
class Words:
    """The labels and image measurements of a source.

    Attributes:
        source: the words.
        labels: all of them; None where one cannot be read.
        label_problems: what is wrong with those and with empty ones.
        images: measurements of the images.
    """

    source: WordSource
    labels: list[str | None]
    label_problems: list[Problem]
    images: Images

    @property
    def known_labels(self) -> list[str]:
        """The labels that can be read."""
        return [label for label in self.labels if label is not None]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with labels, then with images."""
        return (*self.label_problems, *self.images.problems.values())


def look(source: WordSource, preprocessor: Preprocessor, progress: Progress) -> Words:
    """Read every label and measure every image."""
    labels, problems = read_labels(source)
    return Words(source, labels, problems, look_at_images(source, preprocessor, progress))


def read_labels(source: WordSource) -> tuple[list[str | None], list[Problem]]:
    """Return every label, None where it cannot be read, and what is wrong with those and with empty ones."""
    labels: list[str | None] = []
    problems = []
    for index in range(len(source)):
        place = source.place(index)
        try:
            label = source.label(index)
        except ValueError as error:
            labels.append(None)
            problems.append(Problem("unreadable label", place, str(error).removeprefix(f"{place}: ")))
            continue
        labels.append(label)
        if not label.strip():
            problems.append(Problem("empty label", place, "no text"))
    return labels, problems
