"""Cheap distortion of whole batches on their device: a small affine map, contrast, brightness, inversion, noise."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SCALE, SHEAR, SLOPE, SHIFT = 0.1, 0.2, 0.05, 0.05
"""Largest changes of the affine map: of the size, in x by y, in y by x, of the place (share of half the picture)."""
CONTRAST, BRIGHTNESS, NOISE = 0.3, 0.2, 0.06
"""Largest changes of the gray levels, in units of the normalised image."""
INVERTED = 0.25
"""Share of images whose ink and ground change places."""


def distort(images: Tensor, seed: int) -> Tensor:
    """Return (B, 1, H, W) normalised images, each distorted in its own way; a function of the images and the seed."""
    generator = torch.Generator(images.device).manual_seed(seed)
    count = len(images)

    def draw(extent: float) -> Tensor:
        return (2 * torch.rand(count, generator=generator, device=images.device) - 1) * extent

    rows = [1 + draw(SCALE), draw(SHEAR), draw(SHIFT), draw(SLOPE), 1 + draw(SCALE), draw(SHIFT)]
    maps = torch.stack(rows, dim=1).view(count, 2, 3)  # (x', y') = A (x, y, 1), from -1 to 1
    grid = F.affine_grid(maps, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    signs = 1 - 2 * (torch.rand(count, generator=generator, device=images.device) < INVERTED).float()
    gain = (signs * (1 + draw(CONTRAST))).view(-1, 1, 1, 1)
    level = draw(BRIGHTNESS).view(-1, 1, 1, 1)
    strength = draw(NOISE).abs().view(-1, 1, 1, 1)
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    return (gain * moved + level + strength * noise).clamp(-1, 1)
