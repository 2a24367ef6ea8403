"""Effective receptive fields: which pixels an output of the network depends on, by the magnitude of its gradient.

Luo, Li, Urtasun & Zemel, "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks",
NeurIPS 2016.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grcnn_ocr.models.front_ends.base import FrontEnd
from grcnn_ocr.models.recognizer import CTCRecognizer

Fields = NDArray[np.float32]

COPIES = 8
"""Noisy copies of a crop that its fields are averaged over."""
NOISE = 0.05
"""Standard deviation of that noise, as a share of the crop's own range of gray levels."""


def character_fields(
    model: CTCRecognizer, image: Tensor, frames: Sequence[int], classes: Sequence[int], seed: int = 0
) -> Fields:
    """Return the effective receptive field of every character, through front end and BiLSTMs.

        field_i = mean over copies x' of the image of |d z(frames[i], classes[i]) / d x'|

    with z the logits. A single gradient follows what each max pooling happened to choose, so the copies differ by
    Gaussian noise (`COPIES`, `NOISE`), as in Smilkov et al., "SmoothGrad", 2017, except that magnitudes are averaged,
    which do not cancel.

    Args:
        model: in evaluation mode.
        image: (1, 1, H, W), normalised.
        frames: (L,) where each character is written.
        classes: (L,) what it is.
        seed: of the noise.

    Returns:
        (L, H, W), 0 or more, in logits per unit of the normalised input.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn((COPIES, *image.shape[1:]), generator=generator) * NOISE
    copies = (image + noise.to(image) * (image.max() - image.min())).requires_grad_()
    widths = torch.full((COPIES,), image.shape[3], device=image.device)
    with torch.backends.cudnn.flags(enabled=False):  # whose LSTM has no gradient in evaluation mode
        logits, _ = model(copies, widths)
        outputs = (logits[:, frame, index].sum() for frame, index in zip(frames, classes, strict=True))
        found = list(_sizes(outputs, copies))
    return np.stack(found) if found else np.zeros((0, *image.shape[2:]), np.float32)


def centre_field(front_end: FrontEnd, images: Tensor) -> Fields:
    """Return the effective receptive field of a front end's middle frame, averaged over images.

        field = mean over images x of |d (sum of the channels of frame T // 2) / d x|

    Args:
        front_end: in evaluation mode.
        images: (B, 1, H, W), normalised.

    Returns:
        (H, W), 0 or more; exactly 0 outside the receptive field.
    """
    images = images.detach().clone().requires_grad_()
    columns = front_end(images)  # (B, C, 1, T)
    (field,) = _sizes([columns[..., columns.shape[3] // 2].sum()], images)
    return field


def _sizes(outputs: Iterable[Tensor], images: Tensor) -> Iterator[Fields]:
    """Yield, for each output, the mean over the images of the magnitude of its gradient, (H, W)."""
    for output in outputs:
        (gradient,) = torch.autograd.grad(output, images, retain_graph=True)
        yield gradient.abs().mean(dim=(0, 1)).float().cpu().numpy()
