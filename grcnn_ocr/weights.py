"""Weights files: safetensors with the configuration in the header, so that one file is enough to read images.

A file holds one of two kinds of networks, as its task says: a recogniser of words or an image classifier.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from grcnn_ocr.build import build_classifier, build_model
from grcnn_ocr.config import AnyConfig, ClassesConfig, Config, parse_config
from grcnn_ocr.decoding.confidence import UNCALIBRATED, Calibration
from grcnn_ocr.files import written_aside
from grcnn_ocr.hub import download, is_hub_id
from grcnn_ocr.models.classifiers.classifier import Classifier
from grcnn_ocr.models.recognizer import CTCRecognizer
from grcnn_ocr.registry import closest
from grcnn_ocr.releases import DEFAULT, DESCRIPTION, released_weights
from grcnn_ocr.storage import Storage, pack, unpack
from grcnn_ocr.wording import counted

FORMAT = "grcnn-ocr/1"
SECTIONS = ("name", "task", "charset", "num_classes", "preprocess", "model")
"""The parts of the configuration that reading needs; the others may follow the schema of another version."""


@dataclass(frozen=True)
class Weights:
    """A network, the configuration it was built from, and what is known of its training.

    In loaded weights the sections `data` and `train` are the defaults; what they were is only kept in the header.
    """

    model: CTCRecognizer
    config: Config
    training: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration = UNCALIBRATED


@dataclass(frozen=True)
class ClassifierWeights:
    """A classifier, the configuration it was built from, the names of its classes, and what is known of its training.

    In loaded weights the sections `data` and `train` are the defaults, as in `Weights`.
    """

    model: Classifier
    config: ClassesConfig
    classes: tuple[str, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)


def save_weights(path: Path, weights: Weights | ClassifierWeights, storage: Storage = "float32") -> None:
    """Write a weights file atomically; see `storage` for how its tensors are stored.

    Raises:
        ValueError: if it cannot be written, as on a full disk.
    """
    header = {
        "format": FORMAT,
        "config": weights.config.model_dump_json(),
        "training": json.dumps(weights.training),
    }
    if isinstance(weights, Weights):
        header["calibration"] = json.dumps(asdict(weights.calibration))
    else:
        header["classes"] = json.dumps(weights.classes)
    _write(path, pack(weights.model.state_dict(), storage), header)


def save_calibrated(weights: Path, output: Path, calibration: Calibration) -> None:
    """Write a copy of a weights file with another calibration; its tensors stay the same, byte by byte.

    Args:
        weights: the file of a recogniser.
        output: written atomically; may be `weights`.
        calibration: replaces the file's own.

    Raises:
        ValueError: if `weights` cannot be read, or `output` cannot be written.
    """
    header, stored = _stored(weights)
    _write(output, stored, header | {"calibration": json.dumps(asdict(calibration))})


def _write(path: Path, stored: dict[str, Tensor], header: dict[str, str]) -> None:
    try:
        with written_aside(path) as aside:
            aside.write_bytes(save(stored, header))  # save_file would make it readable by the owner alone
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} could not be written: {error}") from None


def load_weights(path: str | Path) -> Weights:
    """Read the weights file of a recogniser and build its network, on the CPU.

    Raises:
        ValueError: if the file is missing, is not a weights file, is one of a classifier, or has tensors that do not
            fit its config.
    """
    weights = _load(Path(path))
    if isinstance(weights, Weights):
        return weights
    raise ValueError(
        f"{path} holds an image classifier ({weights.config.model.name}), expected a recogniser of words; classifiers "
        "are for `evaluate`, `train --init` and `grcnn_ocr.create_model`"
    )


def load_classifier(path: str | Path) -> ClassifierWeights:
    """Read the weights file of a classifier and build its network, on the CPU.

    Raises:
        ValueError: if the file is missing, is not a weights file, is one of a recogniser, or has tensors that do not
            fit its config.
    """
    weights = _load(Path(path))
    if isinstance(weights, ClassifierWeights):
        return weights
    raise ValueError(f"{path} holds a recogniser of words ({weights.config.name}), expected an image classifier")


def _load(path: Path) -> Weights | ClassifierWeights:
    header, stored = _stored(path)
    try:
        tensors = unpack(stored)
    except ValueError as error:
        raise ValueError(f"{path} cannot be used: {error}; the file was changed; write or copy it again") from None
    config = _config(path, header)
    weights: Weights | ClassifierWeights
    try:
        training = json.loads(header.get("training", "{}"))
        if config.task == "words":
            calibration = Calibration(**json.loads(header.get("calibration", "{}")))
            weights = Weights(build_model(config), config, training, calibration)
        else:
            classes = tuple(map(str, json.loads(header.get("classes", "[]"))))
            weights = ClassifierWeights(build_classifier(config), config, classes, training)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} cannot be used: {error}") from None
    load_tensors(weights.model, tensors, source=str(path))
    return weights


def config_of(path: str | Path) -> AnyConfig:
    """Return the configuration of a weights file without its tensors; raises ValueError as `load_weights` does."""
    with _opened(Path(path)) as file:
        return _config(Path(path), file.metadata())


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a weights file and check its format."""
    if not path.is_file():
        raise ValueError(f"no weights file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("format") != FORMAT:
                raise ValueError(
                    f"{path} is a safetensors file but not one of {FORMAT}: its header has no such format; "
                    "use `grcnn-ocr import` for the weights of other projects"
                )
            yield file
    except SafetensorError as error:
        raise ValueError(
            f"{path} is not a safetensors weights file ({error}); "
            "use `grcnn-ocr import` for PyTorch checkpoints of other projects"
        ) from None


def _config(path: Path, header: dict[str, str]) -> AnyConfig:
    try:
        values = json.loads(header["config"])
        return parse_config({key: values[key] for key in SECTIONS if key in values}, source="its header")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} cannot be used: {error}") from None


