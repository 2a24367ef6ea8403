"""The task of recognisers: reading words, by the CTC loss.

B images, T frames, K classes, 0 the blank.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grcnn_ocr.build import build_charset, build_model, build_preprocessor
from grcnn_ocr.config import Config, TrainConfig
from grcnn_ocr.datasets.batch import Batch
from grcnn_ocr.evaluation.protocol import charset_protocol
from grcnn_ocr.evaluation.words import Result, evaluate_words
from grcnn_ocr.models.recognizer import CTCRecognizer
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.training.data import build_words
from grcnn_ocr.training.feed import Feed
from grcnn_ocr.training.initialisation import initialise
from grcnn_ocr.weights import Weights, load_weights

logger = logging.getLogger(__name__)

BLANKS_ONLY = (
    "after {} steps the network still reads nothing in any validation word. CTC begins with a few hundred to two "
    "thousand such steps; if it lasts, check the labels against the pictures (grcnn-ocr lmdb), try a smaller "
    "train.batch_size (more steps), a train.lr between 5e-4 and 2e-3, or start from weights (--init)"
)


class WordsTask:
    """Reading words: the training data, the CTC loss and the validation of a configuration.

    Raises:
        ValueError: if the data cannot be opened, or no word can be used for training or be read correctly.
    """

    samples = "words"

    def __init__(self, config: Config) -> None:
        self.config = config
        self.charset = build_charset(config.charset)
        torch.manual_seed(config.train.seed)
        self.model: CTCRecognizer = build_model(config)
        self.num_frames = self.model.num_frames
        self.dataset, self.validation = build_words(
            config, self.num_frames(build_preprocessor(config.preprocess).widest)
        )
        self.protocol = charset_protocol(self.charset)

    def settings(self, num_processes: int) -> TrainConfig:
        """Return the settings as they are."""
        return self.config.train

    def initialise(self, init: Path) -> str:
        """Start from trained weights, possibly of another charset; see `initialise`."""
        trained = load_weights(init)
        report = initialise(self.model, self.charset, trained.model, build_charset(trained.config.charset), str(init))
        if trained.config.preprocess != self.config.preprocess:
            report += "; it was trained on crops resized in another way (preprocess differs)"
        return report

    def digests(self) -> dict[str, str]:
        """Return a digest of each source of words."""
        return self.dataset.stream.digests()

    def feed(self, process: int, num_processes: int, device: torch.device) -> Feed:
        """Return the feed that yields the words of each step."""
        return Feed(self.dataset, self.config, process, num_processes, device, self.num_frames)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of a batch."""
        logits, lengths = model(batch.images, batch.widths)  # (B, T, K), (B,)
        return ctc_loss(logits, lengths, batch.targets, batch.target_lengths)

    def validate(self, model: CTCRecognizer, device: torch.device) -> Result:
        """Read the validation words, lexicon-free, and compare everything that the charset can write."""
        recognizer = Recognizer(Weights(model, self.config), device, second_look=False)
        return evaluate_words(recognizer, self.validation, protocol=self.protocol)[0]

    def accuracy(self, result: Result) -> float:
        """Return the word accuracy."""
        return result.counts.word_accuracy

    def complain(self, result: Result, step: int, feed: Feed) -> None:
        """Warn if nothing is read, or if crops are too narrow."""
        if step > self.config.train.warmup_steps and not any(example.text for example in result.examples):
            logger.warning("%s", BLANKS_ONLY.format(step))
        if feed.num_too_narrow:
            logger.warning(
                "%d crops so far, in this process and session, were too narrow for their labels and taught nothing; "
                "raise preprocess.min_width if there are many", feed.num_too_narrow,
            )  # fmt: skip

    def weights(self, model: CTCRecognizer, result: Result, training: dict[str, Any]) -> Weights:
        """Return the network with its configuration."""
        figures = {"validation_words": result.counts.images, "validation_word_accuracy": result.counts.word_accuracy}
        return Weights(model, self.config, training | figures)


def ctc_loss(logits: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
    """Return the CTC loss, -log p(label | image), in float32, averaged over the batch.

    Args:
        logits: (B, T, K), class 0 the blank.
        lengths: (B,) frames of each image.
        targets: (sum of target_lengths,) classes of all labels.
        target_lengths: (B,).
    """
    log_probs = logits.float().log_softmax(dim=2).transpose(0, 1)  # (B, T, K) -> (T, B, K)
    total = F.ctc_loss(log_probs, targets, lengths, target_lengths, reduction="sum", zero_infinity=True)
    return total / len(logits)
