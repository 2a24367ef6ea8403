"""From the bytes of a request to its images and options."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from grcnn_ocr.serve.limits import Limits, RefusedError
from grcnn_ocr.serve.messages import JsonRequest, Options
from grcnn_ocr.wording import counted


@dataclass(frozen=True)
class Upload:
    """A picture as it was sent; `data` is None if its base64 is invalid."""

    name: str
    data: bytes | None


async def parse(request: Request, limits: Limits) -> tuple[list[Upload], Options]:
    """Read the body of a request, multipart or JSON.

    Raises:
        RefusedError: if it is too large, of another type, or not as described in `messages`.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "multipart/form-data"):
        raise RefusedError(
            "unknown_body",
            f"a body of type {kind[:80]!r}; expected multipart/form-data or application/json",
            status=415,
        )
    body = await _body(request, limits.request_bytes)
    uploads, options = _from_json(body) if kind == "application/json" else await _from_form(request, body, limits)
    if not uploads:
        raise RefusedError("no_images", "no images; give at least one")
    if len(uploads) > limits.images:
        raise RefusedError("too_many_images", f"{len(uploads)} images; at most {limits.images} a request", status=413)
    _check(options, limits)
    return uploads, options


async def _body(request: Request, most: int) -> bytes:
    message = f"the request holds more than {most} bytes"
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise RefusedError("too_many_bytes", message, status=413)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise RefusedError("too_many_bytes", message, status=413)
    return bytes(body)


def _from_json(body: bytes) -> tuple[list[Upload], Options]:
    try:
        found = JsonRequest.model_validate_json(body)
    except ValidationError as error:
        raise _misfit(error) from None
    uploads = [Upload(f"image {number}", _from_base64(text)) for number, text in enumerate(found.images, start=1)]
    return uploads, found


def _from_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


async def _from_form(request: Request, body: bytes, limits: Limits) -> tuple[list[Upload], Options]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    if not body.rstrip().endswith(b"--"):  # the parser would silently drop an incomplete part
        raise RefusedError("broken_form", "not a form, or an incomplete one: its last boundary is missing")
    fields = len(Options.model_fields)
    opened = Request(request.scope, receive).form(
        max_files=limits.images, max_fields=fields, max_part_size=limits.request_bytes
    )
    try:
        async with opened as form:
            return await _taken_apart(form)
    except HTTPException as error:
        if error.detail.startswith("Too many files"):  # the parser counts no further
            message = f"more than {limits.images} images; at most {limits.images} a request"
            raise RefusedError("too_many_images", message, status=413) from None
        message = f"{error.detail} (at most {counted(limits.images, 'image')} and {fields} fields are accepted)"
        raise RefusedError("broken_form", message) from None
    except ValidationError as error:
        raise _misfit(error) from None


async def _taken_apart(form: FormData) -> tuple[list[Upload], Options]:
    uploads: list[Upload] = []
    values: dict[str, object] = {}
    for key, value in form.multi_items():
        if isinstance(value, UploadFile) != (key == "images"):
            raise RefusedError("broken_form", f"field {key[:80]!r}: files belong in `images`, and only files do")
        if isinstance(value, UploadFile):
            uploads.append(Upload((value.filename or f"image {len(uploads) + 1}")[:200], await value.read()))
        elif key in values:
            raise RefusedError("broken_form", f"field {key[:80]!r} is there twice")
        elif key == "lexicon":
            values[key] = [word.strip() for word in value.splitlines() if word.strip()] or None
        else:
            values[key] = value
    return uploads, Options.model_validate(values)


def _misfit(error: ValidationError) -> RefusedError:
    """Report the first error, without the value, which may be long."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    return RefusedError("bad_request", f"{place[:80]}: {first['msg'][:300]}" if place else first["msg"][:300])


def _check(options: Options, limits: Limits) -> None:
    if options.num_best > limits.num_best:
        raise RefusedError("bad_request", f"num_best {options.num_best}; at most {limits.num_best}")
    if options.lexicon is None:
        if options.open_lexicon or options.open_gap is not None or options.match_case:
            raise RefusedError("bad_request", "open_lexicon, open_gap and match_case need a lexicon; give one")
        return
    if options.allowed is not None:
        raise RefusedError("bad_request", "lexicon and allowed: give one or the other")
    if options.language_model is not None:
        raise RefusedError("bad_request", "lexicon and language_model: give one or the other")
    if not options.lexicon:
        raise RefusedError("bad_request", "the lexicon holds no words; leave it out to read freely")
    if len(options.lexicon) > limits.words:
        raise RefusedError("too_many_words", f"{len(options.lexicon)} words; at most {limits.words}", status=413)
    if (longest := max(map(len, options.lexicon))) > limits.word_length:
        raise RefusedError(
            "bad_request", f"a word of {longest} characters; at most {limits.word_length}: one word per line"
        )
