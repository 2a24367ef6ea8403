"""Train a recogniser: `python train.py --config grcl_lstm.yaml`, the same as `grcnn-ocr train`."""

from grcnn_ocr.cli import main

if __name__ == "__main__":
    main(command=["train"])
