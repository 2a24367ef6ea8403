"""How much less accurate is reading of crops that were cut too tightly, turned, shrunk, blurred or compressed?

    python benchmarks/robustness.py --data ../shared/data/iiit5k/train.txt

Prints word accuracy under the protocol "alphanumeric, case-folded", with a second look, of readers that come with the
package or were written by `grcnn-ocr export`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from heading import print_heading

from grcnn_ocr.datasets.changes import CHANGES, ChangedWords
from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.evaluation.words import evaluate_words
from grcnn_ocr.runtime import Reader


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="labelled words")
    parser.add_argument("--reader", action="append", help="a released name, or a folder [default: the default reader]")
    arguments = parser.parse_args()
    source = open_words(arguments.data)
    readers = {str(name or "default"): Reader(name) for name in arguments.reader or [None]}
    print_heading("Word accuracy on changed crops")
    print(f"| {len(source)} words | " + " | ".join(readers) + " |\n|---|" + "---|" * len(readers))
    for name, change in CHANGES.items():
        changed = ChangedWords(source, [change])
        accuracies = (evaluate_words(reader, changed)[0].counts.word_accuracy for reader in readers.values())
        print(f"| {name} | " + " | ".join(f"{100 * accuracy:.1f}" for accuracy in accuracies) + " |", flush=True)


if __name__ == "__main__":
    main()
