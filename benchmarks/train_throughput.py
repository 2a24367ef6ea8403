"""How many words per second does each preset train on, by option, and what share of this machine's peak is that?

    python benchmarks/train_throughput.py

Times the forward pass, the CTC loss, the backward pass and the optimiser step on random pixels already in memory, so
that only the network counts, with words of 6 characters on crops of 32 x 100. FLOP/s are the multiply-adds of the
forward pass, times two (an addition and a multiplication), times three (forward; backward to the input; backward to the
weights). The peak is what a large square matrix product reaches on the same machine in the same number format. Times
are medians of several after a warm-up.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass

import torch
from heading import print_heading, seconds

from grcnn_ocr.build import build_model
from grcnn_ocr.config import list_configs, load_config
from grcnn_ocr.models.cost import count_macs
from grcnn_ocr.training.words import ctc_loss

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
WIDTH, CHARACTERS = 100, 6


@dataclass(frozen=True)
class Options:
    """One set of options to train with."""

    bf16: bool
    channels_last: bool
    compiled: bool
    batch_size: int

    def __str__(self) -> str:
        words = ["bf16" if self.bf16 else "float32", "channels_last" if self.channels_last else "contiguous"]
        return ", ".join([*words, *(["compiled"] if self.compiled else []), f"batches of {self.batch_size}"])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", action="append", help="[default: all]")
    parser.add_argument("--batch-size", type=int, action="append", help="[default: 32 and 128; on a GPU 256 and 1024]")
    parser.add_argument("--compile", action="store_true", help="also with torch.compile (minutes each)")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    print_heading("Training throughput")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32  # the peak in the convolutions' format
    peaks = {bf16: matmul_peak(torch.bfloat16 if bf16 else torch.float32) for bf16 in (False, True)}
    print(f"Matrix products: float32 {peaks[False] / 1e9:.0f}, bf16 {peaks[True] / 1e9:.0f} GFLOP/s.\n")
    print("| preset | options | words/s | GFLOP/s | share of peak | times plain |\n|---|---|---|---|---|---|")
    sizes = arguments.batch_size or ([32, 128] if DEVICE.type == "cpu" else [256, 1024])
    for name in arguments.preset or [name for name in list_configs() if name != "grcl_lstm_paper"]:
        plain = Options(bf16=False, channels_last=False, compiled=False, batch_size=sizes[0])
        others = [
            Options(True, True, compiled, size)
            for compiled, size in itertools.product((False, True) if arguments.compile else (False,), sizes)
        ]
        macs = count_macs(build_model(load_config(name)), torch.zeros(1, 1, 32, WIDTH), torch.tensor([WIDTH]))
        baseline = None
        for options in [plain, *others]:
            rate = training_rate(name, options, arguments.repeats)
            baseline = baseline or rate
            flops = 2 * 3 * macs * rate
            share = flops / peaks[options.bf16]
            print(
                f"| {name} | {options} | {rate:.0f} | {flops / 1e9:.0f} | {share:.0%} | {rate / baseline:.1f} |",
                flush=True,
            )


def training_rate(name: str, options: Options, repeats: int) -> float:
    """Return words per second."""
    memory_format = torch.channels_last if options.channels_last else torch.contiguous_format
    model = build_model(load_config(name)).to(DEVICE, memory_format=memory_format)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    torch.compiler.reset()  # beyond a number of shapes it no longer compiles
    forward = torch.compile(model) if options.compiled else model
    size = options.batch_size
    images = torch.randn(size, 1, 32, WIDTH, device=DEVICE).to(memory_format=memory_format)
    widths = torch.full((size,), WIDTH, device=DEVICE)
    targets = torch.randint(1, 37, (size * CHARACTERS,), device=DEVICE)
    target_lengths = torch.full((size,), CHARACTERS, device=DEVICE)

    def step() -> None:
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=options.bf16):
            logits, lengths = forward(images, widths)
        ctc_loss(logits, lengths, targets, target_lengths).backward()
        optimizer.step()
        optimizer.zero_grad()

    return size / seconds(step, repeats)


def matmul_peak(dtype: torch.dtype, device: torch.device = DEVICE) -> float:
    """Return the operations per second of a large matrix product in float32, bfloat16 or int8."""
    size = 8192 if device.type == "cuda" else 2048
    a, b = (50 * torch.randn(size, size, device=device) for _ in range(2))
    a, b = a.clamp(-127, 127).to(dtype), b.clamp(-127, 127).to(dtype)
    multiply = torch._int_mm if dtype == torch.int8 else torch.matmul
    return 2 * size**3 / seconds(lambda: multiply(a, b), 10)


if __name__ == "__main__":
    main()
