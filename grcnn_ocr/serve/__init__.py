"""Reading over HTTP: `app.create_app` makes the application, `grcnn-ocr serve` runs it."""

MAX_PIXELS = 16_000_000
"""Largest size of one picture."""
