"""Tasks: what a network is trained to do. Words: CTC."""

from __future__ import annotations

import logging

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grcnn_ocr.build import build_charset, build_model, build_preprocessor
from grcnn_ocr.config import Config
from grcnn_ocr.datasets.audit import audit
from grcnn_ocr.datasets.augment import Augmenter
from grcnn_ocr.datasets.batch import Batch, TrainingWords
from grcnn_ocr.datasets.words import Subset, WordSource, open_words
from grcnn_ocr.evaluation.protocol import charset_protocol
from grcnn_ocr.evaluation.words import Result, evaluate_words
from grcnn_ocr.models.recognizer import CTCRecognizer
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.weights import Weights

logger = logging.getLogger(__name__)


class WordsTask:
    """Reading words: the training data, the CTC loss and the validation of a configuration.

    Raises:
        ValueError: if the data cannot be opened or none of it can be trained on.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.charset = build_charset(config.charset)
        torch.manual_seed(config.train.seed)
        self.model: CTCRecognizer = build_model(config)
        source = open_words(config.data.train)
        found = audit(source, self.charset, self.model.num_frames(config.preprocess.width))
        logger.info("%s: %s", config.data.train, found.report())
        training, held_out = found.usable, np.array([], dtype=np.int64)
        self.validation: WordSource
        if config.data.validation is not None:
            self.validation = open_words(config.data.validation)
        else:
            training, held_out = hold_out(found.usable, config.data.holdout, config.train.seed)
            self.validation = Subset(source, held_out.tolist())
            logger.info("%d of them held out for validation", len(held_out))
        self.protocol = charset_protocol(self.charset)
        if not any(self.protocol.fold(self.validation.label(index)) for index in range(len(self.validation))):
            raise ValueError(f"{self.validation.path}: nothing left of any label in charset {self.charset.name!r}")
        self.dataset = TrainingWords(
            source,
            training,
            self.charset,
            build_preprocessor(config.preprocess),
            Augmenter(config.data.augment) if config.data.augment else None,
            config.train.seed,
        )

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the CTC loss, -log p(label | image), in float32, averaged over the batch."""
        logits, lengths = model(batch.images, batch.widths)  # (B, T, K), (B,)
        log_probs = logits.float().log_softmax(dim=2).transpose(0, 1)  # (B, T, K) -> (T, B, K)
        total = F.ctc_loss(log_probs, batch.targets, lengths, batch.target_lengths, reduction="sum", zero_infinity=True)
        return total / len(batch.images)

    def validate(self, model: CTCRecognizer, device: torch.device) -> Result:
        """Read the validation words, lexicon-free, and compare all that the charset can write."""
        recognizer = Recognizer(Weights(model, self.config), device)
        return evaluate_words(recognizer, self.validation, protocol=self.protocol)[0]


def hold_out(indices: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide indices at random in (training, validation), each ascending and at least one.

    Raises:
        ValueError: if there are fewer than two.
    """
    if len(indices) < 2:
        raise ValueError("1 usable sample cannot be divided in training and validation; set data.validation")
    shuffled = np.random.default_rng(seed).permutation(indices)
    count = min(max(1, round(fraction * len(indices))), len(indices) - 1)
    return np.sort(shuffled[count:]), np.sort(shuffled[:count])
