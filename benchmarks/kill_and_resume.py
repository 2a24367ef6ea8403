"""Does a run that is killed again and again end with exactly the weights of an uninterrupted one?

    python benchmarks/kill_and_resume.py --kills 20

Trains a small network on the sample crops on the CPU, once uninterrupted and once killed (SIGKILL) at random moments
and resumed each time; prints the number of kills and whether the final weights are bit-identical.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from heading import print_heading

from grcnn_ocr.weights import load_weights

START_SECONDS = 8
"""Roughly how long a run takes before its first step."""
ROOT = Path(__file__).resolve().parents[1]
SETTINGS = [
    "model.front_end.widths=[8, 8, 16, 16, 32]",
    "model.lstm_features=[32]",
    "data.train=data/samples/labels.tsv",
    "train.save_every=1s",
]


def main() -> None:
    """Run both and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print_heading("Killed and resumed")
    settings = [*SETTINGS, f"train.steps={arguments.steps}", f"train.validate_every={arguments.steps // 5}"]
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        peaceful, troubled = Path(folder) / "peaceful", Path(folder) / "troubled"
        start = time.perf_counter()
        if begin(peaceful, settings).wait():
            raise SystemExit("the run fails even uninterrupted")
        whole = time.perf_counter() - start
        states = []
        while len(states) < arguments.kills:
            process = begin(troubled, settings)
            try:
                if process.wait(rng.uniform(0.2, 1.0) * (START_SECONDS + whole / arguments.kills)):
                    raise SystemExit(f"the run failed after {len(states)} kills")
                raise SystemExit(f"the run ended after {len(states)} kills; give more --steps")
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            states.append(len(list(troubled.glob("state*.pt"))))
        if begin(troubled, settings).wait():
            raise SystemExit("the run cannot be resumed")
        ends = [load_weights(run / "last.safetensors").model.state_dict() for run in (peaceful, troubled)]
        equal = all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])
        print(f"- {arguments.steps} steps, {whole:.0f} s uninterrupted")
        print(f"- killed {len(states)} times, {states.count(0)} of them before the first state")
        print(f"- final weights bit-identical: {'yes' if equal else 'NO'}")
        if not equal:
            raise SystemExit(1)


def begin(output: Path, settings: list[str]) -> subprocess.Popen[bytes]:
    """Start a run, or resume it if it has saved a state."""
    resumes = any(output.glob("state*.pt"))
    overrides = [part for setting in settings for part in ("--set", setting)]
    command = [sys.executable, "train.py", "--config", "grcl_lstm_tiny.yaml", *overrides, "--output", str(output)]
    return subprocess.Popen(
        [*command, *(["--resume"] if resumes else [])],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )


if __name__ == "__main__":
    main()
