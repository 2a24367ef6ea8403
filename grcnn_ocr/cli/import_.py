"""`grcnn-ocr import`: checkpoints of other projects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grcnn_ocr.cli.console import console
from grcnn_ocr.files import check_output
from grcnn_ocr.wording import counted


def import_(
    checkpoint: Annotated[Path, typer.Argument(help="A PyTorch state dict of another project.")],
    model: Annotated[str, typer.Option(help="The preset or classifier it belongs to; see `grcnn-ocr models`.")],
    output: Annotated[Path, typer.Option(help="The weights file to write.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="key=value to override the preset, such as model.front_end.skip=released."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")] = False,
) -> None:
    """Turn another project's checkpoint into a weights file.

    Known key layouts: the NeurIPS 2017 release's network (grcl_lstm_paper, grcl_lstm_small) and the
    deep-text-recognition-benchmark's GRCNN (grcl_lstm_dtrb). Weights trained by the authors' Lua code need
    `--set model.front_end.skip=released`. For the GRCNN classifiers, the authors' checkpoints (grcnn55, skgrcnn55, ...,
    possibly with `--set model.weight_sharing=true` or `--set num_classes=100`).
    """
    from grcnn_ocr.config import list_configs, load_config
    from grcnn_ocr.create import import_trained, list_models
    from grcnn_ocr.foreign_weights import import_weights
    from grcnn_ocr.weights import ClassifierWeights, Weights, save_weights

    check_output(output, overwrite)
    if model in list_models() or model in list_configs("classes"):
        weights: ClassifierWeights | Weights = import_trained(checkpoint, model, overrides or ())
    else:
        weights = import_weights(checkpoint, load_config(model, overrides or ()))
    save_weights(output, weights)
    console.print(f"{counted(len(weights.model.state_dict()), 'tensor')} written to {output}")
