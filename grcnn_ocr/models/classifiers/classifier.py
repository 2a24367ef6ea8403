"""The interface of image classifiers: maps of the stages, a head, and a description of both.

B images, C channels, H x W pixels, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class Classifier(nn.Module):
    """Stages, then a pooled linear head; the interface that detection frameworks and users of timm expect.

    A subclass sets the attributes and implements `stages` and `forward_features`.

    Attributes:
        classifier: the last layer, (B, C) to logits (B, K).
        channels: of the map of each stage.
        strides: of the map of each stage, in pixels of the image.
    """

    classifier: nn.Module
    channels: tuple[int, ...]
    strides: tuple[int, ...]

    def stages(self, images: Tensor) -> list[Tensor]:
        """Return the map (B, C, H, W) of every stage, the finest first."""
        raise NotImplementedError

    def forward_features(self, images: Tensor) -> Tensor:
        """Return the last map (B, C, H, W), as the head takes it."""
        raise NotImplementedError

    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        """Pool a map (B, C, H, W) to (B, C) and, unless `pre_logits`, classify it: (B, K)."""
        pooled = features.mean(dim=(2, 3))
        return pooled if pre_logits else self.classifier(pooled)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) of images (B, C, H, W)."""
        return self.forward_head(self.forward_features(images))


class FeatureMaps(nn.Module):
    """A classifier without its head, as a backbone: returns the maps of some stages.

    Args:
        trunk: the classifier.
        out_indices: which stages, from 0; negative ones count from the last. All by default.

    Raises:
        ValueError: on an index outside the stages.
    """

    def __init__(self, trunk: Classifier, out_indices: Sequence[int] | None = None) -> None:
        super().__init__()
        num_stages = len(trunk.channels)
        indices = range(num_stages) if out_indices is None else out_indices
        if wrong := [index for index in indices if not -num_stages <= index < num_stages]:
            raise ValueError(f"out_indices {wrong}: the network has {num_stages} stages, 0 to {num_stages - 1}")
        self.out_indices = tuple(index % num_stages for index in indices)
        self.channels = tuple(trunk.channels[index] for index in self.out_indices)
        self.strides = tuple(trunk.strides[index] for index in self.out_indices)
        self.trunk = trunk
        trunk.classifier = nn.Identity()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps (B, C, H, W) of the chosen stages."""
        maps = self.trunk.stages(images)
        return [maps[index] for index in self.out_indices]
