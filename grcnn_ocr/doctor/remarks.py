"""Conclusions from the findings: what stops training, what to know before it, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.config import Config
from grcnn_ocr.doctor.findings import Findings, Level, Remark
from grcnn_ocr.doctor.words import Words
from grcnn_ocr.text.charset import Charset
from grcnn_ocr.training.data import hold_out
from grcnn_ocr.wording import counted

LEAVE_OUT = "`grcnn-ocr lmdb create` builds an LMDB without them"
"""The remedy for bad images."""


def training_stops(words: Words, usable: NDArray[np.int64], config: Config, has_validation: bool) -> list[Remark]:
    """Return why training on words would fail, apart from what the audit says.

    Args:
        words: the data.
        usable: indices of the samples that training takes.
        config: how many of them are held out.
        has_validation: whether there are validation data, so that none are.
    """
    found = _unreadable_labels(words)
    if corrupt := int((~words.images.is_sound[usable]).sum()):
        found.append(
            f"{corrupt} of the {len(usable)} samples to train on have no readable image, and training ends at the "
            f"first of them; {LEAVE_OUT}"
        )
    if len(usable) and not has_validation:
        try:
            hold_out(usable, config.data.holdout, config.train.seed)
        except ValueError as error:
            found.append(str(error))
    return [Remark(Level.STOP, text) for text in found]


def validation_stops(words: Words, charset: Charset) -> list[Remark]:
    """Return why reading the validation words would fail, apart from what the audit says."""
    found = _unreadable_labels(words)
    scored = [index for index, label in enumerate(words.labels) if label and charset.fold(label)]
    if corrupt := int((~words.images.is_sound[scored]).sum()):
        found.append(
            f"{corrupt} of the {len(scored)} validation words have no readable image, and the first validation ends "
            f"at one; {LEAVE_OUT}"
        )
    return [Remark(Level.STOP, text) for text in found]


def warnings(findings: Findings) -> list[Remark]:
    """Return the warnings, then the notes."""
    remarks = [*_about_samples(findings), *_about_pairs(findings)]
    return sorted(remarks, key=lambda remark: -remark.level)


def _unreadable_labels(words: Words) -> list[str]:
    count = words.labels.count(None)
    return (
        [f"{words.source.path}: {counted(count, 'label')} cannot be read, but training first reads all; build it again"]
        if count
        else []
    )


def _about_samples(findings: Findings) -> Iterator[Remark]:
    if findings.num_usable and (left_out := sum(findings.left_out.values())):
        yield Remark(Level.WARNING, f"{left_out} of {findings.num_samples} samples will not be trained on")
    if findings.proposal:
        text = (
            f"not in charset {findings.charset!r}: {counted(len(findings.unknown), 'character')}; {findings.proposal}"
        )
        yield Remark(Level.WARNING, text)
    if findings.too_narrow:
        text = (
            f"too narrow for the label: {counted(len(findings.too_narrow), 'crop')}, which will stay in the batches "
            "and teach nothing. If there are many, raise preprocess.min_width"
        )
        yield Remark(Level.WARNING, text)
    if findings.blank:
        yield Remark(Level.WARNING, f"blank images: {len(findings.blank)}")
    if findings.problems:
        yield Remark(Level.WARNING, f"images or labels that are unreadable or empty: {len(findings.problems)}")
    if findings.validation_problems:
        yield Remark(
            Level.WARNING, f"{len(findings.validation_problems)} of the validation data are unreadable or empty"
        )
    if findings.validation_unknown:
        text = (
            f"not in charset {findings.charset!r}, of the validation labels: "
            f"{counted(len(findings.validation_unknown), 'character')}; words with these count as wrong"
        )
        yield Remark(Level.WARNING, text)


def _about_pairs(findings: Findings) -> Iterator[Remark]:
    if findings.conflicts:
        text = f"one picture under two labels: {counted(len(findings.conflicts), 'pair')}; correct the wrong label"
        yield Remark(Level.WARNING, text)
    if findings.overlaps:
        text = (
            f"the same, or nearly: {counted(len(findings.overlaps), 'pair')} of a training and a validation picture; "
            "the validation accuracy may be too high"
        )
        yield Remark(Level.WARNING, text)
    if findings.duplicates:
        text = f"one picture under one label: {counted(len(findings.duplicates), 'pair')}"
        if findings.validation is None:
            text += "; of those held out for validation, some are trained on: give validation data of their own"
        yield Remark(Level.WARNING if findings.validation is None else Level.NOTE, text)
    if not findings.pairs_complete:
        yield Remark(Level.WARNING, "there are more such pairs than are listed")
