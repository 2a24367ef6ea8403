"""Answering a request: its pictures are opened, recognised together with others, and decoded by its own options."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from grcnn_ocr.decoding.lexicon import writable_forms
from grcnn_ocr.loading import rotations
from grcnn_ocr.pixels import Pixels, turned
from grcnn_ocr.reader import decode_options, surest
from grcnn_ocr.releases import released_language_models
from grcnn_ocr.serve.batching import Batcher
from grcnn_ocr.serve.limits import Limits, RefusedError, open_picture
from grcnn_ocr.serve.messages import (
    Accepted,
    Answer,
    FailedImage,
    Model,
    Models,
    Options,
    Problem,
    ReadImage,
    read_image,
)
from grcnn_ocr.serve.requests import Upload
from grcnn_ocr.text.ngram import NGram

if TYPE_CHECKING:
    from grcnn_ocr.decoding.decoder import Decoder, Prediction
    from grcnn_ocr.decoding.frames import Frames
    from grcnn_ocr.reader import BaseReader

WIDEST = 32.0
"""Largest ratio of width to height, for a network that sees every crop at one width."""


class Service:
    """Answers requests; each in a thread of its own.

    Args:
        reader: reads the images; only the batcher's thread runs its network.
        name: of the weights, for the answers.
        limits: of what is accepted.
    """

    def __init__(self, reader: BaseReader, name: str, limits: Limits) -> None:
        self.reader = reader
        self.name = name
        self.limits = limits
        self.batcher = Batcher(reader.recognise, max_waiting=limits.waiting)
        shape = reader.preprocessor
        self.widest = shape.widest / shape.height if shape.width == "proportional" else WIDEST

    def answer(self, uploads: Sequence[Upload], options: Options) -> Answer:
        """Read the pictures of a request.

        Raises:
            RefusedError: on options that do not fit the network, or if too many images wait for it.
        """
        words = None if options.lexicon is None else tuple(options.lexicon)
        decoder = self._decoder(options)
        ignored = [] if words is None else self._ignored(words, options.match_case)
        opened = self._open(uploads, options.upright)
        pictures = [picture for picture in opened if not isinstance(picture, RefusedError)]
        read = iter(self._read(pictures, decoder, words, options.upright))
        results: list[ReadImage | FailedImage] = []
        for upload, picture in zip(uploads, opened, strict=True):
            if isinstance(picture, RefusedError):
                problem = Problem(code=picture.code, message=str(picture))
                results.append(FailedImage(name=upload.name, error=problem))
            else:
                results.append(read_image(upload.name, picture.shape, next(read)))
        return Answer(model=self.name, results=results, ignored_words=ignored)

    def describe(self) -> Models:
        """Describe the network and the limits."""
        decoder = self.reader.decoder()
        model = Model(name=self.name, charset=decoder.charset.characters, open_gap=decoder.calibration.open_gap)
        accepted = {name: getattr(self.limits, name) for name in Accepted.model_fields}
        return Models(models=[model], language_models=list(released_language_models()), limits=Accepted(**accepted))

    def _decoder(self, options: Options) -> Decoder:
        language_model = None if options.language_model is None else _language_model(options.language_model)
        wanted = decode_options(
            options.num_best,
            options.characters,
            options.open_lexicon,
            options.allowed,
            language_model=language_model,
            open_gap=options.open_gap,
            match_case=options.match_case,
        )
        try:
            return self.reader.decoder(wanted)
        except ValueError as error:
            raise RefusedError("bad_request", str(error)) from None

    def _ignored(self, words: Sequence[str], match_case: bool) -> list[str]:
        """Return the words of a list that can never be an answer."""
        charset = self.reader.charset
        listed = charset.as_listed(words, match_case)
        distinct = dict.fromkeys(words)
        ignored = [word for word in distinct if not writable_forms(word, listed)]
        if len(ignored) == len(distinct):
            raise RefusedError(
                "bad_request",
                f"none of the {len(distinct)} words can be written in charset {charset.name!r}: {charset.characters}",
            )
        return ignored

    def _open(self, uploads: Sequence[Upload], upright: bool) -> list[Pixels | RefusedError]:
        opened: list[Pixels | RefusedError] = []
        pixels_left = self.limits.request_pixels
        for upload in uploads:
            try:
                if upload.data is None:
                    raise RefusedError(
                        "not_base64", "not base64 of the standard alphabet, without line breaks or a prefix"
                    )
                picture = open_picture(upload.data, self.limits, self.widest, pixels_left)
                pixels_left -= picture.size * len(rotations(picture, upright))
                opened.append(picture)
            except RefusedError as refused:
                opened.append(refused)
        return opened

    def _read(
        self, pictures: Sequence[Pixels], decoder: Decoder, words: tuple[str, ...] | None, upright: bool
    ) -> list[Prediction]:
        if not pictures:
            return []
        ways = [rotations(picture, upright) for picture in pictures]
        views = [turned(picture, way) for picture, its_ways in zip(pictures, ways, strict=True) for way in its_ways]
        lists = None if words is None else [words] * len(views)
        frames = self.batcher.submit(views).result()
        predictions = decoder(frames.log_probs, frames.lengths, lists, views)

        def recognise(images: Sequence[Pixels]) -> Frames:
            return self.batcher.submit(images, is_new=False).result()

        return surest(self.reader.look_again(decoder, views, predictions, lists, recognise), ways)


@cache
def _language_model(name: str) -> NGram:
    """Return a released language model; paths of files are not accepted."""
    released = released_language_models()
    if name not in released:
        raise RefusedError("bad_request", f"no language model {name[:80]!r}; there are: {', '.join(released)}")
    return NGram.load(released[name])
