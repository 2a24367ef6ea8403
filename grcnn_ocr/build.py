"""From a configuration to objects. Derived values, such as the number of classes, are computed here."""

from __future__ import annotations

from typing import Any

from grcnn_ocr.config import CharsetConfig, ClassesConfig, Config, ImagesConfig, PreprocessConfig
from grcnn_ocr.datasets.images.prepare import ImagePreprocessor
from grcnn_ocr.models.classifiers import grcnn, rcnn, regnet, resnet  # noqa: F401 (imported to register)
from grcnn_ocr.models.classifiers.classifier import Classifier
from grcnn_ocr.models.classifiers.registry import CLASSIFIERS
from grcnn_ocr.models.front_ends import densenet, grcl, grcnn_t_pami, vgg  # noqa: F401 (imported to register)
from grcnn_ocr.models.front_ends import rcnn as rcnn_front_end  # noqa: F401 (the same name as a classifier)
from grcnn_ocr.models.front_ends.base import FRONT_ENDS
from grcnn_ocr.models.recognizer import CTCRecognizer
from grcnn_ocr.preprocess import Preprocessor
from grcnn_ocr.text.charset import Charset


def build_charset(config: CharsetConfig) -> Charset:
    """Build the charset."""
    return Charset.named(**config.model_dump())


def build_preprocessor(config: PreprocessConfig) -> Preprocessor:
    """Build the preprocessor."""
    return Preprocessor(**config.model_dump())


def build_model(config: Config) -> CTCRecognizer:
    """Build the network, freshly initialised.

    Raises:
        ValueError: on an unknown front end or option of it.
    """
    front_end = FRONT_ENDS.build(config.model.front_end.name, config.model.front_end.options)
    return CTCRecognizer(front_end, config.model.lstm_features, build_charset(config.charset).num_classes)


def build_image_preprocessor(config: ImagesConfig) -> ImagePreprocessor:
    """Build the preprocessor of a classifier."""
    return ImagePreprocessor(**config.model_dump())


def build_classifier(config: ClassesConfig) -> Classifier:
    """Build a classifier, freshly initialised.

    Raises:
        ValueError: on an unknown network or option of it, or one that is set elsewhere.
    """
    options = config.model.options
    for option, key in (("num_classes", "num_classes"), ("in_channels", "preprocess.channels")):
        if option in options:
            raise ValueError(f"model.{option} cannot be set; set {key} instead")
    return CLASSIFIERS.build(config.model.name, classifier_options(config))


def classifier_options(config: ClassesConfig) -> dict[str, Any]:
    """Return the arguments of a classifier's builder."""
    return config.model.options | {"num_classes": config.num_classes, "in_channels": config.preprocess.channels}
