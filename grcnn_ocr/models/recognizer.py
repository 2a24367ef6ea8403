"""The recogniser: a front end, then BiLSTMs, the last of which outputs the logits.

B images of 1 x H x W pixels; T frames; K classes, 0 the CTC blank.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from grcnn_ocr.layers.bilstm import BiLSTM
from grcnn_ocr.models.front_ends.base import FrontEnd


class CTCRecognizer(nn.Module):
    """Front end and BiLSTMs; the CTC loss and the decoder are outside.

    Args:
        front_end: maps images to columns.
        lstm_features: units of each direction, one entry for each BiLSTM.
        num_classes: K, the blank included.
    """

    def __init__(self, front_end: FrontEnd, lstm_features: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.front_end = front_end
        inputs = [front_end.out_channels, *lstm_features[:-1]]
        outputs = [*lstm_features[:-1], num_classes]
        self.sequence = nn.Sequential(
            *(BiLSTM(*features) for features in zip(inputs, lstm_features, outputs, strict=True))
        )

    @property
    def head_keys(self) -> list[str]:
        """Keys, in the state dict, of the tensors whose rows belong to the classes."""
        last = f"sequence.{len(self.sequence) - 1}"
        return [f"{last}.{join}.{kind}" for join in ("join_forward", "join_backward") for kind in ("weight", "bias")]

    def num_frames(self, width: int) -> int:
        """Return T for an image of `width` pixels."""
        return int(self.front_end.num_frames(torch.tensor(width)))

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """Read a batch.

        Args:
            images: (B, 1, H, W), normalised.
            widths: (B,) pixels of each image that are not padding.

        Returns:
            logits (B, T, K), and lengths (B,): how many of the T frames belong to each image.
        """
        columns = self.front_end(images)  # (B, C, 1, T)
        frames = columns.squeeze(2).transpose(1, 2)  # (B, C, 1, T) -> (B, T, C)
        return self.sequence(frames), self.front_end.num_frames(widths)
