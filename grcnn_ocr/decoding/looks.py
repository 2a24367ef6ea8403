"""More looks at crops that were not read surely: framed, inverted, from farther away, from nearer. The looks vote.

Test-time augmentation, while it leaves doubt. With w_l the answer of look l, freely or out of a list, and p_l(w) the
likelihood of a text, the answer of all is

    argmax_w  sum of p_l(w) over all looks l with w_l = w

as look l gives it that has the largest p_l(w): the sum rule of Kittler et al., "On Combining Classifiers", T-PAMI 1998,
over what each look says first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from grcnn_ocr.decoding.framing import Frame, framed
from grcnn_ocr.preprocess import Pixels

if TYPE_CHECKING:
    from grcnn_ocr.decoding.decoder import Prediction


@dataclass(frozen=True)
class Look:
    """One way to look at a crop.

    Attributes:
        border: share of the height that is added above and below, the edge repeated; cut off if negative.
        stretch: factor of the width.
        inverted: whether light and dark change places.
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
"""Likelihood of a reading above which no other look is taken."""
LOOKS = (
    Look(inverted=True),
    Look(border=1 / 4, stretch=3 / 4),
    Look(border=-1 / 16, stretch=5 / 4),
    Look(border=1 / 4, inverted=True),
)
"""One after the other, at the crop as it is or, where its text slopes or stands loosely in it, framed; chosen, like
`SURE`, on IIIT5K train, as it is and changed (`datasets/changes.py`)."""


def look_again(
    images: Sequence[Pixels],
    predictions: Sequence[Prediction],
    read: Callable[[Sequence[int], Sequence[Pixels], Sequence[Pixels]], Sequence[Prediction]],
) -> list[Prediction]:
    """Return the answers after as many looks as each image needs.

    Args:
        images: grayscale (H, W).
        predictions: of the first look at them.
        read: reads images again, given by their indices, as they look now, and as their characters are to be placed.
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
    """Return a prediction with its characters where they are in the crop that was framed."""
    if frame is None or prediction.characters is None:
        return prediction
    spans = [replace(c, left=frame.column(c.left), right=frame.column(c.right)) for c in prediction.characters]
    return replace(prediction, characters=tuple(spans))


def _likelihood(prediction: Prediction) -> float:
    score = prediction.log_likelihood
    return 0.0 if math.isnan(score) else math.exp(score)


def _elected(looks: Sequence[Prediction]) -> Prediction:
    """Return the prediction that gives the answer best."""
    votes: dict[str, float] = {}
    for prediction in looks:
        votes[prediction.text] = votes.get(prediction.text, 0.0) + _likelihood(prediction)
    answer = max(votes, key=lambda text: votes[text])
    return max((prediction for prediction in looks if prediction.text == answer), key=_likelihood)
