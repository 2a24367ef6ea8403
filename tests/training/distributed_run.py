"""One process, under torchrun or alone: trains what config.json says in each of the folders that are the arguments."""

import json
import logging
import sys
from pathlib import Path

from runs import Recorder

from grcnn_ocr.config import parse_config
from grcnn_ocr.training.trainer import Trainer

if __name__ == "__main__":
    logging.basicConfig()
    for folder in map(Path, sys.argv[1:]):
        recorder = Recorder()
        config = parse_config(json.loads((folder / "config.json").read_text()), source=str(folder))
        trainer = Trainer(config, folder, monitors=[recorder])
        trainer.run()
        if trainer.accelerator.is_main_process:
            (folder / "losses.json").write_text(json.dumps(recorder.losses))