def _stored(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return the header and the tensors as stored."""
    with _opened(path) as file:
        return file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)


def load_tensors(model: nn.Module, tensors: dict[str, Tensor], source: str) -> None:
    """Load a state dict, naming every missing, extra or misshapen key.

    Raises:
        ValueError: if any key is at fault.
    """
    problems = misfits({key: tensor.shape for key, tensor in model.state_dict().items()}, tensors)
    if problems:
        raise ValueError(f"{source} does not fit the model, {counted(len(problems), 'key')}:\n  " + listed(problems))
    model.load_state_dict(tensors)


def misfits(expected: Mapping[str, torch.Size], tensors: Mapping[str, Tensor]) -> list[str]:
    """Return a line for every missing, extra or misshapen key."""
    problems = [f"missing {key} {tuple(shape)}" for key, shape in expected.items() if key not in tensors]
    problems += [f"unexpected {key} {tuple(tensors[key].shape)}" for key in tensors if key not in expected]
    problems += [
        f"{key} has shape {tuple(tensors[key].shape)}, expected {tuple(shape)}"
        for key, shape in expected.items()
        if key in tensors and tensors[key].shape != shape
    ]
    return problems


def listed(problems: Sequence[str]) -> str:
    """Join problems, one a line; of many only the first and the last few."""
    if len(problems) > 16:
        problems = [*problems[:8], f"... {len(problems) - 16} more ...", *problems[-8:]]
    return "\n  ".join(problems)


def find_weights(name: str | Path | None = None) -> Path:
    """Return the weights file for a path, a released name or a hub id; by default the released `DEFAULT`.

    Raises:
        ValueError: if there is no such file.
    """
    released = released_weights()
    if name is None:
        return released[DEFAULT]
    if Path(name).is_file():
        return Path(name)
    if str(name) in released:
        return released[str(name)]
    if is_hub_id(str(name)) and not Path(name).parent.is_dir():
        return download(str(name))
    if (Path(name) / DESCRIPTION).is_file():
        raise ValueError(
            f"{name} is a folder that `grcnn-ocr export` wrote, for `grcnn_ocr.Reader`; expected a weights file"
        )
    if Path(name).is_dir():
        inside = ", ".join(path.name for path in sorted(Path(name).glob("*.safetensors"))) or "none"
        raise ValueError(f"{name} is a folder; expected a weights file (it holds: {inside})")
    hint = "" if "/" in str(name) else closest(str(name), list(released))
    raise ValueError(
        f"no weights {str(name)!r}: neither a file nor released{hint} (released: {', '.join(released) or 'none'})"
    )
