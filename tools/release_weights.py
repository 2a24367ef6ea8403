"""Turn a run's weights into released ones: float16 in grcnn_ocr/released/, with their checksum in checksums.txt.

python tools/release_weights.py runs/x/best.safetensors --name grcl_lstm_tiny
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path

from grcnn_ocr.weights import RELEASED, load_weights, released_weights, save_weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--name", required=True)
    arguments = parser.parse_args()
    weights = load_weights(arguments.weights)
    named = replace(weights, config=weights.config.model_copy(update={"name": arguments.name}))
    save_weights(RELEASED / f"{arguments.name}.safetensors", named, half=True)
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in released_weights().values()]
    (RELEASED / "checksums.txt").write_text("".join(sums), encoding="utf-8")
    print("".join(sums), end="")


if __name__ == "__main__":
    main()
