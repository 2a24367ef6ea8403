"""The configuration: frozen, typed and strict. YAML files and `--set` only supply values."""

from grcnn_ocr.config.base import Frozen
from grcnn_ocr.config.classes import (
    HOLDOUT,
    TEST,
    ClassesConfig,
    ClassesDataConfig,
    ClassesTrainConfig,
    ImageAugmentConfig,
    ImagesConfig,
)
from grcnn_ocr.config.engine import EngineConfig, Look, Range, TextMix
from grcnn_ocr.config.load import (
    AnyConfig,
    Task,
    list_configs,
    load_any_config,
    load_config,
    load_engine_config,
    parse_config,
)
from grcnn_ocr.config.schema import (
    ENGINE,
    CharsetConfig,
    Config,
    DataConfig,
    ModelConfig,
    PreprocessConfig,
    TrainConfig,
    seconds,
)

__all__ = [
    "ENGINE",
    "HOLDOUT",
    "TEST",
    "AnyConfig",
    "CharsetConfig",
    "ClassesConfig",
    "ClassesDataConfig",
    "ClassesTrainConfig",
    "Config",
    "DataConfig",
    "EngineConfig",
    "Frozen",
    "ImageAugmentConfig",
    "ImagesConfig",
    "Look",
    "ModelConfig",
    "PreprocessConfig",
    "Range",
    "Task",
    "TextMix",
    "TrainConfig",
    "list_configs",
    "load_any_config",
    "load_config",
    "load_engine_config",
    "parse_config",
    "seconds",
]
