"""Evaluate weights: `python evaluate.py --lexicon lexicon_50.txt`, the same as `grcnn-ocr evaluate`."""

from grcnn_ocr.cli import main

if __name__ == "__main__":
    main(command=["evaluate"])
