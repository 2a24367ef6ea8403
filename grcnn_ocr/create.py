"""Image classifiers from Python: `list_models` and `create_model`."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import torch

from grcnn_ocr.build import CLASSIFIERS, build_classifier, classifier_options
from grcnn_ocr.config import ClassesConfig, list_configs, load_any_config, parse_config
from grcnn_ocr.models.classifiers.classifier import Classifier, FeatureMaps
from grcnn_ocr.releases import released_weights
from grcnn_ocr.weights import ClassifierWeights, config_of, load_classifier, load_tensors


def list_models(pattern: str = "*") -> list[str]:
    """Return the names of the image classifiers that match a pattern, such as `"grcnn*"`."""
    return [name for name in CLASSIFIERS.names() if fnmatch(name, pattern)]


def create_model(
    name: str,
    num_classes: int | None = None,
    weights: bool | str | Path | None = None,
    features_only: bool = False,
    out_indices: Sequence[int] | None = None,
    **options: Any,
) -> Classifier | FeatureMaps:
    """Build an image classifier: in evaluation mode with weights, else freshly initialised for training.

    Args:
        name: see `list_models`.
        num_classes: of the head; by default that of the weights, else 10 or 1000.
        weights: a weights file; True for the released weights of this name.
        features_only: return a backbone that outputs the maps (B, C, H, W) of `out_indices`, with their `channels` and
            `strides` as attributes.
        out_indices: indices of stages, the finest first; all by default.
        options: of the network, such as `in_channels=1` or `weight_sharing=True`; by default those of the weights.

    Raises:
        ValueError: on an unknown name or option, or if the weights do not exist or belong to another network.
    """
    if out_indices is not None and not features_only:
        raise ValueError("out_indices selects the maps of a backbone: give features_only=True too")
    if weights is True:
        weights = _released(name)
    if weights:
        model = _trained(name, num_classes, Path(weights), options)
    else:
        model = CLASSIFIERS.build(name, options | ({} if num_classes is None else {"num_classes": num_classes}))
    return FeatureMaps(model, out_indices) if features_only else model


def usual_input(name: str) -> tuple[int, int, int]:
    """Return the usual input shape (C, H, W) of a classifier: that of its packaged configuration, if it has one."""
    if configs := list(configs_of(name).values()):
        preprocess = configs[0].preprocess
        return preprocess.channels, preprocess.size, preprocess.size
    with torch.device("meta"):
        side = 32 if CLASSIFIERS.build(name, {}).strides[0] == 1 else 224
    return 3, side, side


def configs_of(name: str) -> dict[str, ClassesConfig]:
    """Return the packaged configurations that train a classifier, by name."""
    return {preset: config for preset, config in _presets().items() if config.model.name == name}


@cache
def _presets() -> dict[str, ClassesConfig]:
    configs = {preset: load_any_config(preset) for preset in list_configs("classes")}
    return {preset: config for preset, config in configs.items() if isinstance(config, ClassesConfig)}


def released_classifier(name: str) -> Path | None:
    """Return the released weights of a classifier, or None."""
    for path in released_weights().values():
        config = config_of(path)
        if isinstance(config, ClassesConfig) and config.model.name == name:
            return path
    return None


def import_trained(path: Path, name: str, overrides: Sequence[str] = ()) -> ClassifierWeights:
    """Read a checkpoint of another project's classifier.

    Args:
        path: the checkpoint; see `foreign_classifiers.import_classifier`.
        name: a packaged configuration, or a classifier.
        overrides: `key=value` over its configuration, such as `model.weight_sharing=true` or `num_classes=100`.

    Raises:
        ValueError: if the checkpoint does not fit, naming the keys.
    """
    from grcnn_ocr.foreign_classifiers import import_classifier

    config = _config_for(name, overrides)
    model = build_classifier(config)
    load_tensors(model, import_classifier(path, config.model.name, classifier_options(config)), str(path))
    return ClassifierWeights(model, config, training={"imported_from": path.name})


def _config_for(name: str, overrides: Sequence[str]) -> ClassesConfig:
    """Return a packaged configuration; for the name of a classifier, one with what its weights file must state."""
    if name in list_configs("classes"):
        config = load_any_config(name, overrides)
    else:
        values: dict[str, Any] = {
            "name": name,
            "task": "classes",
            "num_classes": len(CLASSIFIERS.build(name, {}).state_dict()["classifier.weight"]),
            "model": {"name": name},
        }
        plain = parse_config(values, name, overrides)
        assert isinstance(plain, ClassesConfig)
        side = usual_input(name)[1]
        alike = [config for config in _presets().values() if config.preprocess.size == side]
        usual = next((config for config in alike if config.num_classes == plain.num_classes), alike[0])
        config = parse_config(values | {"preprocess": usual.preprocess.model_dump()}, name, overrides)
    assert isinstance(config, ClassesConfig)
    return config


def _released(name: str) -> Path:
    path = released_classifier(name)
    if path is None:
        found = [one for one, path in released_weights().items() if config_of(path).task == "classes"]
        raise ValueError(
            f"no weights of {name!r} are released (of classifiers: {', '.join(found) or 'none'}); give a weights file"
        )
    return path


def _trained(name: str, num_classes: int | None, path: Path, options: dict[str, Any]) -> Classifier:
    trained = load_classifier(path)
    config = trained.config
    if config.model.name != name:
        raise ValueError(f"{path} holds {config.model.name!r}, expected {name!r}")
    if num_classes not in (None, config.num_classes):
        raise ValueError(
            f"{path} has {config.num_classes} classes, expected num_classes={num_classes}; for another head, train "
            "with --init or replace `model.classifier`"
        )
    if not options:
        return trained.model.eval()
    model = CLASSIFIERS.build(name, classifier_options(config) | options)
    load_tensors(model, trained.model.state_dict(), str(path))
    return model.eval()
