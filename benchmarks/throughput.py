"""How many words a second does each preset train on and read, on this machine?

    python benchmarks/throughput.py > benchmarks/throughput.md

Training: forward, CTC loss, backward and AdamW step on random pixels already in memory, batches of 32, so that the
network alone is measured. Reading: `Recognizer` from decoded crops to text. Medians of several timings after a warm-up.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from heading import print_heading

from grcnn_ocr.build import build_model
from grcnn_ocr.config import list_configs, load_config
from grcnn_ocr.models.cost import count_parameters
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.weights import Weights

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def words_per_second(run: Callable[[], None], num_words: int, repeats: int) -> float:
    """Return the median rate of `run`, after one unmeasured call."""
    run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return num_words / statistics.median(seconds)


def training_rate(name: str, batch_size: int, bf16: bool, channels_last: bool, repeats: int) -> float:
    """Measure one training step."""
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    model = build_model(load_config(name)).to(DEVICE, memory_format=memory_format)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    images = torch.randn(batch_size, 1, 32, 100, device=DEVICE).to(memory_format=memory_format)
    widths = torch.full((batch_size,), 100, device=DEVICE)
    targets = torch.randint(1, 37, (batch_size, 6), device=DEVICE)
    target_lengths = torch.full((batch_size,), 6, device=DEVICE)

    def step() -> None:
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=bf16):
            logits, lengths = model(images, widths)
        log_probs = logits.float().log_softmax(2).transpose(0, 1)
        F.ctc_loss(log_probs, targets, lengths, target_lengths, zero_infinity=True).backward()
        optimizer.step()
        optimizer.zero_grad()

    return words_per_second(step, batch_size, repeats)


def reading_rate(name: str, batch_size: int, repeats: int) -> float:
    """Measure reading crops of 40 x 120 pixels."""
    config = load_config(name)
    recognizer = Recognizer(Weights(build_model(config), config), batch_size=batch_size)
    crops = list(np.random.default_rng(0).integers(0, 255, (batch_size, 40, 120), np.uint8))
    return words_per_second(lambda: recognizer.read_many(crops) and None, batch_size, repeats)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    print_heading("Throughput, words/s")
    print("| preset | parameters | train float32, contiguous | train bf16, channels_last | read 64 | read 1 |")
    print("|---|---|---|---|---|---|")
    for name in list_configs():
        if name == "grcl_lstm_paper":  # the network of grcl_lstm
            continue
        rates = [
            training_rate(name, 32, bf16=False, channels_last=False, repeats=repeats),
            training_rate(name, 32, bf16=True, channels_last=True, repeats=repeats),
            reading_rate(name, 64, repeats),
            reading_rate(name, 1, 4 * repeats),
        ]
        parameters = count_parameters(build_model(load_config(name)))
        print(f"| {name} | {parameters:,} | " + " | ".join(f"{rate:.0f}" for rate in rates) + " |", flush=True)


if __name__ == "__main__":
    main()
