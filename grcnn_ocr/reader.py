"""What every reader shares, whatever runs its network: loading, batching, decoding. It needs no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.beam import BeamOptions
from grcnn_ocr.decoding.confidence import Calibration
from grcnn_ocr.decoding.decoder import PLAIN, DecodeOptions, Decoder, Prediction
from grcnn_ocr.decoding.frames import Frames
from grcnn_ocr.decoding.lexicon import check_lexicon
from grcnn_ocr.decoding.looks import look_again
from grcnn_ocr.decoding.merging import ClassMerging
from grcnn_ocr.loading import View, batched, load_ahead
from grcnn_ocr.pixels import Pixels
from grcnn_ocr.preprocess import Preprocessor
from grcnn_ocr.text.charset import Charset
from grcnn_ocr.text.lexicon import Lexicon

if TYPE_CHECKING:
    from grcnn_ocr.loading import ImageSource
    from grcnn_ocr.text.ngram import NGram

WINDOW = 8
"""Batches of images that are loaded together, so that images of one width can share a batch."""
PER_CHARACTER = 0.1
"""Nats that a character of a reading is worth in the choice between rotations. Chosen on IIIT5K train."""


class Reading(NamedTuple):
    """What was read in an image.

    Attributes:
        image: grayscale (H, W), as it was loaded.
        prediction: what it says.
    """

    image: Pixels
    prediction: Prediction


class BaseReader(ABC):
    """Reads cropped word images with a network that a subclass runs.

    Args:
        network_charset: the characters that the network knows.
        preprocessor: makes the network's input.
        calibration: of the network's confidence.
        batch_size: images per forward pass.
        charset: the charset to read in, or its name, such as "alnum36" for no case and no punctuation; by default the
            network's. See `ClassMerging`. The calibration remains the one of the network's own charset.
        second_look: whether to look again at crops of proportional width that were not read confidently; see
            `decoding.looks`.

    Raises:
        ValueError: if `batch_size` is below 1, or the network's charset does not fold to `charset`.
    """

    def __init__(
        self,
        network_charset: Charset,
        preprocessor: Preprocessor,
        calibration: Calibration,
        batch_size: int,
        charset: str | Charset | None = None,
        second_look: bool = True,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size {batch_size}: expected 1 or more")
        self.charset = Charset.named(charset) if isinstance(charset, str) else charset or network_charset
        self.merging = ClassMerging(network_charset, self.charset)
        self.preprocessor = preprocessor
        self.calibration = calibration
        self.batch_size = batch_size
        self.second_look = second_look and preprocessor.width == "proportional"
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
        open_gap: float | None = None,
        allowed: str | None = None,
        pattern: str | None = None,
        language_model: NGram | str | Path | None = None,
        match_case: bool = False,
        upright: bool = False,
    ) -> list[Prediction]:
        """Read images in batches, while threads load the next ones. To continue after a bad image use `read_each`.

        Args:
            images: paths, encoded bytes, PIL images, or arrays (H, W) or (H, W, 3) in RGB order.
            lexicon: the words that an answer may be: a list for all images, or a `Lexicon`.
            num_best: how many alternatives to return.
            characters: whether to return the position and confidence of each character.
            open_lexicon: whether the lexicon-free reading replaces a word that fits much worse.
            open_gap: how much worse, in nats; by default what `grcnn-ocr calibrate` chose. Implies `open_lexicon`.
            allowed: characters that may be read, such as "0123456789".
            pattern: a regular expression that the text must match, such as "[0-9]{4}".
            language_model: an `NGram`, a file made by `grcnn-ocr lm build`, or "english".
            match_case: whether an image must show a word of the lexicon as it is spelled. By default case and accents
                are ignored, and so are the punctuation marks that no word of its list has.
            upright: whether images more than `loading.TALL` times as high as wide are also read turned by 90 degrees
                either way. The likeliest of the three readings for its length is the answer, see `surest`; its
                `rotation` says which it is.

        Raises:
            ValueError: on an image that cannot be read (naming it), a lexicon of the wrong length, or options that
                cannot be combined.
        """
        options = decode_options(
            num_best, characters, open_lexicon, allowed, pattern, language_model, open_gap, match_case
        )
        predictions = []
        images = _listed(images)
        for number, found in enumerate(self.read_each(images, lexicon, options, upright), start=1):
            if isinstance(found, ValueError):
                is_named = isinstance(images[number - 1], str | Path)
                raise found if is_named or len(images) == 1 else ValueError(f"image {number} of {len(images)}: {found}")
            predictions.append(found.prediction)
        return predictions

    def read_each(
        self,
        images: Iterable[ImageSource],
        lexicon: Lexicon | Sequence[str] | None = None,
        options: DecodeOptions = PLAIN,
        upright: bool = False,
    ) -> Iterator[Reading | ValueError]:
        """Read images in order, a window at a time; see `read_many`, and `decode_options` for the options.

        Returns:
            For each image what was read, or the error that kept it from being loaded.

        Raises:
            ValueError: before anything is read, on a single image, a lexicon of the wrong length, or options that
                cannot be combined.
        """
        images = _listed(images)
        if not isinstance(options, DecodeOptions):
            raise ValueError(f"options are what `decode_options` returns, found {type(options).__name__}")
        if lexicon is None and (options.is_open or options.match_case):
            raise ValueError("open_lexicon, open_gap and match_case need a lexicon; give one")
        decoder = self.decoder(options)
        if lexicon is not None:
            lexicon = lexicon if isinstance(lexicon, Lexicon) else Lexicon.shared(lexicon)
            self.check_lexicon(lexicon, len(images), options.match_case)
        return self._read_each(images, lexicon, decoder, upright)

    def _read_each(
        self, images: Sequence[ImageSource], lexicon: Lexicon | None, decoder: Decoder, upright: bool
    ) -> Iterator[Reading | ValueError]:
        first = 0
        for window in load_ahead(images, self.preprocessor, self.window, upright):
            numbered = enumerate(window, start=first)
            shown = [(number, views) for number, views in numbered if not isinstance(views, ValueError)]
            predictions = iter(self._predicted(shown, lexicon, decoder))
            for views in window:
                yield views if isinstance(views, ValueError) else Reading(views[0].image, next(predictions))
            first += len(window)

    def _predicted(
        self, shown: Sequence[tuple[int, list[View]]], lexicon: Lexicon | None, decoder: Decoder
    ) -> list[Prediction]:
        """Read images, each given by its number and its views."""
        if not shown:
            return []
        views = [view for _, each in shown for view in each]
        images = [view.image for view in views]
        lists = None if lexicon is None else [lexicon.words(number) for number, each in shown for _ in each]
        found: dict[int, Prediction] = {}
        for batch, frames in self._batches([view.resized for view in views]):
            crops = [images[index] for index in batch]
            found.update(zip(batch, _decoded(decoder, frames, batch, crops, lists), strict=True))
        predictions = self.look_again(decoder, images, [found[index] for index in range(len(views))], lists)
        ways = [[view.rotation for view in each] for _, each in shown]
        return surest(predictions, ways)

    def decoder(self, options: DecodeOptions = PLAIN) -> Decoder:
        """Return a decoder of this network's frames.

        Raises:
            ValueError: on options that cannot be combined, or do not fit the charset.
        """
        return Decoder(self.charset, self.calibration, options)

    def check_lexicon(self, lexicon: Lexicon, num_images: int, match_case: bool = False) -> None:
        """Check that a lexicon fits the network and the number of images; see `decoding.lexicon.check_lexicon`."""
        num_lists = num_images if lexicon.per_image else 1  # one list for all is checked, and warned of, once
        check_lexicon(lexicon, num_lists, self.charset, self.num_frames(self.preprocessor.widest), match_case)

    def look_again(
        self,
        decoder: Decoder,
        images: Sequence[Pixels],
        predictions: Sequence[Prediction],
        lists: Sequence[Sequence[str]] | None = None,
        recognise: Callable[[Sequence[Pixels]], Frames] | None = None,
    ) -> list[Prediction]:
        """Look again at images that were not read confidently, if this reader does so; see `decoding.looks`.

        Args:
            decoder: the one that the images were first read with.
            images: grayscale (H, W).
            predictions: the first reading of each.
            lists: the words allowed for each; None: lexicon-free.
            recognise: runs the network; by default the method of this reader.
        """
        if not self.second_look:
            return list(predictions)
        run = recognise or self.recognise

        def read(rows: Sequence[int], looks: Sequence[Pixels], crops: Sequence[Pixels]) -> list[Prediction]:
            return _decoded(decoder, run(looks), rows, crops, lists)

        return look_again(images, predictions, read)

    def recognise(self, images: Sequence[Pixels]) -> Frames:
        """Run the network once on grayscale images (H, W) of any size, batched by padded width."""
        found: dict[int, NDArray[np.float32]] = {}
        for batch, frames in self._batches([self.preprocessor.resize(image) for image in images]):
            found |= zip(batch, frames.each(), strict=True)
        return Frames.of([found[index] for index in range(len(images))])

    def _batches(self, resized: Sequence[Pixels]) -> Iterator[tuple[list[int], Frames]]:
        """Run the network on resized images, batched by padded width; yield each batch's indices and frames."""
        by_width: dict[int, list[int]] = {}
        for index, image in enumerate(resized):
            by_width.setdefault(self.preprocessor.padded_width(image), []).append(index)
        widths = sorted(by_width, reverse=True)  # the slowest first
        batches = [batch for width in widths for batch in batched(by_width[width], self.batch_size)]
        for batch, (log_probs, lengths) in zip(
            batches, self._run([[resized[index] for index in batch] for batch in batches]), strict=True
        ):
            yield batch, Frames(self.merging(log_probs), lengths)

    def _run(self, batches: Sequence[Sequence[Pixels]]) -> Iterable[tuple[NDArray[np.float32], list[int]]]:
        """Run the network on batches of resized images, each of one padded width; see `_forward`."""
        return (self._forward(*self._stacked(batch)) for batch in batches)

    def _stacked(self, batch: Sequence[Pixels]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the arguments of `_forward` for resized images of one padded width."""
        pixels, widths = self.preprocessor.stack(batch)
        return self.preprocessor.normalise(pixels), widths


def _listed(images: Iterable[ImageSource]) -> list[ImageSource]:
    """Return images as a list; an array of several gray ones is (N, H, W).

    Raises:
        ValueError: on a single image.
    """
    if isinstance(images, np.ndarray):
        is_one = images.ndim < 3 or (images.ndim == 3 and images.shape[2] in (1, 3, 4))
    else:
        is_one = isinstance(images, str | bytes | Path) or not isinstance(images, Iterable)
    if is_one:
        raise ValueError("expected a list of images, found a single one; use `read`")
    return list(images)


def _decoded(
    decoder: Decoder,
    frames: Frames,
    rows: Sequence[int],
    crops: Sequence[Pixels],
    lists: Sequence[Sequence[str]] | None,
) -> list[Prediction]:
    """Decode frames; image i has the words `lists[rows[i]]`, and its characters are placed on `crops[i]`."""
    held = None if lists is None else [lists[row] for row in rows]
    return decoder(frames.log_probs, frames.lengths, held, crops)


def surest(predictions: Iterable[Prediction], rotations: Iterable[Iterable[int]]) -> list[Prediction]:
    """Choose a reading of each image, the first of equally good ones.

    Text that lies on its side is often read as one or two characters, without much doubt. So the reading w chosen is

        argmax_w  log p(w | image) + PER_CHARACTER * (number of characters of w)

    Args:
        predictions: the readings, one for each rotation of the first image, then of the second, ...
        rotations: for each image, the degrees by which it was turned; see `loading.rotations`.

    Returns:
        For each image the chosen reading, with its `rotation`.
    """
    remaining = iter(predictions)
    readings = [[replace(next(remaining), rotation=rotation) for rotation in ways] for ways in rotations]
    return [max(ways, key=lambda way: way.log_likelihood + PER_CHARACTER * len(way.text)) for ways in readings]


def decode_options(
    num_best: int = 1,
    characters: bool = False,
    open_lexicon: bool = False,
    allowed: str | None = None,
    pattern: str | None = None,
    language_model: NGram | str | Path | None = None,
    open_gap: float | None = None,
    match_case: bool = False,
) -> DecodeOptions:
    """Build the options of a decoder from those of `BaseReader.read_many`."""
    if language_model is not None:
        from grcnn_ocr.text.ngram import NGram

        if isinstance(language_model, str | Path):
            language_model = NGram.load(language_model)
        if not isinstance(language_model, NGram):
            found = type(language_model).__name__
            raise ValueError(f"a language model is an `NGram`, a file of `grcnn-ocr lm build` or a name; found {found}")
    beam = None
    if allowed is not None or pattern is not None or language_model is not None:
        beam = BeamOptions(
            allowed=None if allowed is None else frozenset(allowed), pattern=pattern, language_model=language_model
        )
    is_open = open_lexicon or open_gap is not None
    return DecodeOptions(num_best, characters, is_open, open_gap, match_case=match_case, beam=beam)
