"""A server for the tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serve.client import Client, served

from grcnn_ocr.reading import Recognizer
from grcnn_ocr.releases import DEFAULT


@pytest.fixture(scope="session")
def recognizer() -> Recognizer:
    return Recognizer(device="cpu")


@pytest.fixture(scope="session")
def server(recognizer: Recognizer) -> Iterator[Client]:
    """The released weights, served with the usual limits."""
    pytest.importorskip("fastapi", reason="the serve extra is absent: no test of the server did run")
    from grcnn_ocr.serve.app import create_app

    with served(create_app(recognizer, DEFAULT)) as client:
        yield client
