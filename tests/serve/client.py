"""A server in a thread, on a free port, and a client of it: real HTTP."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass
class Reply:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> Reply:
        return self._send(urllib.request.Request(self.address + path, headers=headers))

    def post(self, path: str, body: bytes, kind: str) -> Reply:
        return self._send(urllib.request.Request(self.address + path, body, {"Content-Type": kind}))

    def read(self, *files: bytes | tuple[str, bytes], **fields: str) -> Reply:
        """Post files, or (name, bytes), as a form."""
        parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
        for file in files:
            name, data = file if isinstance(file, tuple) else ("a.png", file)
            parts.append(f'name="images"; filename="{name}"\r\n\r\n'.encode() + data)
        body = b"".join(b"--limit\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts)
        return self.post("/read", body + b"--limit--\r\n", "multipart/form-data; boundary=limit")

    def read_json(self, **fields: Any) -> Reply:
        return self.post("/read", json.dumps(fields).encode(), "application/json")

    def _send(self, request: urllib.request.Request) -> Reply:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.headers, error.read())


@contextmanager
def served(app: Any) -> Iterator[Client]:
    """Serve an application until the block ends."""
    uvicorn = pytest.importorskip("uvicorn", reason="the serve extra is absent: no test of the server did run")

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started.set()

    started = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(uvicorn.Config(app, log_config=None, ws="none", server_header=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert started.wait(60)
        yield Client(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
