"""The training state: everything a run needs to go on exactly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from grcnn_ocr.config import Config
from grcnn_ocr.files import written_aside

FREE_TO_CHANGE = ("data.workers",)
"""Settings that a resumed run may change, since no result depends on them."""


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        total_steps: of the whole run; None while a time budget is being measured.
        num_processes: that share a step; the order of the data depends on it.
        step: steps done.
        best_accuracy: of the validations so far; -1 before the first.
        seconds: spent, over all sessions.
    """

    total_steps: int | None
    num_processes: int = 1
    step: int = 0
    best_accuracy: float = -1.0
    seconds: float = 0.0


def save_state(path: Path, config: Config, progress: Progress, states: dict[str, Any]) -> None:
    """Write progress and the state dicts of model, average and optimiser, aside and renamed."""
    with written_aside(path) as aside:
        torch.save({"config": config.model_dump(mode="json"), "progress": vars(progress), "states": states}, aside)


def load_state(path: Path, config: Config, num_processes: int) -> tuple[Progress, dict[str, Any]]:
    """Read a training state.

    Raises:
        ValueError: if there is none, it cannot be read, or it is of another configuration or number of processes.
    """
    if not path.is_file():
        raise ValueError(f"nothing to resume: no {path}")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds on a damaged file
        raise ValueError(f"{path} cannot be read as a training state: {error}") from None
    old, new = _flat(saved["config"]), _flat(config.model_dump(mode="json"))
    changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key) and key not in FREE_TO_CHANGE]
    if changed:
        shown = ", ".join(f"{key}: {old.get(key)!r} then, {new.get(key)!r} now" for key in changed)
        raise ValueError(f"{path} belongs to another configuration ({shown}); resume with the same, or start anew")
    progress = Progress(**saved["progress"])
    if progress.num_processes != num_processes:
        raise ValueError(
            f"{path} is of a run on {progress.num_processes} processes, this is {num_processes}; resume on as many"
        )
    return progress, saved["states"]


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(values, dict):
        return {prefix.removesuffix("."): values}
    return {key: value for name, part in values.items() for key, value in _flat(part, f"{prefix}{name}.").items()}
