"""The configuration: frozen, typed and strict. YAML files and `--set` only supply values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, ValidationError

from grcnn_ocr.registry import closest


class Frozen(BaseModel):
    """A section of the configuration: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def seconds(value: object) -> object:
    """Turn `"90s"`, `"20m"` or `"1h30m"` into seconds; numbers are seconds already."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", value.strip())
    if not value.strip() or not match:
        raise ValueError(f"{value!r} is not a duration; write it like 90s, 20m or 1h30m")
    hours, minutes, rest = (int(group or 0) for group in match.groups())
    return hours * 3600 + minutes * 60 + rest


class CharsetConfig(Frozen):
    """Which characters the network knows and how a label is folded to them (`text/charset.py`)."""

    characters: str = "alnum36"
    """A name (digits, alnum36, alnum62, ascii94) or the characters themselves."""
    fold_case: bool = True
    fold_accents: bool = True
    drop_punctuation: bool = True


class PreprocessConfig(Frozen):
    """How a decoded image becomes the network's input (`preprocess.py`)."""

    height: Literal[32] = 32
    """What the front ends take."""
    width: int = Field(100, gt=0)
    mean: float = 128.0
    scale: float = Field(128.0, gt=0)
    interpolation: Literal["area", "bicubic"] = "area"


class FrontEndConfig(BaseModel):
    """A registered front end and its options, which its builder's signature checks."""

    model_config = ConfigDict(frozen=True, extra="allow")
    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The options, without the name."""
        return dict(self.model_extra or {})


class ModelConfig(Frozen):
    """Front end, then one BiLSTM for every entry of `lstm_features`, the last of which writes the logits."""

    front_end: FrontEndConfig
    lstm_features: tuple[PositiveInt, ...] = Field((512, 512), min_length=1)


class DataConfig(Frozen):
    """Where words come from: an LMDB or a label file (`path<TAB>label`)."""

    train: str = "data/samples/train.tsv"
    validation: str | None = None
    """Without one, `holdout` of the training words is set aside by `train.seed`."""
    holdout: float = Field(0.05, gt=0, lt=1)
    workers: int = Field(1, ge=0)
    augment: float = Field(1.0, ge=0, le=2)
    """Strength of the training-time augmentation; 0 turns it off."""


class TrainConfig(Frozen):
    """The optimisation. A time budget, when given, takes the place of `steps`."""

    batch_size: int = Field(32, gt=0)
    steps: int | None = Field(None, gt=0)
    time_budget: Annotated[float | None, BeforeValidator(seconds)] = Field(None, gt=0)
    optimizer: Literal["adamw", "adadelta", "sgd"] = "adamw"
    lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    schedule: Literal["cosine", "one_cycle", "constant"] = "cosine"
    warmup_steps: int = Field(100, ge=0)
    clip_norm: float | None = Field(20.0, gt=0)
    ema_decay: float = Field(0.999, ge=0, lt=1)
    """Ceiling of the warmed-up decay of the weights' moving average; 0 turns the average off."""
    precision: Literal["auto", "bf16", "float32"] = "auto"
    validate_every: int | None = Field(None, gt=0)
    """In steps; by default ten times in a run."""
    seed: int = Field(0, ge=0)


class Config(Frozen):
    """Everything that defines one recogniser and its training."""

    name: str = "unnamed"
    task: Literal["words"] = "words"
    charset: CharsetConfig = CharsetConfig()
    preprocess: PreprocessConfig = PreprocessConfig()
    model: ModelConfig
    data: DataConfig = DataConfig()
    train: TrainConfig = TrainConfig()


def list_configs() -> list[str]:
    """Return the names of the packaged configurations, without `.yaml`."""
    return sorted(Path(entry.name).stem for entry in _packaged().iterdir() if entry.name.endswith(".yaml"))


def load_config(name: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read a configuration and apply `key.path=value` overrides.

    Args:
        name: a path, or the name of a packaged configuration with or without `.yaml`.
        overrides: as given to `--set`; values are YAML.

    Raises:
        ValueError: on a file that does not exist or does not parse, an unknown key or a wrong value.
    """
    path = Path(name)
    if path.is_file():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{name} is not UTF-8 text: {error}") from None
    elif path.stem in list_configs() and path.parent == Path() and path.suffix in ("", ".yaml"):
        text = (_packaged() / f"{path.stem}.yaml").read_text(encoding="utf-8")
    else:
        known = list_configs()
        raise ValueError(
            f"no configuration {str(name)!r}: neither a file nor a packaged one{closest(path.stem, known)} "
            f"(packaged: {', '.join(known)})"
        )
    try:
        values = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{name}: not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{name}: expected keys and values, found {type(values).__name__}")
    values.setdefault("name", path.stem)
    for override in overrides:
        _apply(values, override)
    return parse_config(values, source=str(name))


def parse_config(values: dict[str, Any], source: str) -> Config:
    """Check plain values against the schema; `source` names them in an error."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ValueError(f"{source}: " + "; ".join(_explain(item) for item in error.errors())) from None


def _packaged() -> Any:
    return resources.files("grcnn_ocr") / "configs"


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
    except yaml.YAMLError:
        raise ValueError(f"--set {override!r}: {text!r} is not a YAML value") from None


def _explain(item: Any) -> str:
    key = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden":
        return f"unknown key {key!r}{closest(key, list(_keys(Config)))}"
    return f"{key}: {item['msg']} (found {item['input']!r})"


def _keys(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield prefix + name
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _keys(kind, f"{prefix}{name}.")
