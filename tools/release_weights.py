"""Release a run's weights: store them in compact form in grcnn_ocr/released/, with their checksum in checksums.txt.

python tools/release_weights.py runs/x/best.safetensors --name grcl_lstm_tiny --reader ../shared/data/iiit5k/train.txt

With --reader, a reader for onnxruntime is also exported from the released file, with weights stored in float16, and
compared with it on these words.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path

from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.export import export_reader
from grcnn_ocr.releases import RELEASED, released_readers, released_weights
from grcnn_ocr.weights import load_weights, save_weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--storage", choices=["float16", "int8"], default="float16")
    parser.add_argument("--reader", type=Path, help="labelled words")
    arguments = parser.parse_args()
    if arguments.reader is None and arguments.name in released_readers():
        parser.error(f"{RELEASED / arguments.name} was exported from the previous weights: give --reader")
    weights = load_weights(arguments.weights)
    named = replace(weights, config=weights.config.model_copy(update={"name": arguments.name}))
    released = RELEASED / f"{arguments.name}.safetensors"
    save_weights(released, named, arguments.storage)
    if arguments.reader is not None:
        words = open_words(arguments.reader)
        export_reader(load_weights(released), RELEASED / arguments.name, words, "float16", overwrite=True)
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in released_weights().values()]
    (RELEASED / "checksums.txt").write_text("".join(sums), encoding="utf-8")
    print("".join(sums), end="")


if __name__ == "__main__":
    main()
