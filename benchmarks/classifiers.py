"""What does each image classifier cost, and how many images per second does it train on and classify?

    python benchmarks/classifiers.py

The images are random pixels already in memory, so that only the network is timed. Training is the forward pass,
cross-entropy, the backward pass and an SGD step, as `train.py` runs them here: channels last, and in bf16 if the
hardware has instructions for it. Inference is in float32, or in bf16 with --bf16-inference. Times are medians of
several after a warm-up.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
import torch.nn.functional as F
from heading import print_heading, seconds
from torch import Tensor, nn

from grcnn_ocr.create import create_model, list_models, usual_input
from grcnn_ocr.models.cost import count_macs, count_parameters
from grcnn_ocr.reading import find_dtype

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", help="[default: all]")
    parser.add_argument("--batch-size", type=int, help="[default: 64, or 8 of 224 x 224; on a GPU 512 or 128]")
    parser.add_argument("--bf16-inference", action="store_true")
    parser.add_argument("--float32-training", action="store_true")
    parser.add_argument("--contiguous", action="store_true", help="not channels last")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    memory_format = torch.contiguous_format if arguments.contiguous else torch.channels_last
    print_heading("Image classifiers", f"{torch.get_num_threads()} threads")
    print("| model | input | parameters | MACs | batch | training, images/s | inference, images/s |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for name in arguments.model or list_models():
        shape = usual_input(name)
        model = create_model(name, in_channels=shape[0])
        macs = count_macs(model, torch.zeros(1, *shape))
        size = arguments.batch_size or default_batch(shape[1])
        images = torch.randn(size, *shape, device=DEVICE).to(memory_format=memory_format)
        model = model.to(DEVICE, memory_format=memory_format)
        training = size / seconds(training_step(model, images, not arguments.float32_training), arguments.repeats)
        inference = size / seconds(forward_pass(model, images, arguments.bf16_inference), arguments.repeats)
        print(
            f"| {name} | {'x'.join(map(str, shape))} | {count_parameters(model):,} | {macs / 1e6:,.0f} M | {size} | "
            f"{training:.1f} | {inference:.1f} |",
            flush=True,
        )


def default_batch(side: int) -> int:
    """Return the default batch size for images of this side."""
    if DEVICE.type == "cuda":
        return 512 if side < 64 else 128
    return 64 if side < 64 else 8


def training_step(model: nn.Module, images: Tensor, bf16: bool) -> Callable[[], None]:
    """Return a function that takes a training step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    labels = torch.randint(0, 10, (len(images),), device=DEVICE)
    has_bf16 = find_dtype("auto", DEVICE) == torch.bfloat16

    def step() -> None:
        model.train()
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=bf16 and has_bf16):
            logits = model(images)
        F.cross_entropy(logits.float(), labels).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def forward_pass(model: nn.Module, images: Tensor, bf16: bool) -> Callable[[], None]:
    """Return a function that classifies a batch."""

    def classify() -> None:
        model.eval()
        with torch.inference_mode(), torch.autocast(DEVICE.type, torch.bfloat16, enabled=bf16):
            model(images)

    return classify


if __name__ == "__main__":
    main()
