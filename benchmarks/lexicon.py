"""How long does reading with a word list take, and do the methods agree?

    python benchmarks/lexicon.py --data ../shared/data/ic03 --words /usr/share/dict/words

Compared on one thread, on the log-probabilities of released weights for IC03: brute force with PyTorch's CTC loss, the
CRNN paper's candidates (words within 3 edits of the lexicon-free reading), and our exact search, of images one by one
and of many together. Lists of more than 50 words are the 563 words of IC03, then words of the file in random order.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from heading import print_heading

from grcnn_ocr.datasets.words import decoded, open_words
from grcnn_ocr.decoding.lexicon import Answer, best_words, writable
from grcnn_ocr.decoding.nearest import near_words
from grcnn_ocr.loading import batched
from grcnn_ocr.reader import Frames
from grcnn_ocr.reading import Recognizer
from grcnn_ocr.text.lexicon import Lexicon

SIZES = (563, 1_000, 10_000, 90_000)
CHUNK = 4096
TOGETHER = 256


class Timed:
    """A column of the table: answers and the seconds they took."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.answers: list[str] = []

    def run(self, answer: Callable[[], Sequence[str]]) -> None:
        """Time one call; the time of a call for several images is divided equally among them."""
        start = time.perf_counter()
        found = list(answer())
        self.seconds += [(time.perf_counter() - start) / len(found)] * len(found)
        self.answers += found

    def figures(self) -> str:
        """Return the mean, the median and the 99th percentile, in milliseconds."""
        return " | ".join(
            f"{1000 * value:.2f}" for value in (np.mean(self.seconds), *np.percentile(self.seconds, (50, 99)))
        )


def brute_force(log_probs: torch.Tensor, texts: Sequence[str], targets: torch.Tensor, lengths: torch.Tensor) -> str:
    """Return the likeliest word, after scoring every one with PyTorch's CTC loss."""
    losses = []
    for first in range(0, len(texts), CHUNK):
        part = slice(first, first + CHUNK)
        count = len(lengths[part])
        losses.append(
            torch.nn.functional.ctc_loss(
                log_probs[:, None].expand(-1, count, -1),
                targets[part],
                torch.full((count,), len(log_probs)),
                lengths[part],
                reduction="none",
            )
        )
    return texts[int(torch.cat(losses).argmin())]


def main() -> None:
    """Print a row for every size of list and every method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ic03"), help="gt.txt and lexicon_50.txt")
    parser.add_argument("--words", type=Path, default=Path("/usr/share/dict/words"))
    parser.add_argument("--weights")
    parser.add_argument(
        "--brute", type=int, default=40, help="images that brute force is timed on at 10,000 words and more"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recognizer = Recognizer(arguments.weights, device="cpu", charset="alnum36")
    source = open_words(arguments.data / "gt.txt")
    charset = recognizer.charset
    start = time.perf_counter()
    frames = recognizer.recognise([decoded(source, index) for index in range(len(source))])
    network = (time.perf_counter() - start) / len(source)
    labels = [charset.fold(source.label(index)) for index in range(len(source))]
    own = Lexicon.load(arguments.data / "lexicon_50.txt")
    union = sorted(writable({word for words in own.lists for word in words}, charset))
    others = writable(arguments.words.read_text(encoding="utf-8").splitlines(), charset)
    more = random.Random(0).sample(sorted(set(others) - set(union)), len(set(others) - set(union)))
    print_heading("Reading with a word list", f"{len(source)} images", "one thread")
    print(f"Loading and network: {1000 * network:.2f} ms per image.\n")
    print("| words | method | images | mean ms | median | 99 % | IC03 accuracy | unlike brute force |")
    print("|---|---|---|---|---|---|---|---|")
    lists: list[tuple[str, list[Sequence[str]]]] = [("50 each", [own.words(index) for index in range(len(source))])]
    for size in SIZES:
        words = (*union, *more)[:size]
        lists.append((f"{len(words):,}", [tuple(words)] * len(source)))
    for name, of_each in lists:
        measure(name, of_each, recognizer, frames, labels, arguments.brute)


def measure(
    name: str,
    lists: Sequence[Sequence[str]],
    recognizer: Recognizer,
    frames: Frames,
    labels: Sequence[str],
    num_brute: int,
) -> None:
    """Print the rows of one size of list."""
    charset, num_images = recognizer.charset, len(labels)
    columns = {way: Timed() for way in ("brute force", "3 edits", "exact, one by one", "exact, together")}
    num_brute = num_images if len(lists[0]) < 10_000 else num_brute
    best_words(frames.log_probs[:1], frames.lengths[:1], lists[:1], charset)  # prepares a shared list
    encoded: dict[int, tuple[list[str], torch.Tensor, torch.Tensor]] = {}
    for index in range(num_images):
        row, length, words = frames.log_probs[index : index + 1], frames.lengths[index : index + 1], [lists[index]]
        if index < num_brute:
            if id(words[0]) not in encoded:
                ready = writable(words[0], charset)
                classes = [torch.tensor(c) for _, c in ready.values()]
                targets = torch.nn.utils.rnn.pad_sequence(classes, batch_first=True)
                encoded = {id(words[0]): (list(ready), targets, torch.tensor([len(c) for c in classes]))}
            log_probs = torch.from_numpy(row[0, : length[0]])
            of_words = encoded[id(words[0])]
            columns["brute force"].run(lambda: [brute_force(log_probs, *of_words)])  # noqa: B023 (called at once)
        if index < max(num_brute, 200):
            columns["3 edits"].run(lambda: [_word(near_words(row, length, words, charset)[0])])  # noqa: B023
        columns["exact, one by one"].run(
            lambda: [best[0].spellings[0] for best in best_words(row, length, words, charset)]  # noqa: B023
        )
    for some in batched(range(num_images), TOGETHER):
        part = slice(some[0], some[-1] + 1)
        columns["exact, together"].run(
            lambda: [
                best[0].spellings[0]
                for best in best_words(frames.log_probs[part], frames.lengths[part], lists[part], charset)  # noqa: B023
            ]
        )
    reference = [charset.fold(word) for word in columns["brute force"].answers]
    for way, timed in columns.items():
        answers = [charset.fold(word) for word in timed.answers]
        accuracy = np.mean([answer == label for answer, label in zip(answers, labels)])  # noqa: B905 (some are shorter)
        differing = sum(a != b for a, b in zip(answers, reference))  # noqa: B905
        compared = min(len(answers), len(reference))
        figures = f"{timed.figures()} | {100 * accuracy:.1f} | {differing} of {compared}"
        print(f"| {name} | {way} | {len(answers)} | {figures} |", flush=True)


def _word(answer: Answer | None) -> str:
    return "" if answer is None else answer.spellings[0]


if __name__ == "__main__":
    main()
