"""Train a recogniser: `python train.py --config grcl_lstm.yaml`, the same as `grcnn-ocr train`."""

import sys

from grcnn_ocr.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
