"""The application: its routes, the headers of every answer, and errors in one format."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grcnn_ocr.serve.limits import Limits, RefusedError
from grcnn_ocr.serve.messages import Answer, Failure, Health, JsonRequest, Models, Problem, form_schema
from grcnn_ocr.serve.requests import parse
from grcnn_ocr.serve.service import Service
from grcnn_ocr.wording import counted

if TYPE_CHECKING:
    from grcnn_ocr.reader import BaseReader

PAGE = Path(__file__).parent / "page"
ADDRESSES = {
    "/": "index.html",
    "/docs": "docs.html",
    "/style.css": "style.css",
    "/page.js": "page.js",
    "/docs.js": "docs.js",
    "/icon.svg": "icon.svg",
}
"""The only files that are served."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": form_schema()},
            "application/json": {"schema": JsonRequest.model_json_schema()},
        },
    }
}


def create_app(
    reader: BaseReader,
    name: str = "model",
    limits: Limits | None = None,
    hosts: Collection[str] | None = LOOPBACK,
) -> FastAPI:
    """Make the application; its lifespan owns the network's thread.

    Args:
        reader: reads the images.
        name: of the weights, for the answers.
        limits: of what is accepted.
        hosts: accepted host names, so that no other site can reach it under a name of its own (DNS rebinding); None:
            any.
    """
    service = Service(reader, name, limits or Limits())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with service.batcher:
            yield

    app = FastAPI(
        title="grcnn-ocr", summary="Reads cropped word images.", docs_url=None, redoc_url=None, lifespan=lifespan
    )
    app.add_middleware(Guard, hosts=hosts)
    for kind in (RefusedError, HTTPException, ClientDisconnect, Exception):
        app.add_exception_handler(kind, _problem)
    _add_reading(app, service)
    _add_facts(app, service)
    for address, file in ADDRESSES.items():
        app.add_api_route(address, _sends(PAGE / file), include_in_schema=False, response_class=FileResponse)
    return app


def _add_reading(app: FastAPI, service: Service) -> None:
    limits = service.limits
    num_requests = 0

    @app.post(
        "/read",
        response_model=Answer,
        openapi_extra=BODY,
        responses={
            408: {"model": Failure, "description": "The request did not arrive in time."},
            413: {"model": Failure, "description": "More bytes, images or words than are accepted."},
            415: {"model": Failure, "description": "Neither a form nor JSON."},
            422: {"model": Failure, "description": "Options that are wrong or do not go together."},
            500: {"model": Failure, "description": "An error of the server."},
            503: {"model": Failure, "description": "Busy; try again shortly."},
        },
    )
    async def read(request: Request) -> Any:
        """Read one or many cropped word images, freely or held to a list of words.

        A picture that cannot be read has an error in its place; the others are still read.
        """
        nonlocal num_requests
        if num_requests >= limits.requests:
            raise RefusedError(
                "busy", f"{counted(num_requests, 'request')} being served; try again shortly", status=503
            )
        num_requests += 1
        try:
            uploads, options = await asyncio.wait_for(parse(request, limits), limits.seconds)
            return await run_in_threadpool(service.answer, uploads, options)
        except asyncio.TimeoutError:
            raise RefusedError("slow", f"the request did not arrive within {limits.seconds:g} s", status=408) from None
        finally:
            num_requests -= 1


def _add_facts(app: FastAPI, service: Service) -> None:
    @app.get("/health", responses={503: {"model": Failure, "description": "The network's thread has ended."}})
    async def health() -> Health:
        """Say whether images can be read, and how many have been."""
        batcher = service.batcher
        if not batcher.is_alive:
            raise RefusedError("dead", "the network's thread has ended; restart the server", status=503)
        return Health(status="ok", waiting=batcher.num_waiting, images=batcher.num_images, batches=batcher.num_batches)

    @app.get("/models")
    async def models() -> Models:
        """Describe the network that is served, and what it accepts."""
        return service.describe()


def _sends(path: Path) -> Any:
    async def send() -> FileResponse:
        return FileResponse(path)

    return send


async def _problem(request: Request, error: Exception) -> Response:
    """Answer with `Failure`, whatever went wrong."""
    headers = dict(getattr(error, "headers", None) or {})
    if isinstance(error, RefusedError):
        status, code, message = error.status, error.code, str(error)
    elif isinstance(error, HTTPException):
        status, code, message = error.status_code, "http", str(error.detail)
    elif isinstance(error, ClientDisconnect):
        status, code, message = 400, "incomplete", "the request broke off"
    else:
        status, code, message = 500, "internal", "an error of the server, which logs it"
    if status == 503:
        headers["Retry-After"] = "1"
    return JSONResponse(Failure(error=Problem(code=code, message=message)).model_dump(), status, headers)


class Guard:
    """Refuses requests for other host names, and adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an ASGI request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        host = _without_port(Headers(scope=scope).get("host", ""))
        if self.hosts is None or host in self.hosts:
            await self.app(scope, receive, send_with_headers)
        else:
            refused = RefusedError("wrong_host", "not served under this name; see --allow-host", status=421)
            await (await _problem(Request(scope), refused))(scope, receive, send_with_headers)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
