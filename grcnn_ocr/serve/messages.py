"""The fields of requests and answers, as the OpenAPI document describes them."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from grcnn_ocr.decoding.decoder import Prediction
from grcnn_ocr.loading import TALL

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Options(BaseModel):
    """How images are to be read."""

    model_config = ConfigDict(extra="forbid")

    lexicon: Annotated[list[str] | None, Field(description="Words that the answers may be, for all images.")] = None
    open_lexicon: Annotated[bool, Field(description="Read freely where no word of the list fits well enough.")] = False
    open_gap: Annotated[
        Finite | None,
        Field(description="How much worse a word may fit, in nats, before the free reading takes its place."),
    ] = None
    match_case: Annotated[
        bool,
        Field(
            description="Whether a picture must show a word of the list as it is spelled. By default case and "
            "accents are ignored, and so are the punctuation marks that no word of the list has."
        ),
    ] = False
    allowed: Annotated[
        str | None,
        Field(max_length=1000, description="Characters that may be read, such as 0123456789; not with a list."),
    ] = None
    language_model: Annotated[
        str | None,
        Field(
            max_length=100,
            description="Prefer likely texts: one of the models in /models, such as english; not with a list.",
        ),
    ] = None
    num_best: Annotated[int, Field(ge=1, description="How many alternatives to return.")] = 1
    characters: Annotated[bool, Field(description="Whether to return the position of each character.")] = True
    upright: Annotated[
        bool,
        Field(
            description=f"Whether a picture more than {TALL} times as high as wide is also read turned by 90 degrees "
            "either way; the likeliest of the three readings for its length is the answer."
        ),
    ] = False


class JsonRequest(Options):
    """The body of a request in JSON."""

    images: Annotated[list[str], Field(description="Encoded pictures, in base64.")]


def form_schema() -> dict[str, Any]:
    """Describe the body of a request as multipart form data, which `requests` reads."""
    schema = Options.model_json_schema()
    images = {"type": "array", "items": {"type": "string", "format": "binary"}, "description": "One file per picture."}
    words = {"type": "string", "description": "Words that the answers may be, one per line, for all images."}
    schema["properties"] = {"images": images, **schema["properties"], "lexicon": words}
    return {**schema, "title": "FormRequest", "required": ["images"]}


class Problem(BaseModel):
    """What is wrong."""

    code: Annotated[str, Field(description="For programs.", examples=["too_many_pixels"])]
    message: Annotated[str, Field(description="For people.")]


class Failure(BaseModel):
    """A picture that could not be read, or a request that could not be served."""

    error: Problem


class FailedImage(Failure):
    """A picture that could not be read."""

    name: str


class CharacterAnswer(BaseModel):
    """A character of a reading, and its span."""

    text: str
    confidence: float
    left: Annotated[float, Field(description="In pixels of the picture, turned by EXIF and by `rotation`.")]
    right: Annotated[float, Field(description="Likewise; greater than `left`.")]


class AlternativeAnswer(BaseModel):
    """One of the likeliest texts."""

    text: str
    log_likelihood: Annotated[float | None, Field(description="In nats; null: impossible.")]
    posterior: Annotated[float | None, Field(description="Its share of the list's likelihood.")]


class ReadImage(BaseModel):
    """What was read in a picture."""

    name: Annotated[str, Field(description="The file's name, or `image N`.")]
    width: Annotated[int, Field(description="Pixels, after turning by EXIF.")]
    height: int
    text: str
    confidence: Annotated[float, Field(description="The probability that the text is right.")]
    log_likelihood: Annotated[float | None, Field(description="In nats; null: impossible.")]
    from_lexicon: Annotated[bool, Field(description="Whether the text is a word of the list.")]
    alternatives: list[AlternativeAnswer]
    characters: Annotated[
        list[CharacterAnswer] | None, Field(description="Null if not asked for, or if the picture is too narrow.")
    ]
    rotation: Annotated[
        int,
        Field(
            description="Degrees clockwise, 0, 90 or 270, by which the picture was turned to be read. A span then lies "
            "down the picture as sent: from height - right to height - left if 90, from left to right if 270."
        ),
    ]


class Answer(BaseModel):
    """One result per image, in the order of the request."""

    model: str
    results: list[ReadImage | FailedImage]
    ignored_words: Annotated[
        list[str], Field(description="Words of the list with characters that the network does not know.")
    ]


class Health(BaseModel):
    """The state of the server."""

    status: str
    waiting: Annotated[int, Field(description="Images in the queue.")]
    images: Annotated[int, Field(description="Images that the network has read.")]
    batches: Annotated[int, Field(description="Forward passes; requests that arrive together share one.")]


class Model(BaseModel):
    """The network that is served."""

    name: str
    charset: Annotated[str, Field(description="The characters that it can read.")]
    open_gap: Annotated[float | None, Field(description="Default of open_gap, if one was chosen on validation data.")]


class Accepted(BaseModel):
    """The limits of a request."""

    image_bytes: int
    image_pixels: int
    request_bytes: int
    images: int
    words: int
    num_best: int


class Models(BaseModel):
    """What is served, and what is accepted."""

    models: list[Model]
    language_models: Annotated[list[str], Field(description="Accepted as language_model.")]
    limits: Accepted


def read_image(name: str, shape: tuple[int, ...], prediction: Prediction) -> ReadImage:
    """Build the answer for an image (H, W) from its prediction."""
    return ReadImage(
        name=name,
        width=shape[1],
        height=shape[0],
        text=prediction.text,
        confidence=prediction.confidence,
        log_likelihood=_finite(prediction.log_likelihood),
        from_lexicon=prediction.from_lexicon,
        alternatives=[
            AlternativeAnswer(text=a.text, log_likelihood=_finite(a.log_likelihood), posterior=a.posterior)
            for a in prediction.alternatives
        ],
        characters=None
        if prediction.characters is None
        else [CharacterAnswer(**vars(character)) for character in prediction.characters],
        rotation=prediction.rotation,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
