"""Builders by name. `build.py` imports the modules that register them."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pydantic import ValidationError, validate_call

T = TypeVar("T")


def closest(name: str, known: list[str]) -> str:
    """Return `"; did you mean 'x'?"` for the nearest known name, or an empty string."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


class Registry(Generic[T]):
    """The builders of one kind of object, by name.

    Args:
        kind: what is built, for error messages ("front end").
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._builders: dict[str, Callable[..., T]] = {}

    def register(self, name: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
        """Decorate a typed builder function; its keyword arguments are the options a config may set."""

        def decorate(builder: Callable[..., T]) -> Callable[..., T]:
            if name in self._builders:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._builders[name] = builder
            return builder

        return decorate

    def names(self) -> list[str]:
        """Return the registered names in alphabetical order."""
        return sorted(self._builders)

    def build(self, name: str, options: dict[str, Any]) -> T:
        """Call the builder of `name` with `options`, checked against its signature and annotations.

        Raises:
            ValueError: on an unknown name, an unknown option or a value of the wrong type.
        """
        if name not in self._builders:
            raise ValueError(
                f"unknown {self.kind} {name!r}{closest(name, self.names())} (known: {', '.join(self.names())})"
            )
        checked = validate_call(self._builders[name])
        try:
            return checked(**options)
        except ValidationError as error:
            problems = "; ".join(
                f"option {'.'.join(map(str, item['loc']))!r}: {item['msg'].lower()}" for item in error.errors()
            )
            raise ValueError(f"{self.kind} {name!r}: {problems}") from None
