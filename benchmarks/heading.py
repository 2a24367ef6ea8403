"""Shared by the benchmarks: the heading (title, date, commit, hardware, command) and the timing of a call."""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import torch


def print_heading(title: str, *details: str) -> None:
    """Print a title; date, commit and hardware; and the command."""
    git = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    facts = [str(date.today()), f"commit {commit}", hardware(), f"torch {torch.__version__}", *details]
    command = shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    print(f"# {title}\n\n{', '.join(facts)}\n\n`{command}`\n", flush=True)


def seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the median duration of `run`, after two unmeasured calls."""
    found = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        run()
        synchronise()
        found.append(time.perf_counter() - start)
    return statistics.median(found[2:])


def synchronise() -> None:
    """Wait for the GPU, if there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def hardware() -> str:
    """Return the name of the GPU, or of the CPU with its number of cores."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} cores of {models[0] if models else 'a CPU'}"
