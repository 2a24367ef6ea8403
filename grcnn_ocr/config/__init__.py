"""The configuration: frozen, typed and strict. YAML files and `--set` only supply values."""

from grcnn_ocr.config.base import Frozen
from grcnn_ocr.config.engine import EngineConfig, Look, Range, TextMix
from grcnn_ocr.config.load import list_configs, load_config, load_engine_config, parse_config
from grcnn_ocr.config.schema import (
    ENGINE,
    CharsetConfig,
    Config,
    DataConfig,
    FrontEndConfig,
    ModelConfig,
    PreprocessConfig,
    TrainConfig,
    seconds,
)

__all__ = [
    "ENGINE",
    "CharsetConfig",
    "Config",
    "DataConfig",
    "EngineConfig",
    "FrontEndConfig",
    "Frozen",
    "Look",
    "ModelConfig",
    "PreprocessConfig",
    "Range",
    "TextMix",
    "TrainConfig",
    "list_configs",
    "load_config",
    "load_engine_config",
    "parse_config",
    "seconds",
]
