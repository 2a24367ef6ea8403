"""What does reading tall crops with `--upright` gain, and what does it lose?

    python benchmarks/upright.py --data ../shared/data

Crops more than 1.5 times as wide as high are turned on their side, half of them each way. The table has their word
accuracy before turning, and, turned, without and with `upright`; and that of the tall crops of the data, which are not
turned, without and with it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from heading import print_heading
from numpy.typing import NDArray
from reading import word_accuracy

from grcnn_ocr.datasets.words import open_words
from grcnn_ocr.loading import TALL, load_image
from grcnn_ocr.reading import Recognizer

SETS = ("ic03/gt.txt", "iiit5k/train.txt")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of ic03/ and iiit5k/")
    parser.add_argument("--weights")
    arguments = parser.parse_args()
    recognizer = Recognizer(arguments.weights, second_look=False)
    print_heading("Reading tall crops upright", recognizer.config.name)
    print("| data | crops | images | before | plain | upright |\n|---|---|---|---|---|---|", flush=True)
    for name in SETS:
        source = open_words(arguments.data / name)
        images = [load_image(source.image(index)) for index in range(len(source))]
        labels = [source.label(index) for index in range(len(source))]
        wide = [index for index, image in enumerate(images) if image.shape[1] > TALL * image.shape[0]]
        tall = [index for index, image in enumerate(images) if image.shape[0] > TALL * image.shape[1]]
        of_wide, of_tall = [labels[index] for index in wide], [labels[index] for index in tall]
        turned = [np.rot90(images[index], 1 if number % 2 else -1) for number, index in enumerate(wide)]
        unturned = share(recognizer, [images[index] for index in wide], of_wide, upright=False)
        on_side, upright = (share(recognizer, turned, of_wide, upright) for upright in (False, True))
        print(f"| {name} | wide, turned on their side | {len(wide)} | {unturned} | {on_side} | {upright} |", flush=True)
        standing = [images[index] for index in tall]
        as_it_is, upright = (share(recognizer, standing, of_tall, upright) for upright in (False, True))
        print(f"| {name} | tall, not turned | {len(tall)} | {as_it_is} | {as_it_is} | {upright} |", flush=True)


def share(recognizer: Recognizer, images: Sequence[NDArray[np.uint8]], labels: list[str], upright: bool) -> str:
    """Return the word accuracy in percent, comparing letters and digits without case; "-" for no images."""
    readings = recognizer.read_many(images, upright=upright)
    return f"{100 * word_accuracy([reading.text for reading in readings], labels):.1f}" if labels else "-"


if __name__ == "__main__":
    main()
