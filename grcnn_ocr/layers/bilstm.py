"""A bidirectional LSTM whose two directions are joined by a linear map."""

from __future__ import annotations

from torch import Tensor, nn


class BiLSTM(nn.Module):
    """One bidirectional LSTM layer and the join of its directions, as in CRNN and GRCNN.

        y = (W_F h_forward + b_F) + (W_B h_backward + b_B)

    which is one linear map of the concatenation, written as the two it was trained as.

    Args:
        in_features: features of a frame.
        hidden_features: units of each direction.
        out_features: features of a joined frame.
    """

    def __init__(self, in_features: int, hidden_features: int, out_features: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(in_features, hidden_features, batch_first=True, bidirectional=True)
        self.join_forward = nn.Linear(hidden_features, out_features)
        self.join_backward = nn.Linear(hidden_features, out_features)

    def forward(self, frames: Tensor) -> Tensor:
        """Map (B, T, in_features) to (B, T, out_features)."""
        forward, backward = self.lstm(frames)[0].chunk(2, dim=-1)
        return self.join_forward(forward) + self.join_backward(backward)
