"""`grcnn-ocr models`: the presets and what they cost."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from grcnn_ocr.cli.console import console


def models(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """List every preset with its parameters and multiply-adds an image."""
    from rich.table import Table

    from grcnn_ocr.config import list_configs

    presets = [_describe(name) for name in list_configs()]
    if as_json:
        print(json.dumps(presets, indent=2))
        return
    table = Table("name", "task", "input", "weights")
    table.add_column("parameters", justify="right")
    table.add_column("MACs", justify="right")
    for preset in presets:
        table.add_row(
            preset["name"],
            preset["task"],
            "x".join(map(str, preset["input"])),
            preset["weights"] or "-",
            f"{preset['parameters']:,}",
            f"{preset['macs'] / 1e6:,.0f} M",
        )
    console.print(table)


TYPICAL_WIDTH = 96
"""Pixels, for the cost of a network whose crops keep their proportions."""


def _describe(name: str) -> dict[str, Any]:
    import torch

    from grcnn_ocr.build import build_model
    from grcnn_ocr.config import load_config
    from grcnn_ocr.models.cost import count_macs, count_parameters
    from grcnn_ocr.weights import released_weights

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
