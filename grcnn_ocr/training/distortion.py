"""Fast distortion of whole batches on their device: a small affine map, contrast, brightness, inversion, noise."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SCALE, SHEAR, SLOPE, SHIFT = 0.1, 0.2, 0.05, 0.05
"""Largest changes of the affine map: of scale, of x by y, of y by x, and of position (in halves of the picture)."""
CONTRAST, BRIGHTNESS, NOISE = 0.3, 0.1, 0.03
"""Largest changes of the gray levels: a factor, and a shift and noise as shares of the range from black to white."""
INVERTED = 0.25
"""Share of images that are inverted."""


def distort(images: Tensor, seed: tuple[int, ...], black: float = -1.0, white: float = 1.0) -> Tensor:
    """Distort each image differently; a pure function of the images and the seed.

    Args:
        images: (B, 1, H, W), normalised.
        seed: of all randomness.
        black: normalised value of the pixel 0.
        white: normalised value of the pixel 255.
    """
    state = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
    generator = torch.Generator(images.device).manual_seed(state % 2**63)
    count = len(images)

    def draw(extent: float) -> Tensor:
        return (2 * torch.rand(count, generator=generator, device=images.device) - 1) * extent

    rows = [1 + draw(SCALE), draw(SHEAR), draw(SHIFT), draw(SLOPE), 1 + draw(SCALE), draw(SHIFT)]
    maps = torch.stack(rows, dim=1).view(count, 2, 3)  # (x', y') = A (x, y, 1), from -1 to 1
    grid = F.affine_grid(maps, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    signs = 1 - 2 * (torch.rand(count, generator=generator, device=images.device) < INVERTED).float()
    gain = (signs * (1 + draw(CONTRAST))).view(-1, 1, 1, 1)
    gray, span = (black + white) / 2, white - black
    level = gray + span * draw(BRIGHTNESS).view(-1, 1, 1, 1)
    strength = span * draw(NOISE).abs().view(-1, 1, 1, 1)
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    return (gain * (moved - gray) + level + strength * noise).clamp(black, white)
