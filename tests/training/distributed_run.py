"""One process of a run under torchrun: the configuration's file and the output folder are the arguments."""

import json
import logging
import sys
from pathlib import Path

from grcnn_ocr.config import parse_config
from grcnn_ocr.training.trainer import Trainer


class Losses:
    """Keeps the losses of the reports."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def on_steps(self, report) -> None:
        self.values.append(report.loss)

    def on_validation(self, step, result, is_best) -> None: ...


if __name__ == "__main__":
    losses, output = Losses(), Path(sys.argv[2])
    config = parse_config(json.loads(Path(sys.argv[1]).read_text()), source=sys.argv[1])
    trainer = Trainer(config, output, monitors=[losses])
    logging.basicConfig()
    trainer.run()
    if trainer.accelerator.is_main_process:
        (output / "losses.json").write_text(json.dumps(losses.values))
