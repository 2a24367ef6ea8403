"""Evaluation suites: which test sets, under which protocols, with which lexicons."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator

from grcnn_ocr.config.base import Frozen
from grcnn_ocr.config.load import checked, read_yaml


def _text(value: object) -> object:
    """Let a YAML number, such as 50, be a name."""
    return str(value) if type(value) is int else value


Name = Annotated[str, BeforeValidator(_text), Field(min_length=1)]


class SetConfig(Frozen):
    """One test set; relative paths start from the folder of the suite's file."""

    name: Name
    data: str = Field(min_length=1)
    """An LMDB, a label file, or the label file of a release."""
    format: str = "auto"
    """Format of the data; see `datasets/importers/release.py`."""
    protocol: str = "alphanumeric"
    """See `evaluation/protocol.py`."""
    lexicons: tuple[Name, ...] = Field(("none",), min_length=1)
    """Each "none" (lexicon-free), a list that the release or LMDB holds, such as "50", or a path; see
    `evaluation.suite.find_lexicon`."""


class SuiteConfig(Frozen):
    """Test sets that are evaluated together."""

    sets: tuple[SetConfig, ...] = Field(min_length=1)

    @field_validator("sets")
    @classmethod
    def _names_differ(cls, sets: tuple[SetConfig, ...]) -> tuple[SetConfig, ...]:
        names = [words.name for words in sets]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the names of sets must differ, found {twice[0]!r} {names.count(twice[0])} times")
        return sets


def load_suite(path: Path) -> SuiteConfig:
    """Read a suite.

    Raises:
        ValueError: on a file that does not exist or does not parse, an unknown key or a wrong value, naming both.
    """
    if not path.is_file():
        raise ValueError(f"no suite {path}: expected a YAML file with the key sets, a list of name, data, ...")
    return checked(SuiteConfig, read_yaml(path), str(path))
