"""How far does a frame of a GRCL, an RCNN and a DenseNet front end see, after the same training?

    python benchmarks/receptive_fields.py --output runs/receptive_fields

Trains tiny versions of the three on the same number of synthetic numerals, which networks of this size learn in
minutes. Then draws the effective receptive field of the middle frame: the magnitude of the gradient, with respect to
the pixels, of the sum of the frame's features, averaged over the crops of data/samples and scaled to a sum of 1.
Existing weights in the output folder are used again if they were trained for as many steps.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from heading import print_heading

from grcnn_ocr.build import build_model, build_preprocessor
from grcnn_ocr.config import load_config
from grcnn_ocr.loading import load_image
from grcnn_ocr.models.cost import count_parameters
from grcnn_ocr.models.recognizer import CTCRecognizer
from grcnn_ocr.training.trainer import Trainer
from grcnn_ocr.visualize.draw import COLOURS, new_figure
from grcnn_ocr.visualize.fields import Fields, centre_field
from grcnn_ocr.weights import Weights, load_weights

SAMPLES = Path(__file__).resolve().parents[1] / "data" / "samples"
FRONT_ENDS = {
    "GRCL": "{name: grcl, widths: [16, 16, 32, 64, 128], iterations: 3}",
    "RCNN": "{name: rcnn, widths: [16, 16, 32, 64, 128], iterations: 3}",
    "DenseNet": "{name: densenet, stem_channels: 16, blocks: [3, 6, 8], growth: 12, out_channels: 128}",
}
LINES = {"GRCL": ("#0072b2", "-"), "RCNN": ("#d55e00", "--"), "DenseNet": ("#009e73", "-.")}
"""Of the Okabe-Ito palette."""
OTHER_TEXTS = ("words", "names", "web", "prices", "dates", "phones", "codes", "initials", "compounds", "punctuation")
BATCH = 8
SHARE = 0.9


@dataclass(frozen=True)
class Row:
    """Results of one front end."""

    name: str
    num_parameters: int
    accuracy: float
    field: Fields
    untrained_field: Fields


def main() -> None:
    """Train, print the table and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("runs/receptive_fields"), help="for weights and figure")
    parser.add_argument("--words", type=int, default=12_000, help="synthetic numerals to train each on")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    arguments = parser.parse_args()
    steps = arguments.words // BATCH
    print_heading(f"Effective receptive fields, {arguments.words:,} synthetic numerals each")
    print(f"| front end | parameters | accuracy | columns of {SHARE:.0%} | rows of {SHARE:.0%} | columns, untrained |")
    print("|---|---|---|---|---|---|", flush=True)
    rows = []
    for name, front_end in FRONT_ENDS.items():
        weights = trained(arguments.output / name.lower(), front_end, steps, arguments.overrides)
        torch.manual_seed(0)
        untrained = build_model(weights.config)
        row = Row(
            name,
            count_parameters(weights.model),
            weights.training["validation_word_accuracy"],
            mean_field(weights.model, weights),
            mean_field(untrained, weights),
        )
        rows.append(row)
        print(
            f"| {name} | {row.num_parameters:,} | {100 * row.accuracy:.1f} | {span(row.field.sum(axis=0))} | "
            f"{span(row.field.sum(axis=1))} | {span(row.untrained_field.sum(axis=0))} |",
            flush=True,
        )
    draw(rows, arguments.words, arguments.output / "receptive_fields.png")


def trained(output: Path, front_end: str, steps: int, overrides: Sequence[str]) -> Weights:
    """Return a trained network; train it unless its weights exist."""
    path = output / "last.safetensors"
    if not path.exists() or load_weights(path).training["steps"] != steps:
        settings = [
            f"model.front_end={front_end}",
            "model.lstm_features=[64]",
            "preprocess.width=100",
            "charset.characters=digits",
            f"data.engine.mix={{numbers: 1, {', '.join(f'{text}: 0' for text in OTHER_TEXTS)}}}",
            f"train.batch_size={BATCH}",
            f"train.steps={steps}",
            "train.time_budget=null",
            f"train.validate_every={steps}",
            "train.lr=2e-3",
            "train.warmup_steps=50",
            "train.ema_decay=0.99",
        ]
        Trainer(load_config("grcl_lstm_tiny", [*settings, *overrides]), output).run()
    return load_weights(path)


def mean_field(model: CTCRecognizer, weights: Weights) -> Fields:
    """Return the mean field of the middle frame over the sample crops, (32, 100), with a sum of 1."""
    preprocessor = build_preprocessor(weights.config.preprocess)
    crops = [preprocessor.resize(load_image(path)) for path in sorted(SAMPLES.glob("*.jpg"))]
    images = torch.from_numpy(preprocessor.normalise(preprocessor.stack(crops)[0]))
    front_end = model.eval().front_end
    field = np.mean([centre_field(front_end, image[None]) for image in images], axis=0)
    return field / field.sum()


def span(profile: Fields) -> int:
    """Return the least number of adjacent entries that hold `SHARE` of the sum."""
    sums = np.concatenate([[0.0], np.cumsum(profile)])
    target = SHARE * sums[-1]
    return min(
        end - start
        for start in range(len(profile))
        for end in range(start + 1, len(profile) + 1)
        if sums[end] - sums[start] >= target
    )


def draw(rows: Sequence[Row], num_words: int, path: Path) -> None:
    """Draw each field and the three profiles."""
    figure = new_figure(6.2)
    figure.suptitle(
        f"Effective receptive field of the middle frame, tiny networks trained on {num_words:,} numbers each\n"
        "(gradient of the front end's features by the pixels, mean of 200 crops)",
        fontsize=11,
    )
    *maps, profiles = figure.subplots(len(rows) + 1, 1, sharex=True, height_ratios=[1] * len(rows) + [1.5])
    highest = max(float(row.field.max()) for row in rows)
    height, width = rows[0].field.shape
    for axis, row in zip(maps, rows, strict=True):
        shades = axis.imshow(
            1000 * row.field, cmap=COLOURS, vmin=0, vmax=1000 * highest, extent=(0, width, height, 0), aspect="auto"
        )
        axis.set_title(
            f"{row.name}: {row.num_parameters / 1e6:.2f}M parameters, word accuracy {100 * row.accuracy:.0f} %; "
            f"{SHARE:.0%} within {span(row.field.sum(axis=0))} columns",
            fontsize=9,
            loc="left",
        )
        axis.set_yticks([0, 16, 32])
        axis.tick_params(labelsize=8)
        colour, style = LINES[row.name]
        percent = 100 * row.field.sum(axis=0)
        profiles.plot(np.arange(width) + 0.5, percent, color=colour, linestyle=style, label=row.name)
    maps[len(maps) // 2].set_ylabel("row, pixels")
    figure.colorbar(shades, ax=maps, label="share of the gradient, per mille a pixel", pad=0.01, aspect=30)
    profiles.set(xlabel="column of the network's input, pixels", ylabel="percent a column", xlim=(0, width), ylim=0)
    profiles.set_title("the same, summed over the rows", fontsize=9, loc="left")
    profiles.tick_params(labelsize=8)
    profiles.spines[["top", "right"]].set_visible(False)
    profiles.legend(frameon=False)
    figure.savefig(path)


if __name__ == "__main__":
    main()
