"""What a network costs: parameters and multiply-adds."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def count_parameters(model: nn.Module) -> int:
    """Return the number of values of all parameters, shared ones once."""
    return sum(parameter.numel() for parameter in model.parameters())


@torch.no_grad()
def count_macs(model: nn.Module, *inputs: Tensor) -> int:
    """Return the multiply-adds of convolutions, linear maps and LSTMs in one forward pass of `inputs`.

    A layer that runs several times counts as often. BatchNorms and activations are left out, as is usual.
    """
    total = 0

    def count(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output.numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += output.numel() * module.in_features
        elif isinstance(module, nn.LSTM):
            frames = arguments[0].shape[0] * arguments[0].shape[1]
            total += frames * sum(weight.numel() for weight in module.parameters() if weight.ndim == 2)

    hooks = [
        module.register_forward_hook(count)
        for module in model.modules()
        if isinstance(module, nn.Conv2d | nn.Linear | nn.LSTM)
    ]
    was_training = model.training
    try:
        model.eval()(*inputs)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return total
