"""Reading configurations from YAML files and `--set`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from grcnn_ocr.config.classes import ClassesConfig
from grcnn_ocr.config.engine import EngineConfig
from grcnn_ocr.config.schema import Config
from grcnn_ocr.registry import closest

S = TypeVar("S", bound=BaseModel)
Task = Literal["words", "classes"]
AnyConfig = Config | ClassesConfig
SCHEMAS: dict[Task, type[Config] | type[ClassesConfig]] = {"words": Config, "classes": ClassesConfig}


def list_configs(task: Task = "words") -> list[str]:
    """Return the names of the packaged configurations of a task, without `.yaml`."""
    return [name for name in _packaged_names() if read_yaml(_packaged() / f"{name}.yaml").get("task", "words") == task]


def load_config(name: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read the configuration of a recogniser, as `load_any_config` does; one of a classifier is an error."""
    config = load_any_config(name, overrides)
    if config.task != "words":
        raise ValueError(f"{name} configures an image classifier, expected a recogniser: {', '.join(list_configs())}")
    return config


def load_any_config(name: str | Path, overrides: Sequence[str] = ()) -> AnyConfig:
    """Read a configuration and apply `key.path=value` overrides.

    Args:
        name: a path, or the name of a packaged configuration with or without `.yaml`.
        overrides: as given to `--set`; values are YAML.

    Raises:
        ValueError: on a file that does not exist or does not parse, an unknown key or a wrong value.
    """
    path = Path(name)
    if path.is_file():
        values = read_yaml(path)
    elif path.stem in _packaged_names() and path.parent == Path() and path.suffix in ("", ".yaml"):
        values = read_yaml(_packaged() / f"{path.stem}.yaml")
    else:
        known = _packaged_names()
        raise ValueError(
            f"no configuration {str(name)!r}: neither a file nor a packaged one{closest(path.stem, known)} "
            f"(packaged: {', '.join(known)})"
        )
    return parse_config({"name": path.stem, **values}, str(name), overrides)


def load_engine_config(path: Path | None = None, overrides: Sequence[str] = ()) -> EngineConfig:
    """Read the word engine's settings; without a file, the defaults. Raises ValueError as `load_config` does."""
    if path is not None and not path.is_file():
        raise ValueError(f"no settings file {path}")
    values = _overridden(read_yaml(path) if path else {}, overrides)
    return checked(EngineConfig, values, str(path or "--set"), overrides)


def parse_config(values: dict[str, Any], source: str, overrides: Sequence[str] = ()) -> AnyConfig:
    """Validate plain values by the schema of their task, by default words; errors name `source`."""
    values = _overridden(values, overrides)
    task = values.get("task", "words")
    if not isinstance(task, str) or task not in SCHEMAS:
        raise ValueError(
            f"{_origin('task', source, overrides)}: task: expected one of {', '.join(SCHEMAS)} (found {task!r})"
        )
    return checked(SCHEMAS[task], values, source, overrides)


def checked(schema: type[S], values: dict[str, Any], source: str, overrides: Sequence[str] = ()) -> S:
    """Validate plain values by a schema; errors name `source`.

    Raises:
        ValueError: on unknown keys or wrong values, naming each.
    """
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        problems: dict[str, list[str]] = {}
        for item in error.errors():
            origin = _origin(_key(item), source, overrides)
            problems.setdefault(origin, []).append(_explain(item, schema))
        raise ValueError("; ".join(f"{origin}: {'; '.join(found)}" for origin, found in problems.items())) from None


def _origin(key: str, source: str, overrides: Sequence[str]) -> str:
    """Return where the value of a key comes from: the last override of it or of its section, else `source`."""
    for override in reversed(overrides):
        if f"{key}.".startswith(f"{override.partition('=')[0]}."):
            return f"--set {override}"
    return source


def _key(item: Any) -> str:
    return ".".join(map(str, item["loc"]))


def read_yaml(path: Any) -> dict[str, Any]:
    """Read a YAML file of keys and values.

    Raises:
        ValueError: if it is not that, naming the file.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: {error}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: something that looks like a date
        raise ValueError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected keys and values, found {type(values).__name__}")
    return values


def _overridden(values: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    for override in overrides:
        _apply(values, override)
    return values


def _packaged() -> Any:
    return resources.files("grcnn_ocr") / "configs"


def _packaged_names() -> list[str]:
    return sorted(Path(entry.name).stem for entry in _packaged().iterdir() if entry.name.endswith(".yaml"))


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ValueError(f"--set {override!r}: expected key=value, such as train.lr=1e-3")
    section, *rest = key.split(".")
    target = values
    for part in rest:
        target = target.setdefault(section, {})
        if not isinstance(target, dict):
            raise ValueError(f"--set {override!r}: {section!r} is a value, not a section")
        section = part
    try:
        target[section] = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        raise ValueError(f"--set {override!r}: {text!r} is not a YAML value") from None


def _explain(item: Any, schema: type[BaseModel]) -> str:
    key = _key(item)
    if item["type"] == "extra_forbidden":
        return f"unknown key {key!r}{closest(key, list(_keys(schema)))}"
    message = item["msg"].removeprefix("Value error, ")
    if isinstance(item["input"], dict):  # a whole section
        return f"{key}: {message}"
    return f"{key}: {message} (found {item['input']!r})"


def _keys(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield prefix + name
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _keys(kind, f"{prefix}{name}.")
