"""The moving average of a network's weights, which is evaluated and saved instead of the weights themselves."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


class MovingAverage(Generic[M]):
    """Exponential moving average of parameters and BatchNorm statistics, with a warmed-up decay.

        average <- d average + (1 - d) weights,    d = min(decay, (1 + n) / (10 + n)) at update n = 0, 1, ...

    A fixed decay would hold on to the random initial weights for thousands of steps.

    Args:
        model: the network to average; the average starts as a copy of it.
        decay: the largest d; with 0 the average is a copy of the weights.
    """

    def __init__(self, model: M, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: M, num_updates: int) -> None:
        """Add the weights after update number `num_updates`, counted from 0."""
        weight = 1 - min(self.decay, (1 + num_updates) / (10 + num_updates))
        own, given = self.model.state_dict(), model.state_dict()
        averaged = [key for key, value in own.items() if value.is_floating_point()]
        torch._foreach_lerp_([own[key] for key in averaged], [given[key] for key in averaged], weight)
        if counted := [key for key, value in own.items() if not value.is_floating_point()]:
            torch._foreach_copy_([own[key] for key in counted], [given[key] for key in counted])
