"""The task of image classifiers: cross-entropy.

B images, K classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from grcnn_ocr.build import build_classifier
from grcnn_ocr.config import ClassesConfig, TrainConfig
from grcnn_ocr.evaluation.classes import ClassesResult, evaluate_classes
from grcnn_ocr.models.classifiers.classifier import Classifier
from grcnn_ocr.training.images import ImageBatch, ImageFeed, build_images
from grcnn_ocr.weights import ClassifierWeights, load_classifier, load_tensors


class ClassesTask:
    """Classifying images: the training data, the loss and the validation of a configuration.

    Raises:
        ValueError: if the data cannot be opened, or do not fit the network.
    """

    samples = "images"

    def __init__(self, config: ClassesConfig) -> None:
        self.config = config
        torch.manual_seed(config.train.seed)
        self.model: Classifier = build_classifier(config)
        self.dataset, self.validation = build_images(config)

    def settings(self, num_processes: int) -> TrainConfig:
        """Return the settings, with `epochs` converted to steps if there are neither steps nor a time budget."""
        settings = self.config.train
        if settings.steps is not None or settings.time_budget is not None or settings.epochs is None:
            return settings
        steps = settings.epochs * len(self.dataset) / (settings.batch_size * num_processes)
        return settings.model_copy(update={"steps": max(1, round(steps))})

    def initialise(self, init: Path) -> str:
        """Start from trained weights, but keep the last layer as initialised if the classes differ."""
        trained = load_classifier(init)
        tensors, own = dict(trained.model.state_dict()), self.model.state_dict()
        classes = tuple(self.dataset.source.classes)
        is_new = trained.config.num_classes != len(classes) or (trained.classes or classes) != classes
        if is_new:
            tensors |= {key: value for key, value in own.items() if key.startswith("classifier.")}
        load_tensors(self.model, tensors, str(init))
        return f"all layers start as in {init}" + (", except the last, as the classes differ" if is_new else "")

    def digests(self) -> dict[str, str]:
        """Return a digest of the training pictures."""
        return self.dataset.digests()

    def feed(self, process: int, num_processes: int, device: torch.device) -> ImageFeed:
        """Return the feed that yields the pictures of each step."""
        return ImageFeed(self.dataset, self.config, process, num_processes, device)

    def loss(self, model: nn.Module, batch: ImageBatch) -> Tensor:
        """Return the loss of a batch."""
        logits = model(batch.images).float()  # (B, K)
        targets = soft_targets(batch, logits.shape[1], self.config.train.label_smoothing)
        return -(targets * logits.log_softmax(dim=1)).sum(dim=1).mean()

    def validate(self, model: Classifier, device: torch.device) -> ClassesResult:
        """Classify the validation pictures."""
        validation = self.validation
        return evaluate_classes(model, validation.source, self.dataset.preprocessor, device, validation.indices)

    def accuracy(self, result: ClassesResult) -> float:
        """Return the top-1 accuracy."""
        return result.top1

    def complain(self, result: ClassesResult, step: int, feed: ImageFeed) -> None:
        """Do nothing: there is no sign of trouble to look for."""

    def weights(self, model: Classifier, result: ClassesResult, training: dict[str, Any]) -> ClassifierWeights:
        """Return the network with its configuration and the names of its classes."""
        figures = {"validation_images": result.images, "validation_top1": result.top1, "validation_top5": result.top5}
        classes = tuple(self.dataset.source.classes)
        return ClassifierWeights(model, self.config, classes, training | figures)


def soft_targets(batch: ImageBatch, num_classes: int, smoothing: float) -> Tensor:
    """Return the target probabilities (B, K) of a batch.

    The class of an image, or the two classes of a mixed one in equal parts, give up `smoothing` = e, which the other
    classes share: 1 - e and e / (K - 1), as in the GRCNN authors' code. The smaller part of a mixed image is negative
    below e / 2, as there.
    """
    targets = torch.zeros(len(batch), num_classes, device=batch.labels.device)
    targets.scatter_add_(1, batch.labels[:, None], torch.full_like(targets[:, :1], batch.share))
    if batch.partners is not None:
        targets.scatter_add_(1, batch.partners[:, None], torch.full_like(targets[:, :1], 1 - batch.share))
    if not smoothing:
        return targets
    is_its = targets > 0
    num_its = is_its.sum(dim=1, keepdim=True)
    others = num_classes - num_its
    smoothing_of = smoothing * (others > 0)  # with two classes, a mixed image has no others
    return torch.where(is_its, targets - smoothing_of / num_its, smoothing_of / others.clamp(min=1))
