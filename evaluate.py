"""Evaluate weights: `python evaluate.py --lexicon lexicon_50.txt`, the same as `grcnn-ocr evaluate`."""

import sys

from grcnn_ocr.cli import main

if __name__ == "__main__":
    main(["evaluate", *sys.argv[1:]])
