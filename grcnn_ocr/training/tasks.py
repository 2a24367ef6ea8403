"""Tasks: what a network is trained to do. Words: CTC."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grcnn_ocr.build import build_charset, build_model, build_preprocessor
from grcnn_ocr.config import Config
from grcnn_ocr.datasets.batch import Batch
from grcnn_ocr.evaluation.protocol import charset_protocol
from grcnn_ocr.evaluation.words import Result, evaluate_words
from grcnn_ocr.models.recognizer import CTCRecognizer
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.training.data import build_words
from grcnn_ocr.weights import Weights


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
        self.dataset, self.validation = build_words(
            config, self.model.num_frames(build_preprocessor(config.preprocess).widest)
        )
        self.protocol = charset_protocol(self.charset)
        if not any(self.protocol.fold(self.validation.label(index)) for index in range(len(self.validation))):
            raise ValueError(f"{self.validation.path}: nothing left of any label in charset {self.charset.name!r}")

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of a batch."""
        logits, lengths = model(batch.images, batch.widths)  # (B, T, K), (B,)
        return ctc_loss(logits, lengths, batch.targets, batch.target_lengths)

    def validate(self, model: CTCRecognizer, device: torch.device) -> Result:
        """Read the validation words, lexicon-free, and compare all that the charset can write."""
        recognizer = Recognizer(Weights(model, self.config), device)
        return evaluate_words(recognizer, self.validation, protocol=self.protocol)[0]


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
