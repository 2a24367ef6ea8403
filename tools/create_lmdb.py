"""Build an LMDB of word crops: the same as `grcnn-ocr lmdb create`."""

import sys

from grcnn_ocr.cli import main

if __name__ == "__main__":
    main(["lmdb", "create", *sys.argv[1:]])
