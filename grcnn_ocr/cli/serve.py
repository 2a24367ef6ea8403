"""`grcnn-ocr serve`: reading over HTTP, and a page to try it on."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from grcnn_ocr.cli.console import console, errors
from grcnn_ocr.cli.readers import CHARSET, DEVICE_OR_FASTEST, PRECISION, SECOND_LOOK, WEIGHTS, open_reader

if TYPE_CHECKING:
    import socket

NEEDED = ("fastapi", "uvicorn", "python_multipart")


def serve(
    weights: Annotated[str | None, typer.Option(help=WEIGHTS)] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; by default only this machine can connect.")
    ] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="A host name to accept, such as the one that a proxy in front forwards. May be repeated.",
            show_default="any if --host is reachable from other machines, else this machine's own",
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 8000,
    charset: Annotated[str | None, typer.Option(help=CHARSET)] = None,
    device: Annotated[str | None, typer.Option(help=DEVICE_OR_FASTEST)] = None,
    precision: Annotated[str | None, typer.Option(help=PRECISION)] = None,
    second_look: Annotated[bool, typer.Option(help=SECOND_LOOK)] = True,
    max_megabytes: Annotated[
        float, typer.Option(min=0.01, max=1000, help="Largest encoded picture; a request may hold four times as much.")
    ] = 8.0,
    max_images: Annotated[int, typer.Option(min=1, max=256, help="Images per request.")] = 64,
) -> None:
    """Serve a page to drop crops on, and /read for programs; /docs describes it."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ValueError(f"serving needs {', '.join(missing)}: pip install fastapi uvicorn python-multipart")
    from grcnn_ocr.serve import MAX_PIXELS

    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))  # read by OpenCV when it is imported
    import uvicorn

    from grcnn_ocr.serve.app import LOOPBACK, create_app
    from grcnn_ocr.serve.limits import MEGABYTE, Limits

    names = [name.lower() for name in allow_host or ()]
    for name in names:
        if not name or "/" in name or name.count(":") == 1:
            raise ValueError(f"--allow-host {name}: expected a name without scheme and port, such as ocr.example.org")
    limits = Limits(image_bytes=round(max_megabytes * MEGABYTE), images=max_images)
    listener = _listen(host, port)
    is_local = host in LOOPBACK
    opened = open_reader(weights, device, precision=precision, charset=charset, second_look=second_look)
    app = create_app(
        opened.reader, opened.name, limits, {*LOOPBACK, host.lower(), *names} if is_local or names else None
    )
    shown = f"[{host}]" if ":" in host else host
    if not is_local:
        errors.print(
            f"warning: {host} is reachable from other machines, without a password or encryption; put a proxy with "
            "both in front, or leave --host out"
        )
    address = f"http://{shown}:{listener.getsockname()[1]}"
    console.print(f"{address} reads with {opened.name} on {opened.device}; Ctrl+C ends it")
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="none", server_header=False, limit_concurrency=256
    )
    uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """Open the socket before the network is loaded, so that a port in use is reported at once."""
    import socket

    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), port), family=family)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or error
        raise ValueError(f"cannot listen on {host} port {port}: {reason}") from None
