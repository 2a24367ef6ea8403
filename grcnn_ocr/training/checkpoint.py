"""The training state: everything that a run needs to continue exactly."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from grcnn_ocr.config import AnyConfig
from grcnn_ocr.files import written_aside

logger = logging.getLogger(__name__)

STATE = "state.pt"
LAST = "last.safetensors"
"""The averaged weights at the latest validation."""
FREE_TO_CHANGE = ("data.workers", "train.save_every")
"""Settings that may differ in a resumed run, since no result depends on them."""


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        total_steps: of the whole run; None while a time budget is being measured.
        num_processes: processes that share a step; the order of the data depends on it.
        step: steps done.
        best_accuracy: of the validations so far; -1 before the first.
        seconds: spent, over all sessions.
        data: digest of each source of training data, by name.
        skipped_steps: steps without an update, because their gradient was not finite.
    """

    total_steps: int | None
    num_processes: int = 1
    step: int = 0
    best_accuracy: float = -1.0
    seconds: float = 0.0
    skipped_steps: int = 0
    data: dict[str, str] = field(default_factory=dict)


def save_state(path: Path, config: AnyConfig, progress: Progress, states: dict[str, Any]) -> None:
    """Write progress and the state dicts of model, average and optimiser atomically; keep the previous state.

    Raises:
        ValueError: if it cannot be written, as on a full disk; the previous state is then untouched.
    """
    everything = {"config": config.model_dump(mode="json"), "progress": vars(progress), "states": states}
    try:
        with written_aside(path, previous(path)) as aside, aside.open("wb") as file:
            torch.save(everything, file)  # into a file of ours, as torch's own do not tell why they cannot be written
    except (OSError, RuntimeError) as error:
        cause = error.__context__ if isinstance(error.__context__, OSError) else error  # torch raises RuntimeError
        reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        kept = can_resume(path.parent)
        raise ValueError(
            f"the state of step {progress.step} could not be written to {path}: {reason}; make room and "
            + ("--resume" if kept else "start again, as no earlier one was saved")
        ) from None


def previous(path: Path) -> Path:
    """Return the path of the previous state."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def can_resume(run: Path) -> bool:
    """Tell whether the folder of a run holds a state."""
    return any(path.is_file() for path in (run / STATE, previous(run / STATE)))


def load_state(
    path: Path, config: AnyConfig, num_processes: int, data: dict[str, str]
) -> tuple[Progress, dict[str, Any]]:
    """Read the newest training state; if that is damaged or missing, log it and read the previous one.

    Raises:
        ValueError: if there is no state, none can be read, or it belongs to another configuration, number of
            processes or data.
    """
    found = [candidate for candidate in (path, previous(path)) if candidate.is_file()]
    if not found:
        raise ValueError(f"nothing to resume: no {path}")
    problems = [] if path.is_file() else [f"{path} is missing"]
    for candidate in found:
        try:
            saved = torch.load(candidate, map_location="cpu", weights_only=True)
            break
        except Exception as error:  # torch raises many kinds on a damaged file
            problems.append(f"{candidate} cannot be read as a training state: {_reason(error)}")
    else:
        raise ValueError(f"{'; '.join(problems)}; start a new run, if there are weights with --init {_weights(path)}")
    if problems:  # moved away, so that it does not replace the good one at the next save
        with suppress(FileNotFoundError):  # missing, or another process was faster
            path.replace(path.with_suffix(".damaged"))
    for problem in problems:
        logger.warning("%s; continuing from %s, step %d", problem, candidate, saved["progress"]["step"])
    old, new = _flat(saved["config"]), _flat(config.model_dump(mode="json"))
    changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key) and key not in FREE_TO_CHANGE]
    if changed:
        shown = ", ".join(f"{key}: {old.get(key)!r} then, {new.get(key)!r} now" for key in changed)
        raise ValueError(
            f"{path} belongs to another configuration ({shown}); resume with the same, or start a new run with --init "
            f"{_weights(path)}"
        )
    progress = Progress(**saved["progress"])
    if progress.num_processes != num_processes:
        raise ValueError(
            f"{path} is of a run on {progress.num_processes} processes, this one has {num_processes}; resume on as many"
        )
    if progress.data != data:
        names = ", ".join(sorted(name for name in {*data, *progress.data} if data.get(name) != progress.data.get(name)))
        raise ValueError(
            f"the data changed since {path} was written ({names}; for the word engine: its fonts, words, photos or "
            f"version); restore them, or start a new run with --init {_weights(path)}"
        )
    return progress, saved["states"]


def _reason(error: Exception) -> str:
    """Say why a file could not be loaded, without torch's advice on its own arguments."""
    damaged = "it is damaged, or no state at all"
    if isinstance(error, UnpicklingError):
        return damaged
    return f"{damaged} ({(str(error).splitlines() or [type(error).__name__])[0].partition('. ')[0]})"


def _weights(state: Path) -> Path:
    """Return the path of the weights that a run saves beside its state."""
    return state.with_name(LAST)


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(values, dict):
        return {prefix.removesuffix("."): values}
    return {key: value for name, part in values.items() for key, value in _flat(part, f"{prefix}{name}.").items()}
