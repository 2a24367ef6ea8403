"""How much worse are crops read that were cut too tightly, turned, shrunk, blurred or compressed?

    python benchmarks/robustness.py --data ../shared/data/iiit5k/train.txt

Word accuracy under the protocol "alphanumeric, case-folded", with a second look, of the readers that come with the
package or that `grcnn-ocr export` wrote.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from heading import print_heading
from reading import word_accuracy

from grcnn_ocr.datasets.words import decoded, open_words
from grcnn_ocr.preprocess import Pixels
from grcnn_ocr.runtime import Reader


def cut(image: Pixels, share: float) -> Pixels:
    """Cut a share of the height off every side."""
    height, width = image.shape
    border = round(share * height)
    return image[border : height - border, min(border, width // 4) : width - min(border, width // 4)]


def turn(image: Pixels, degrees: float) -> Pixels:
    """Turn around the middle, anticlockwise, the edge repeated where nothing was."""
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def shrink(image: Pixels, target: int) -> Pixels:
    """Shrink to a height in pixels."""
    height, width = image.shape
    if height <= target:
        return image
    return cv2.resize(image, (max(4, round(width * target / height)), target), interpolation=cv2.INTER_AREA)


def stretch(image: Pixels, factor: float) -> Pixels:
    """Change the width."""
    return cv2.resize(image, (max(4, round(factor * image.shape[1])), image.shape[0]))


def compress(image: Pixels, quality: int) -> Pixels:
    """Store as a JPEG."""
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)


def blur(image: Pixels, share: float) -> Pixels:
    """Blur by a share of the height, of a standard deviation."""
    return cv2.GaussianBlur(image, (0, 0), share * image.shape[0])


def add_noise(image: Pixels, level: float) -> Pixels:
    """Add noise of a standard deviation in gray levels."""
    noise = np.random.default_rng(image.shape).normal(0, level, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "as they are": lambda image: image,
    **{f"{share} of the height cut off every side": partial(cut, share=share) for share in (0.05, 0.1, 0.15)},
    **{f"turned by {degrees} degrees": partial(turn, degrees=degrees) for degrees in (-8, -4, 4, 8)},
    **{f"shrunk to {height} pixels": partial(shrink, target=height) for height in (16, 12)},
    **{f"{factor} times as wide": partial(stretch, factor=factor) for factor in (0.67, 1.5)},
    **{f"JPEG of quality {quality}": partial(compress, quality=quality) for quality in (40, 20)},
    "blurred by 0.05 of the height": partial(blur, share=0.05),
    "noise of 20 gray levels": partial(add_noise, level=20),
    "inverted": lambda image: 255 - image,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="labelled words")
    parser.add_argument("--reader", action="append", help="a released name, or a folder [default: the default reader]")
    arguments = parser.parse_args()
    source = open_words(arguments.data)
    images = [decoded(source, index) for index in range(len(source))]
    labels = [source.label(index) for index in range(len(source))]
    readers = {str(name or "default"): Reader(name) for name in arguments.reader or [None]}
    print_heading("Crops that were changed, word accuracy")
    print(f"| {len(images)} words | " + " | ".join(readers) + " |\n|---|" + "---|" * len(readers))
    for name, change in CHANGES.items():
        changed = [change(image) for image in images]
        texts = ([reading.text for reading in reader.read_many(changed)] for reader in readers.values())
        figures = [f"{100 * word_accuracy(read, labels):.1f}" for read in texts]
        print(f"| {name} | " + " | ".join(figures) + " |", flush=True)


if __name__ == "__main__":
    main()
