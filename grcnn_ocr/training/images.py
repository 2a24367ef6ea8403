"""The pictures of a configuration, and feeding them to a process of a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grcnn_ocr.build import build_image_preprocessor
from grcnn_ocr.config import HOLDOUT, TEST, ClassesConfig
from grcnn_ocr.datasets.images.open_images import open_images
from grcnn_ocr.datasets.images.source import ImageSource
from grcnn_ocr.datasets.images.training_images import TrainingImages
from grcnn_ocr.datasets.sampler import StreamBatches
from grcnn_ocr.evaluation.classes import check_classes
from grcnn_ocr.training.data import hold_out
from grcnn_ocr.training.feed import PREFETCH, loaded

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Validation:
    """What a classifier is validated on: pictures of a source."""

    source: ImageSource
    indices: list[int]


def build_images(config: ClassesConfig) -> tuple[TrainingImages, Validation]:
    """Open the training and validation pictures of a configuration.

    Raises:
        ValueError: if the data cannot be opened, or their classes are not those of the network.
    """
    data = config.data
    if data.train is None:
        raise ValueError("no pictures to train on: set data.train=PATH, such as cifar-10-python.tar.gz or a folder")
    if not Path(data.train).exists():
        raise ValueError(f"no pictures {data.train}: download them, or give their path with --set data.train=PATH")
    source = open_images(data.train, "train")
    check_classes(config.num_classes, (), source, "num_classes")
    indices: NDArray[np.int64] = np.arange(len(source))
    if data.validation == HOLDOUT:
        indices, held_out = hold_out(indices, data.holdout, config.train.seed)
        validation = Validation(source, held_out.tolist())
    else:
        test = open_images(data.train if data.validation == TEST else data.validation, "test")
        check_classes(config.num_classes, tuple(source.classes), test, str(source.path))
        validation = Validation(test, list(range(len(test))))
    logger.info(
        "%s: %d pictures of %d classes to train on; validation on %d of %s",
        source.path, len(indices), config.num_classes, len(validation.indices), validation.source.path,
    )  # fmt: skip
    preprocessor = build_image_preprocessor(config.preprocess)
    return TrainingImages(source, indices, preprocessor, data.augment, config.train.seed), validation


@dataclass(frozen=True)
class ImageBatch:
    """What a training step takes, or a part of it.

    Attributes:
        images: (B, C, H, W) float32, normalised, channels last; mixed with their partners if there are any.
        labels: (B,).
        partners: (B,) label of the picture that each image was mixed with, or None.
        share: of the image itself in the mixture.
    """

    images: Tensor
    labels: Tensor
    partners: Tensor | None = None
    share: float = 1.0

    def __len__(self) -> int:
        return len(self.images)


class ImageFeed:
    """The pictures of each step.

    Args:
        dataset: the pictures.
        config: gives batch size, parts, mixing and workers.
        process: index of this process.
        num_processes: processes that share each step.
        device: where batches are put.

    Raises:
        ValueError: if the pictures of a step cannot be divided into equal parts.
    """

    def __init__(
        self, dataset: TrainingImages, config: ClassesConfig, process: int, num_processes: int, device: torch.device
    ) -> None:
        settings = config.train
        if settings.batch_size % settings.accumulate:
            raise ValueError(
                f"train.batch_size {settings.batch_size} is not a multiple of train.accumulate {settings.accumulate}"
            )
        self.dataset = dataset
        self.config = config
        self.process = process
        self.num_processes = num_processes
        self.device = device
        self.num_ready = PREFETCH * config.data.workers
        """Steps whose pictures may be loaded ahead."""

    def steps(self, step: int) -> Iterator[list[ImageBatch]]:
        """Yield the pictures of each step, from `step` on, in parts that are run one after the other.

        Raises:
            ValueError: on a picture that cannot be loaded, naming it.
        """
        settings = self.config.train
        size = settings.batch_size // settings.accumulate
        batches = loaded(self.dataset, self.config.data.workers, sampler=self._order(step), batch_size=None)
        for number, (pixels, labels) in enumerate(batches, start=step):
            images, labels = self.dataset.preprocessor.normalise(pixels, self.device), labels.to(self.device)
            parts = zip(images.split(size), labels.split(size), strict=True)
            if settings.mixup:
                yield [
                    mixed(*part, settings.mixup, (settings.seed, number, self.process, index))
                    for index, part in enumerate(parts)
                ]
            else:
                yield [ImageBatch(*part) for part in parts]

    def places(self, step: int) -> Iterator[str]:
        """Name the pictures of a step."""
        return (self.dataset.place(number) for number in self._order(step).samples(step))

    def _order(self, step: int) -> StreamBatches:
        return StreamBatches(self.config.train.batch_size, step, self.process, self.num_processes)


def mixed(images: Tensor, labels: Tensor, alpha: float, seed: tuple[int, ...]) -> ImageBatch:
    """Mix each image with another of its batch, all with the same share (mixup, Zhang et al. 2018).

    Args:
        images: (B, C, H, W).
        labels: (B,).
        alpha: the share is drawn from Beta(alpha, alpha).
        seed: of the share and the partners.
    """
    rng = np.random.default_rng(seed)
    share = float(rng.beta(alpha, alpha))
    partners = torch.from_numpy(rng.permutation(len(labels))).to(labels.device)
    return ImageBatch(share * images + (1 - share) * images[partners], labels, labels[partners], share)
