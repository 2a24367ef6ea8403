"""Reading: images in, predictions out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from grcnn_ocr.build import build_charset, build_preprocessor
from grcnn_ocr.decoding.beam import BeamOptions
from grcnn_ocr.decoding.decoder import PLAIN, DecodeOptions, Decoder, Prediction
from grcnn_ocr.decoding.lexicon import check_lexicon
from grcnn_ocr.preprocess import Pixels, decode, to_grayscale
from grcnn_ocr.text.lexicon import Lexicon
from grcnn_ocr.weights import Weights, find_weights, load_weights

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


class Recognizer:
    """Reads cropped word images.

    Args:
        weights: a weights file, the name of released ones, or `Weights` in memory; by default the released
            `weights.DEFAULT`.
        device: "auto" (a GPU if there is one), or a torch device.
        batch_size: images a forward pass.

    Raises:
        ValueError: if there are no such weights.

    Example:
        >>> recognizer = Recognizer()
        >>> recognizer.read("sign.png").text
        >>> recognizer.read("sign.png", lexicon=["open", "closed"]).text
    """

    def __init__(
        self,
        weights: str | Path | Weights | None = None,
        device: str | torch.device = "auto",
        batch_size: int = 64,
    ) -> None:
        if not isinstance(weights, Weights):
            weights = load_weights(find_weights(weights))
        self.config = weights.config
        self.calibration = weights.calibration
        self.device = find_device(device)
        self.batch_size = batch_size
        self.charset = build_charset(weights.config.charset)
        self.preprocessor = build_preprocessor(weights.config.preprocess)
        is_proportional = self.preprocessor.width == "proportional"
        self.window = WINDOW * batch_size if is_proportional else batch_size
        self.model = weights.model.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

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
        """Read images in batches.

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
        for batch in batched(images, self.window):
            loaded = [load_image(image) for image in batch]
            frames = self.recognise(loaded)
            first = len(predictions)
            words = None if lexicon is None else [lexicon.words(first + i) for i in range(len(batch))]
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
        check_lexicon(lexicon, num_images, self.charset, self.model.num_frames(self.preprocessor.widest))

    def recognise(self, images: Sequence[Pixels]) -> Frames:
        """Run the network on grayscale images (H, W) of any sizes, those of one padded width together."""
        resized = [self.preprocessor.resize(image) for image in images]
        by_width: dict[int, list[int]] = {}
        for index, image in enumerate(resized):
            by_width.setdefault(self.preprocessor.padded_width(image), []).append(index)
        found = []
        for indices in by_width.values():
            for batch in batched(indices, self.batch_size):
                found.append((batch, *self._forward([resized[index] for index in batch])))
        longest = max(log_probs.shape[1] for _, log_probs, _ in found)
        frames = Frames(
            np.full((len(images), longest, self.charset.num_classes), -np.inf, np.float32), [0] * len(images)
        )
        frames.log_probs[:, :, 0] = 0.0
        for batch, log_probs, lengths in found:
            frames.log_probs[batch, : log_probs.shape[1]] = log_probs
            for index, length in zip(batch, lengths, strict=True):
                frames.lengths[index] = length
        return frames

    @torch.inference_mode()
    def _forward(self, resized: Sequence[Pixels]) -> tuple[NDArray[np.float32], list[int]]:
        """Return log-probabilities (B, T, K) and lengths (B,) of images of one padded width."""
        pixels, widths = self.preprocessor.stack(resized)
        inputs = torch.from_numpy(self.preprocessor.normalise(pixels))
        inputs = inputs.to(self.device, memory_format=torch.channels_last)
        logits, lengths = self.model(inputs, torch.from_numpy(widths).to(self.device))
        return logits.float().log_softmax(dim=2).cpu().numpy(), lengths.tolist()

    def decode(self, frames: Frames, words: Sequence[Sequence[str]] | None = None) -> list[Prediction]:
        """Turn frames into predictions, greedily or with one list of words an image."""
        return self.decoder()(frames.log_probs, frames.lengths, words)


def decode_options(
    num_best: int = 1,
    characters: bool = False,
    open_lexicon: bool = False,
    allowed: str | None = None,
    pattern: str | None = None,
    language_model: NGram | None = None,
    open_gap: float | None = None,
) -> DecodeOptions:
    """Put together what a user asks for; see `Recognizer.read_many`."""
    beam = None
    if allowed is not None or pattern is not None or language_model is not None:
        beam = BeamOptions(
            allowed=None if allowed is None else frozenset(allowed), pattern=pattern, language_model=language_model
        )
    return DecodeOptions(num_best, characters, open_lexicon, open_gap, beam=beam)


def find_device(name: str | torch.device) -> torch.device:
    """Return the device of a name; "auto" is a GPU if there is one.

    Raises:
        ValueError: if there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"no device {str(name)!r} here: {str(error).splitlines()[0]}") from None
    return device


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
    if isinstance(source, np.ndarray):
        return to_grayscale(source)
    return to_grayscale(_pil_to_array(source))


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` items, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _pil_to_array(image: Any) -> np.ndarray:
    from PIL import Image, ImageOps

    if not isinstance(image, Image.Image):
        raise ValueError(f"an image is a path, bytes, a PIL image or a numpy array; found {type(image).__name__}")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if image.mode == "I":  # 32-bit, the mode of a 16-bit PNG in older versions of Pillow
        return np.asarray(image).clip(0, 65535).astype(np.uint16)
    if image.mode not in ("1", "L", "RGB", "RGBA"):
        transparent = image.mode in ("LA", "PA", "RGBa") or "transparency" in image.info
        image = image.convert("RGBA" if transparent else "RGB")
    return np.asarray(image)
