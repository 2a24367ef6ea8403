"""`grcnn-ocr models`: the presets of recognisers and the image classifiers, with their cost."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from grcnn_ocr.cli.console import console


def models(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """List every preset and classifier with its parameters and its multiply-adds per image."""
    from rich.table import Table

    from grcnn_ocr.config import list_configs
    from grcnn_ocr.create import list_models

    found = [_describe(name) for name in list_configs()] + [_describe_classifier(name) for name in list_models()]
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "task", "input", "released"):
        table.add_column(column, no_wrap=True)
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("MACs", justify="right", no_wrap=True)
    for model in found:
        table.add_row(
            model["name"],
            model["task"],
            "x".join(map(str, model["input"])),
            "yes" if model["weights"] else "-",
            f"{model['parameters']:,}",
            f"{model['macs'] / 1e6:,.0f} M",
        )
    console.print(table)
    console.print(f"train --config a recogniser's name, or: {', '.join(list_configs('classes'))}")


TYPICAL_WIDTH = 96
"""Pixels, for the cost of a network whose crops keep their proportions."""


def _describe(name: str) -> dict[str, Any]:
    import torch

    from grcnn_ocr.build import build_model
    from grcnn_ocr.config import load_config
    from grcnn_ocr.models.cost import count_macs, count_parameters
    from grcnn_ocr.releases import released_weights

    config = load_config(name)
    model = build_model(config)
    height, width = config.preprocess.height, config.preprocess.width
    if width == "proportional":
        width = TYPICAL_WIDTH
    return {
        "name": name,
        "task": config.task,
        "parameters": count_parameters(model),
        "macs": count_macs(model, torch.zeros(1, 1, height, width), torch.tensor([width])),
        "input": [1, height, width],
        "weights": released.name if (released := released_weights().get(name)) else None,
    }


def _describe_classifier(name: str) -> dict[str, Any]:
    import torch

    from grcnn_ocr.create import configs_of, create_model, released_classifier, usual_input
    from grcnn_ocr.models.cost import count_macs, count_parameters

    shape = usual_input(name)
    with torch.device("meta"):  # shapes are all that the counts need
        model = create_model(name, in_channels=shape[0])
        macs = count_macs(model, torch.zeros(1, *shape))
    return {
        "name": name,
        "task": "classes",
        "parameters": count_parameters(model),
        "macs": macs,
        "input": list(shape),
        "weights": path.name if (path := released_classifier(name)) else None,
        "configs": list(configs_of(name)),
    }
