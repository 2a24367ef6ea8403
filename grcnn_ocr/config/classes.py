"""The configuration of an image classifier and its training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from grcnn_ocr.config.base import BuilderConfig, Frozen
from grcnn_ocr.config.engine import Range
from grcnn_ocr.config.schema import TrainConfig

TEST = "test"
HOLDOUT = "holdout"


class ImagesConfig(Frozen):
    """How a decoded picture becomes the network's input (`datasets/images/prepare.py`)."""

    size: PositiveInt = 32
    """Height and width of the input, in pixels."""
    channels: Literal[1, 3] = 3
    """1: gray, 3: RGB; pictures of the other kind are converted."""
    shorter_side: PositiveInt | None = None
    """What a picture's shorter side is resized to before its center is cropped. None: the whole picture is resized to
    the input, whatever its aspect ratio, and all pictures are kept in memory."""
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    """Of each channel, with pixels from 0 to 1."""
    std: tuple[PositiveFloat, ...] = (0.25, 0.25, 0.25)

    @model_validator(mode="after")
    def _check(self) -> ImagesConfig:
        if not len(self.mean) == len(self.std) == self.channels:
            raise ValueError(
                f"mean and std need a value for each of the {self.channels} channels, found {len(self.mean)} and "
                f"{len(self.std)}"
            )
        if self.shorter_side is not None and self.shorter_side < self.size:
            raise ValueError(f"shorter_side must be at least size, {self.size}, found {self.shorter_side}")
        return self


class ImageAugmentConfig(Frozen):
    """Random changes to each training picture, different in every epoch; applied in this order."""

    area: Range | None = None
    """A random part, with this share of the area and an aspect ratio of 3:4 to 4:3, is resized to the input; for
    pictures larger than the input."""
    pad: int = Field(0, ge=0)
    """Pixels of black padding, of which a random crop of the input's size is taken: shifts by up to this many."""
    flip: bool = False
    """Whether pictures are mirrored left to right, with probability 1/2."""


class ClassesDataConfig(Frozen):
    """Where pictures come from: the official CIFAR, MNIST or SVHN files, or one folder of pictures per class."""

    train: str | None = None
    """A path, of whose data the training split is used. See `datasets/images/open_images.py`."""
    validation: str = HOLDOUT
    """"holdout": the share `holdout` of the training pictures, chosen by `train.seed`. "test": the test split of
    `train`, as in the published recipes; the best weights are then chosen on it, so quote the last ones. Or a path, of
    whose data the test split is used."""
    holdout: float = Field(0.1, gt=0, lt=1)
    workers: int = Field(0, ge=0)
    """Processes that load pictures; pictures in memory need none."""
    augment: ImageAugmentConfig = ImageAugmentConfig()


class ClassesTrainConfig(TrainConfig):
    """The optimisation. `steps` overrides `time_budget`, which overrides `epochs`; milestones scale with it."""

    epochs: PositiveFloat | None = None
    optimizer: Literal["adamw", "adadelta", "sgd"] = "sgd"
    lr: float = Field(0.1, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    """For sgd."""
    nesterov: bool = False
    weight_decay: float = Field(1e-4, ge=0)
    decay_all: bool = True
    """Whether weight decay applies to biases and BatchNorm weights too."""
    schedule: Literal["steps", "cosine", "one_cycle", "constant"] = "cosine"  # type: ignore[assignment]
    milestones: tuple[PositiveFloat, ...] = ()
    """Epochs, below `epochs`, after which schedule "steps" divides the learning rate by 10."""
    warmup_steps: int = Field(0, ge=0)
    clip_norm: float | None = Field(None, gt=0)
    ema_decay: float = Field(0.0, ge=0, lt=1)
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Probability moved from the true class (or both classes of a mixed picture) to the others, in equal parts."""
    mixup: float = Field(0.0, ge=0)
    """Alpha of the Beta distribution from which each batch's mixing share is drawn; 0 turns mixup off."""

    @model_validator(mode="after")
    def _check_schedule(self) -> ClassesTrainConfig:
        if self.schedule == "steps" and (self.epochs is None or not self.milestones):
            raise ValueError('schedule "steps" needs train.epochs and train.milestones, such as 300 and [150, 225]')
        if self.epochs is not None and (
            list(self.milestones) != sorted(set(self.milestones)) or any(m >= self.epochs for m in self.milestones)
        ):
            raise ValueError(
                f"milestones must ascend and be below epochs, {self.epochs:g}; found {list(self.milestones)}"
            )
        return self


class ClassesConfig(Frozen):
    """Everything that defines one image classifier and its training."""

    name: str = "unnamed"
    task: Literal["classes"] = "classes"
    num_classes: int = Field(ge=2)
    preprocess: ImagesConfig = ImagesConfig()
    model: BuilderConfig
    """Without the numbers of classes and channels, which are `num_classes` and `preprocess.channels`."""
    data: ClassesDataConfig = ClassesDataConfig()
    train: ClassesTrainConfig = ClassesTrainConfig()
