"""What a network does with one image: gates, receptive fields, lattice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from grcnn_ocr.build import build_charset, build_preprocessor
from grcnn_ocr.decoding.greedy import greedy
from grcnn_ocr.pixels import Pixels
from grcnn_ocr.visualize.fields import character_fields
from grcnn_ocr.visualize.gates import Gates, gates
from grcnn_ocr.visualize.lattice import Lattice, lattice
from grcnn_ocr.weights import Weights


@dataclass(frozen=True)
class Inspection:
    """What a network does with an image.

    Attributes:
        pixels: the image, grayscale.
        text: its reading, or the word that was asked about, folded to the charset; L characters.
        gates: of each GRCL, without the columns of padding; none if the front end has none.
        fields: (L, h, w) effective receptive field of each character, in the network's input without padding.
        lattice: the states of `text` over the frames.
    """

    pixels: Pixels
    text: str
    gates: list[Gates]
    fields: NDArray[np.float32]
    lattice: Lattice


def inspect(weights: Weights, pixels: Pixels, text: str | None = None) -> Inspection:
    """Look inside a network while it reads an image.

    Args:
        weights: as trained, since the inference form used for reading has other layers; put into evaluation mode.
        pixels: grayscale (H, W); `loading.load_image` loads one.
        text: a word to ask about instead of the lexicon-free reading.

    Raises:
        ValueError: on a word that the charset cannot write, or that needs more frames than the image has.
    """
    model = weights.model.eval()
    charset = build_charset(weights.config.charset)
    preprocessor = build_preprocessor(weights.config.preprocess)
    stacked, widths = preprocessor.stack([preprocessor.resize(pixels)])
    device = next(model.parameters()).device
    inputs = torch.from_numpy(preprocessor.normalise(stacked)).to(device)  # (1, 1, H, padded width)
    with torch.inference_mode():
        logits, lengths = model(inputs, torch.from_numpy(widths).to(device))
    log_probs = logits[:, : int(lengths[0])].float().log_softmax(dim=2).cpu().numpy()

    classes = greedy(log_probs, [log_probs.shape[1]])[0] if text is None else charset.encode(text)
    if text is not None and not classes:
        raise ValueError(f"{text!r} has no character of charset {charset.name!r}; give another word")
    states = lattice(log_probs[0], classes)
    width, padded = int(widths[0]), inputs.shape[3]
    fields = character_fields(model, inputs, states.character_frames, classes)[..., :width]
    found = [Gates(layer.name, _own(layer.maps, width / padded)) for layer in gates(model.front_end, inputs)]
    return Inspection(pixels, charset.decode(classes), found, fields, states)


def _own(maps: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Leave out the columns of the padding, which follow the image's own share."""
    return maps[..., : max(round(maps.shape[-1] * share), 1)]
