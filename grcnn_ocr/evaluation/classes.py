"""Evaluating an image classifier.

B images, K classes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from grcnn_ocr.datasets.images.prepare import ImagePreprocessor
from grcnn_ocr.datasets.images.source import ImageSource
from grcnn_ocr.loading import Progress, batched
from grcnn_ocr.models.classifiers.classifier import Classifier

BATCH_SIZE = 128


@dataclass(frozen=True)
class ClassesResult:
    """The figures of one set of labelled pictures.

    Attributes:
        data: what was evaluated.
        images: number of pictures.
        correct: those whose class is the likeliest.
        among_5: those whose class is among the 5 likeliest.
        seconds: spent on loading and the network.
    """

    data: str
    images: int
    correct: int
    among_5: int
    seconds: float

    @property
    def top1(self) -> float:
        """The share whose class is the likeliest."""
        return self.correct / self.images

    @property
    def top5(self) -> float:
        """The share whose class is among the 5 likeliest."""
        return self.among_5 / self.images


@torch.inference_mode()
def evaluate_classes(
    model: Classifier,
    source: ImageSource,
    preprocessor: ImagePreprocessor,
    device: torch.device,
    indices: list[int] | None = None,
    batch_size: int = BATCH_SIZE,
    progress: Progress = lambda done: None,
) -> ClassesResult:
    """Classify pictures, in float32, and count.

    Args:
        model: in evaluation mode, on the device.
        source: the pictures.
        preprocessor: resizes and normalises.
        device: where the model is.
        indices: of the pictures; all by default.
        batch_size: pictures per forward pass.
        progress: called with the size of each batch.

    Raises:
        ValueError: on a picture that cannot be decoded, naming it.
    """
    start = time.perf_counter()
    chosen = list(range(len(source))) if indices is None else indices
    correct = among_5 = 0
    for batch in batched(chosen, batch_size):
        images = preprocessor.normalise(torch.from_numpy(preprocessor.load(source, batch)), device)
        labels = torch.from_numpy(source.labels[batch]).to(device)
        logits = model(images)
        likeliest = logits.topk(min(5, logits.shape[1])).indices  # (B, 5)
        hits = likeliest == labels[:, None]
        correct += int(hits[:, 0].sum())
        among_5 += int(hits.sum())
        progress(len(batch))
    return ClassesResult(str(source.path), len(chosen), correct, among_5, time.perf_counter() - start)


def check_classes(num_classes: int, names: tuple[str, ...], source: ImageSource, network: str) -> None:
    """Check that a network's classes are those of the data.

    Args:
        num_classes: K.
        names: of the network's classes, if they are known.
        source: the pictures.
        network: names the network in an error.

    Raises:
        ValueError: if their numbers or names differ.
    """
    found = tuple(source.classes)
    if len(found) != num_classes:
        raise ValueError(f"{source.path} has {len(found)} classes, {network} {num_classes}")
    if names and names != found:
        first = next(at for at in range(num_classes) if names[at] != found[at])
        raise ValueError(
            f"{source.path}: class {first} is {found[first]!r}, but {names[first]!r} in {network}; their lists of "
            "classes differ"
        )
