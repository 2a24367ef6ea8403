"""More looks at crops that were not read confidently: framed, inverted, zoomed out and in. The looks vote.

This is test-time augmentation that ends once there is no doubt. With w_l the answer of look l, lexicon-free or from a
list, and p_l(w) the likelihood of a text, the final answer is

    argmax_w  sum of p_l(w) over all looks l with w_l = w

as given by the look l with the largest p_l(w). This is the sum rule of Kittler et al., "On Combining Classifiers",
T-PAMI 1998, over the best answer of each look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from grcnn_ocr.decoding.framing import Frame, framed
from grcnn_ocr.pixels import Pixels

if TYPE_CHECKING:
    from grcnn_ocr.decoding.decoder import Prediction


@dataclass(frozen=True)
class Look:
    """One way to look at a crop.

    Attributes:
        border: share of the height to add above and below, repeating the edge; to cut off, if negative.
        stretch: factor of the width.
        inverted: whether light and dark are swapped.
    """

    border: float = 0.0
    stretch: float = 1.0
    inverted: bool = False

    def __call__(self, image: Pixels) -> Pixels:
        """Change a grayscale crop, (H, W) to (H', W')."""
        height, width = image.shape
        rows = round(abs(self.border) * height)
        if self.border < 0:
            image = image[rows : height - rows]
        elif rows:
            image = np.pad(image, ((rows, rows), (0, 0)), mode="edge")
        if self.stretch != 1:
            image = cv2.resize(image, (max(1, round(self.stretch * width)), image.shape[0]))
        return ~image if self.inverted else image


SURE = 0.8
"""No further look is taken once the answer's likelihood is above this."""
LOOKS = (
    Look(inverted=True),
    Look(border=1 / 4, stretch=3 / 4),
    Look(border=-1 / 16, stretch=5 / 4),
    Look(border=1 / 4, inverted=True),
)
"""Taken in this order, of the framed crop if its text slopes or lies loosely in it, else of the crop itself. Chosen,
like `SURE`, on IIIT5K train, both unchanged and changed (`datasets/changes.py`)."""


def look_again(
    images: Sequence[Pixels],
    predictions: Sequence[Prediction],
    read: Callable[[Sequence[int], Sequence[Pixels], Sequence[Pixels]], Sequence[Prediction]],
) -> list[Prediction]:
    """Return the answers after as many looks as each image needs.

    Args:
        images: grayscale (H, W).
        predictions: of the first look at each.
        read: reads images again, given their indices, the changed images to read, and the images in whose pixels to
            place the characters.
    """
    looks = [[prediction] for prediction in predictions]
    crops = list(images)
    frames: dict[int, Frame] = {}

    def unsure(indices: Iterable[int]) -> list[int]:
        return [index for index in indices if not _likelihood(_elected(looks[index])) > SURE]

    def take(look: Look, indices: Sequence[int]) -> None:
        if not indices:
            return
        shown = [crops[index] for index in indices]
        for index, prediction in zip(indices, read(indices, [look(crop) for crop in shown], shown), strict=True):
            looks[index].append(_placed(prediction, frames.get(index)))

    left = unsure(range(len(looks)))
    for index in left:
        if (frame := framed(images[index])) is not None:
            frames[index], crops[index] = frame, frame.image
    take(Look(), list(frames))
    for look in LOOKS:
        left = unsure(left)
        take(look, left)
    return [_elected(each) for each in looks]


def _placed(prediction: Prediction, frame: Frame | None) -> Prediction:
    """Return a prediction with its characters' positions mapped from the frame to the crop."""
    if frame is None or prediction.characters is None:
        return prediction
    spans = [replace(c, left=frame.column(c.left), right=frame.column(c.right)) for c in prediction.characters]
    return replace(prediction, characters=tuple(spans))


def _likelihood(prediction: Prediction) -> float:
    score = prediction.log_likelihood
    return 0.0 if math.isnan(score) else math.exp(score)


def _elected(looks: Sequence[Prediction]) -> Prediction:
    """Return the likeliest prediction of the text that wins the vote."""
    votes: dict[str, float] = {}
    for prediction in looks:
        votes[prediction.text] = votes.get(prediction.text, 0.0) + _likelihood(prediction)
    answer = max(votes, key=lambda text: votes[text])
    return max((prediction for prediction in looks if prediction.text == answer), key=_likelihood)
