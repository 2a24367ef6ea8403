"""The configuration of a recogniser and its training: frozen, typed and strict."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from grcnn_ocr.config.base import BuilderConfig, Frozen
from grcnn_ocr.config.engine import EngineConfig

ENGINE = "engine"
"""Given instead of a path: the word engine."""


def seconds(value: object) -> object:
    """Convert `"90s"`, `"20m"` or `"1h30m"` to seconds; numbers are returned as they are."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", value.strip())
    if not value.strip() or not match:
        raise ValueError(f"{value!r} is not a duration; write it like 90s, 20m or 1h30m")
    hours, minutes, rest = (int(group or 0) for group in match.groups())
    return hours * 3600 + minutes * 60 + rest


def training_data(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Validate the value of `data.train`; pydantic's own errors would name both of its types."""
    try:
        return validate(value)
    except ValidationError:
        raise ValueError(
            "expected engine, a path, or the share of each of several, above 0, as in {engine: 0.5, words.lmdb: 0.5}"
        ) from None


Share = Annotated[PositiveFloat, Field(allow_inf_nan=False)]


class CharsetConfig(Frozen):
    """Which characters the network knows, and how labels are folded to them (`text/charset.py`)."""

    characters: str = "alnum36"
    """A name (digits, alnum36, alnum62, ascii94, latin) or the characters themselves."""
    fold_case: bool = True
    fold_accents: bool = True
    drop_punctuation: bool = True


class PreprocessConfig(Frozen):
    """How a decoded image becomes the network's input (`preprocess.py`)."""

    height: Literal[32] = 32
    """The height that the front ends take."""
    width: Annotated[int, Field(ge=32)] | Literal["proportional"] = 100
    """Of every crop, in pixels; "proportional" keeps the aspect ratio and pads to the next multiple of 32."""
    stretch: PositiveFloat = 1.0
    """Factor on a proportional width; above 1, narrow letters get more frames."""
    min_width: PositiveInt = 32
    """The least proportional width."""
    max_width: PositiveInt = 1024
    """The greatest proportional width."""
    contrast: Literal["as_is", "stretched"] = "as_is"
    """Whether the gray levels of each crop are stretched to the full range."""
    mean: float = 128.0
    scale: float = Field(128.0, gt=0)
    interpolation: Literal["area", "bicubic"] = "area"

    @model_validator(mode="after")
    def _check(self) -> PreprocessConfig:
        if self.min_width > self.max_width:
            raise ValueError(f"min_width {self.min_width} is larger than max_width {self.max_width}")
        return self


class ModelConfig(Frozen):
    """A front end, then one BiLSTM for each entry of `lstm_features`, the last of which outputs the logits."""

    front_end: BuilderConfig
    lstm_features: tuple[PositiveInt, ...] = Field((512, 512), min_length=1)


class DataConfig(Frozen):
    """Where words come from: the word engine, LMDBs and label files (`path<TAB>label`), or a mixture of these."""

    train: Annotated[str | Annotated[dict[str, Share], Field(min_length=1)], WrapValidator(training_data)] = ENGINE
    """"engine", a path, or the share of each: {engine: 0.5, mine.lmdb: 0.5}."""
    validation: str | None = None
    """A path. None: the share `holdout` of the first stored training data, chosen by `train.seed`; with the engine
    alone, words that it never draws in training."""
    holdout: float = Field(0.05, gt=0, lt=1)
    workers: int | None = Field(None, ge=0)
    """Processes that load and draw words for each training process; by default one per remaining core, see
    `training.feed.num_workers`."""
    augment: float = Field(1.0, ge=0, le=2)
    """Strength of the augmentation of stored words; 0 turns it off."""
    engine: EngineConfig = EngineConfig()
    chosen: str | None = None
    """The file of `tools/choose_samples.py` with the engine's samples to train on; by default all."""
    reuse: PositiveInt = 1
    """How many steps use each image, some steps apart and freshly distorted on the device: for a GPU that waits for
    its data."""

    @model_validator(mode="after")
    def _chosen_are_drawn(self) -> DataConfig:
        if self.chosen is not None and ENGINE not in self.shares:
            raise ValueError(
                f"chosen: {self.chosen} selects the engine's samples: add engine to data.train, or leave it out"
            )
        return self

    @property
    def shares(self) -> dict[str, float]:
        """The share of each source, "engine" or a path, adding up to 1."""
        shares = self.train if isinstance(self.train, dict) else {self.train: 1.0}
        return {name: share / sum(shares.values()) for name, share in shares.items()}


class TrainConfig(Frozen):
    """The optimisation. `steps`, if given, overrides `time_budget`."""

    batch_size: int = Field(32, gt=0)
    """Words per step and process."""
    accumulate: PositiveInt = 1
    """Parts into which a step is divided, to need less memory; BatchNorm sees one part at a time."""
    steps: int | None = Field(None, gt=0)
    time_budget: Annotated[float | None, BeforeValidator(seconds)] = Field(None, gt=0)
    optimizer: Literal["adamw", "adadelta", "sgd"] = "adamw"
    lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    schedule: Literal["cosine", "one_cycle", "constant"] = "cosine"
    warmup_steps: int = Field(100, ge=0)
    clip_norm: float | None = Field(20.0, gt=0)
    ema_decay: float = Field(0.999, ge=0, lt=1)
    """Largest decay of the weights' moving average, after its warm-up; 0 turns the average off."""
    batch_norm: Literal["local", "synchronised", "frozen"] = "local"
    """Statistics of each process's batch, of all processes together (GPUs only), or the running ones, unchanged."""
    precision: Literal["auto", "bf16", "float32"] = "auto"
    validate_every: int | None = Field(None, gt=0)
    """In steps; by default ten times per run."""
    save_every: Annotated[float, BeforeValidator(seconds)] = Field(300.0, ge=0)
    """Duration between saved states for resuming, besides those saved at validations."""
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
