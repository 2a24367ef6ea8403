"""Build an LMDB of word crops: the same as `grcnn-ocr lmdb create`."""

from grcnn_ocr.cli import main

if __name__ == "__main__":
    main(command=["lmdb", "create"])
