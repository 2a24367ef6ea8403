"""Optimisers, and the learning rate as a function of the step."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from grcnn_ocr.config import ClassesTrainConfig, TrainConfig

ONE_CYCLE_RISE = 0.3
"""Share of the run in which one_cycle's learning rate rises, from lr / 25; it ends at lr / 10,000."""


def build_optimizer(parameters: Iterable[nn.Parameter], config: TrainConfig) -> torch.optim.Optimizer:
    """Build the optimiser; weight decay spares biases and BatchNorm weights, unless `decay_all`."""
    parameters = list(parameters)
    of_classes = config if isinstance(config, ClassesTrainConfig) else None
    spared = config.weight_decay if of_classes and of_classes.decay_all else 0.0
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": spared},
    ]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=config.lr, fused=True)
    if config.optimizer == "sgd":
        momentum, nesterov = (of_classes.momentum, of_classes.nesterov) if of_classes else (0.9, True)
        return torch.optim.SGD(groups, lr=config.lr, momentum=momentum, nesterov=nesterov)
    return torch.optim.Adadelta(groups, lr=config.lr, rho=0.9, eps=1e-6)


def learning_rate(step: int, total: int | None, config: TrainConfig) -> float:
    """Return the learning rate of a step, counted from 0.

    Args:
        step: the step about to be taken.
        total: steps of the whole run; None while a time budget is still being measured.
        config: peak, schedule and warm-up. The warm-up is linear, and at most a fifth of the run.
    """
    if config.schedule == "one_cycle":
        if total is None:
            return config.lr / 25
        rise = max(1.0, ONE_CYCLE_RISE * total)
        if step < rise:
            return _cosine(config.lr / 25, config.lr, step / rise)
        return _cosine(config.lr, config.lr / 1e4, (step - rise) / max(1.0, total - rise))
    warmup = config.warmup_steps if total is None else min(config.warmup_steps, total // 5)
    if step < warmup:
        return config.lr * (step + 1) / warmup
    if config.schedule == "constant" or total is None:
        return config.lr
    if isinstance(config, ClassesTrainConfig) and config.schedule == "steps":
        assert config.epochs is not None
        return config.lr * 0.1 ** sum(step * config.epochs >= milestone * total for milestone in config.milestones)
    return _cosine(config.lr, 0.0, (step - warmup) / max(1, total - warmup))


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2
