"""What every reader shares, whatever runs its network: loading, batching, decoding. It needs no torch."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.beam import BeamOptions
from grcnn_ocr.decoding.confidence import Calibration
from grcnn_ocr.decoding.decoder import PLAIN, DecodeOptions, Decoder, Prediction
from grcnn_ocr.decoding.lexicon import check_lexicon
from grcnn_ocr.preprocess import Pixels, Preprocessor, decode, to_grayscale
from grcnn_ocr.text.charset import Charset
from grcnn_ocr.text.lexicon import Lexicon

if TYPE_CHECKING:
    from PIL.Image import Image

    from grcnn_ocr.text.ngram import NGram

    ImageSource = str | Path | bytes | np.ndarray | Image

T = TypeVar("T")

WINDOW = 8
"""Batches of images that are loaded together, to be sorted by their width."""


@dataclass(frozen=True)
class Frames:
    """What the network said of a batch.

    Attributes:
        log_probs: (B, T, K) log-softmax, class 0 the blank, which is certain beyond an image's own padded width.
        lengths: (B,) frames that belong to each image.
    """

    log_probs: NDArray[np.float32]
    lengths: list[int]


class BaseReader(ABC):
    """Reads cropped word images with a network that a subclass runs.

    Args:
        charset: of the network.
        preprocessor: of the network.
        calibration: of its confidence.
        batch_size: images a forward pass.
    """

    def __init__(self, charset: Charset, preprocessor: Preprocessor, calibration: Calibration, batch_size: int) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size {batch_size}: expected 1 or more")
        self.charset = charset
        self.preprocessor = preprocessor
        self.calibration = calibration
        self.batch_size = batch_size
        self.window = WINDOW * batch_size if preprocessor.width == "proportional" else batch_size

    @abstractmethod
    def num_frames(self, width: int) -> int:
        """Return T for an image of `width` pixels."""

    @abstractmethod
    def _forward(self, images: NDArray[np.float32], widths: NDArray[np.int64]) -> tuple[NDArray[np.float32], list[int]]:
        """Run the network on a batch.

        Args:
            images: (B, 1, H, W), normalised.
            widths: (B,) pixels of each image that are not padding.

        Returns:
            (B, T, K) log-probabilities, and (B,) how many of the T frames belong to each image.
        """

    def read(self, image: ImageSource, lexicon: Lexicon | Sequence[str] | None = None, **options: Any) -> Prediction:
        """Read one image; see `read_many`."""
        return self.read_many([image], lexicon, **options)[0]

    def read_many(
        self,
        images: Iterable[ImageSource],
        lexicon: Lexicon | Sequence[str] | None = None,
        *,
        num_best: int = 1,
        characters: bool = False,
        open_lexicon: bool = False,
        allowed: str | None = None,
        pattern: str | None = None,
        language_model: NGram | None = None,
    ) -> list[Prediction]:
        """Read images in batches; threads load the next ones meanwhile.

        Args:
            images: paths, encoded bytes, PIL images, or arrays (H, W) or (H, W, 3) in RGB order.
            lexicon: words the answers may be: a list for all images, or a `Lexicon`.
            num_best: alternatives wanted.
            characters: whether to say where each character stands, and how sure it is.
            open_lexicon: whether the lexicon-free reading takes the place of a word that fits much worse.
            allowed: characters that may be read, such as "0123456789".
            pattern: a regular expression that the text must match, such as "[0-9]{4}".
            language_model: of characters, made by `grcnn-ocr lm build`.

        Raises:
            ValueError: on an image that cannot be read (naming it), a lexicon of the wrong length, or options that do
                not go together.
        """
        decoder = self.decoder(decode_options(num_best, characters, open_lexicon, allowed, pattern, language_model))
        images = list(images)
        if lexicon is not None and not isinstance(lexicon, Lexicon):
            lexicon = Lexicon.shared(lexicon)
        if lexicon is not None:
            self.check_lexicon(lexicon, len(images))
        predictions: list[Prediction] = []
        for window in self._loaded(images):
            loaded = [image for image, _ in window]
            frames = self._frames([resized for _, resized in window])
            first = len(predictions)
            words = None if lexicon is None else [lexicon.words(first + i) for i in range(len(window))]
            predictions += decoder(frames.log_probs, frames.lengths, words, loaded)
        return predictions

    def decoder(self, options: DecodeOptions = PLAIN) -> Decoder:
        """Return what decodes this network's frames.

        Raises:
            ValueError: on options that do not go together, or do not fit the charset.
        """
        return Decoder(self.charset, self.calibration, options)

    def check_lexicon(self, lexicon: Lexicon, num_images: int) -> None:
        """Make sure that a lexicon fits so many images and this network; see `decoding.lexicon.check_lexicon`."""
        check_lexicon(lexicon, num_images, self.charset, self.num_frames(self.preprocessor.widest))

    def recognise(self, images: Sequence[Pixels]) -> Frames:
        """Run the network on grayscale images (H, W) of any sizes, those of one padded width together."""
        return self._frames([self.preprocessor.resize(image) for image in images])

    def decode(self, frames: Frames, words: Sequence[Sequence[str]] | None = None) -> list[Prediction]:
        """Turn frames into predictions, greedily or with one list of words an image."""
        return self.decoder()(frames.log_probs, frames.lengths, words)

    def _frames(self, resized: Sequence[Pixels]) -> Frames:
        by_width: dict[int, list[int]] = {}
        for index, image in enumerate(resized):
            by_width.setdefault(self.preprocessor.padded_width(image), []).append(index)
        found = []
        for indices in by_width.values():
            for batch in batched(indices, self.batch_size):
                pixels, widths = self.preprocessor.stack([resized[index] for index in batch])
                found.append((batch, *self._forward(self.preprocessor.normalise(pixels), widths)))
        longest = max(log_probs.shape[1] for _, log_probs, _ in found)
        frames = Frames(
            np.full((len(resized), longest, self.charset.num_classes), -np.inf, np.float32), [0] * len(resized)
        )
        frames.log_probs[:, :, 0] = 0.0
        for batch, log_probs, lengths in found:
            frames.log_probs[batch, : log_probs.shape[1]] = log_probs
            for index, length in zip(batch, lengths, strict=True):
                frames.lengths[index] = length
        return frames

    def _loaded(self, sources: Sequence[ImageSource]) -> Iterator[list[tuple[Pixels, Pixels]]]:
        """Yield windows of images and their resized forms; the next window is loaded while one is worked on."""
        if len(sources) == 1:
            yield [self._load(sources[0])]
            return
        pool = ThreadPoolExecutor(num_cores(), thread_name_prefix="load")
        try:
            loading: list[Any] = []
            for batch in batched(sources, self.window):
                following = [pool.submit(self._load, _shareable(source)) for source in batch]
                if loading:
                    yield [future.result() for future in loading]
                loading = following
            if loading:
                yield [future.result() for future in loading]
        finally:
            pool.shutdown(cancel_futures=True)

    def _load(self, source: ImageSource) -> tuple[Pixels, Pixels]:
        image = load_image(source)
        return image, self.preprocessor.resize(image)


def decode_options(
    num_best: int = 1,
    characters: bool = False,
    open_lexicon: bool = False,
    allowed: str | None = None,
    pattern: str | None = None,
    language_model: NGram | None = None,
    open_gap: float | None = None,
) -> DecodeOptions:
    """Put together what a user asks for; see `BaseReader.read_many`."""
    beam = None
    if allowed is not None or pattern is not None or language_model is not None:
        beam = BeamOptions(
            allowed=None if allowed is None else frozenset(allowed), pattern=pattern, language_model=language_model
        )
    return DecodeOptions(num_best, characters, open_lexicon, open_gap, beam=beam)


def load_image(source: ImageSource) -> Pixels:
    """Load a path, encoded bytes, a PIL image or an array as grayscale (H, W).

    Raises:
        ValueError: if it cannot be read, naming it.
    """
    if isinstance(source, str | Path):
        try:
            return decode(Path(source).read_bytes())
        except (ValueError, OSError) as error:
            reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            raise ValueError(f"{source}: {reason}") from None
    if isinstance(source, bytes):
        return decode(source)
    return to_grayscale(source if isinstance(source, np.ndarray) else _pil_to_array(source))


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` items, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def num_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _shareable(source: ImageSource) -> str | Path | bytes | np.ndarray:
    """Return a source that threads may load: a PIL image, which may be given twice, loads itself only once asked."""
    return source if isinstance(source, str | Path | bytes | np.ndarray) else _pil_to_array(source)


def _pil_to_array(image: Any) -> np.ndarray:
    pil = sys.modules.get("PIL.Image")  # loaded where there is such an image
    if pil is None or not isinstance(image, pil.Image):
        raise ValueError(f"an image is a path, bytes, a PIL image or a numpy array; found {type(image).__name__}")
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if image.mode == "I":  # 32-bit, the mode of a 16-bit PNG in older versions of Pillow
        return np.asarray(image).clip(0, 65535).astype(np.uint16)
    if image.mode not in ("1", "L", "RGB", "RGBA"):
        transparent = image.mode in ("LA", "PA", "RGBa") or "transparency" in image.info
        image = image.convert("RGBA" if transparent else "RGB")
    return np.asarray(image)
