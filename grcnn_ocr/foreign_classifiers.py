"""The authors' checkpoints of the GRCNN classifiers, converted to our key layout.

They store a shared convolution once per iteration, under a key of its own; here it has one key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grcnn_ocr.foreign_weights import load_state_dict
from grcnn_ocr.layers.grcl_t_pami import GRCLTPAMI
from grcnn_ocr.models.classifiers.grcnn import CIFAR, GRCNN, IMAGENET
from grcnn_ocr.models.classifiers.registry import CLASSIFIERS
from grcnn_ocr.registry import closest
from grcnn_ocr.weights import listed, misfits
from grcnn_ocr.wording import counted

CIFAR_NETWORK = {"stem.conv": "conv_3x3", "last_norm": "lastact.0", "classifier": "classifier"}
IMAGENET_NETWORK = {
    "stem.conv": "conv1",
    "stem.norm": "bn1",
    "stem.last": "conv2",
    "last_norm": "lastact.0",
    "classifier": "classifier",
}
LAYER = {
    "feed_forward_norm": "bn_f",
    "feed_forward": "conv_f",
    "gate_feed_forward_norm": "bn_g_f",
    "gate_feed_forward": "conv_g_f",
    "gate_recurrent": "conv_g_r",
}
ITERATION = {
    "gate_recurrent_norm": "iter_g_{t}.0",
    "reduce_norm": "iter_{t}.0",
    "reduce": "iter_{t}.2",
    "spatial_norm": "iter_{t}.3",
    "spatial": "iter_{t}.5",
    "expand_norm": "iter_{t}.6",
    "expand": "iter_{t}.8",
}
SELECTIVE_ITERATION = {**ITERATION, "expand": "iter_{t}.6"}
DOWNSAMPLING = {
    "shortcut_norm": "d_bn",
    "shortcut": "d_conv",
    "reduce_norm": "d_bn_1",
    "reduce": "d_conv_1",
    "spatial_norm": "d_bn_3",
    "spatial": "d_conv_3",
    "unused_norm": "d_bn_1e",
    "expand": "d_conv_1e",
}
SELECTIVE_KERNEL = [
    (r"branches\.(\d)\.conv", r"conv.\1.0"),
    (r"branches\.(\d)\.norm", r"conv.\1.1"),
    ("squeeze_norm", "fc1.1"),
    ("squeeze", "fc1.0"),
    ("select", "fc2"),
]


def import_classifier(path: Path, name: str, options: Mapping[str, Any]) -> dict[str, Tensor]:
    """Read a checkpoint of the authors into the state dict of our network of the same name.

    Nothing in the file is executed (`weights_only=True`). A `state_dict` entry around the tensors and a `module.`
    before all keys are removed; what is beside that entry, such as an optimiser's state, is ignored.

    Args:
        path: the checkpoint.
        name: the classifier, as in `CLASSIFIERS`.
        options: of its builder.

    Returns:
        A tensor for each key of the network, of the network's type, on the CPU.

    Raises:
        ValueError: on an unknown name or option, if the file is not a checkpoint, or if keys are missing, unexpected,
            of the wrong shape, or differ although they name one shared tensor, naming each.
    """
    known = CIFAR | IMAGENET
    if name not in known:
        raise ValueError(
            f"no other project's key layout is known for classifier {name!r}{closest(name, list(known))} "
            f"(known: {', '.join(known)})"
        )
    with torch.device("meta"):
        model = CLASSIFIERS.build(name, dict(options))
    assert isinstance(model, GRCNN)
    tensors = load_state_dict(path)
    if all(key.startswith("module.") for key in tensors):
        tensors = {key.removeprefix("module."): tensor for key, tensor in tensors.items()}

    own = model.state_dict()
    published = {key: published_keys(model, name, key) for key in own}
    if problems := _problems(own, published, tensors):
        raise ValueError(
            f"{path} does not fit classifier {name!r} with options {dict(options)}, {counted(len(problems), 'key')} "
            "(num_classes and weight_sharing must be those it was trained with):\n  " + listed(problems)
        )
    # Copied, for the file's tensors may overlap in memory.
    return {key: tensors[published[key][0]].to(own[key].dtype, copy=True) for key in own}


def published_keys(model: GRCNN, name: str, key: str) -> list[str]:
    """Return the keys of the authors' network `name` for a key of `model`: several if it is shared."""
    stage, network = ("stage_{}", CIFAR_NETWORK) if name in CIFAR else ("layer{}", IMAGENET_NETWORK)
    part, *inside = key.split(".", 3)
    if part == "layers":
        layer = model.layers[int(inside[0])]
        assert isinstance(layer, GRCLTPAMI)
        module, rest = inside[1:]
        if module in LAYER:
            theirs = [f"{LAYER[module]}.{rest}"]
        else:
            t, rest = rest.split(".", 1)
            is_shared = len(getattr(layer, module)) < layer.iterations
            steps = range(layer.iterations) if is_shared else [int(t)]
            template = (ITERATION if layer.expand_norm else SELECTIVE_ITERATION)[module]
            theirs = [f"{template.format(t=step + 1)}.{_inside_selective(rest)}" for step in steps]
    elif part == "downsamplings":
        module, rest = inside[1:]
        theirs = [f"{DOWNSAMPLING[module]}.{_inside_selective(rest)}"]
    else:
        module, leaf = key.rsplit(".", 1)
        return [f"{network[module]}.{leaf}"]
    return [f"{stage.format(int(inside[0]) + 1)}.{suffix}" for suffix in theirs]


def _inside_selective(rest: str) -> str:
    """Rename what follows the name of a module, if that is a selective kernel."""
    for pattern, replacement in SELECTIVE_KERNEL:
        rest = re.sub(rf"^{pattern}\.", f"{replacement}.", rest)
    return rest


def _problems(
    own: Mapping[str, Tensor], published: Mapping[str, list[str]], tensors: Mapping[str, Tensor]
) -> list[str]:
    """Return a line for each key at fault."""
    expected = {theirs: own[key].shape for key, all_theirs in published.items() for theirs in all_theirs}
    return misfits(expected, tensors) + [
        f"{key} differs from {first}, but the options say that they share one tensor"
        for first, *others in published.values()
        for key in others
        if first in tensors
        and key in tensors
        and tensors[key].shape == tensors[first].shape
        and not torch.equal(tensors[key], tensors[first])
    ]
