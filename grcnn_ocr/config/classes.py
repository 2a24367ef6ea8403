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
    """Gray or RGB; pictures of the other kind are converted."""
    shorter_side: PositiveInt | None = None
    """What a picture's shorter side is resized to, before its center is cut out; without one, the whole picture is
    resized to the input, whatever its proportions, and all pictures are kept in memory."""
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    """Of each channel, pixels being 0 to 1."""
    std: tuple[PositiveFloat, ...] = (0.25, 0.25, 0.25)

    @model_validator(mode="after")
    def _check(self) -> ImagesConfig:
        if not len(self.mean) == len(self.std) == self.channels:
            raise ValueError(
                f"mean and std have a value for each of the {self.channels} channels, found {len(self.mean)} and "
                f"{len(self.std)}"
            )
        if self.shorter_side is not None and self.shorter_side < self.size:
            raise ValueError(f"shorter_side is at least size, {self.size}, found {self.shorter_side}")
        return self


class ImageAugmentConfig(Frozen):
    """What is done to a training picture anew each epoch, in this order."""

    area: Range | None = None
    """A random part, of this share of its area and of aspect 3:4 to 4:3, is resized to the input; for pictures that
    are larger than it."""
    pad: int = Field(0, ge=0)
    """Black pixels around the input, of which a random part of the input's size is taken: shifts of up to so many."""
    flip: bool = False
    """Whether every other picture is mirrored, left to right."""


class ClassesDataConfig(Frozen):
    """Where pictures come from: official CIFAR, MNIST or SVHN files, or folders of pictures, one a class."""

    train: str | None = None
    """A path; of what it holds, the split train. See `datasets/images/open_images.py`."""
    validation: str = HOLDOUT
    """"holdout": `holdout` of the training pictures, set aside by `train.seed`. "test": the split test of `train`, as
    in the published recipes: then the best weights were chosen on it, and the last ones are to be quoted. Or a path,
    of which the split test is taken."""
    holdout: float = Field(0.1, gt=0, lt=1)
    workers: int = Field(0, ge=0)
    """Processes that load pictures; those in memory need none."""
    augment: ImageAugmentConfig = ImageAugmentConfig()


class ClassesTrainConfig(TrainConfig):
    """The optimisation. `steps` take the place of `time_budget`, and that of `epochs`; milestones then move along."""

    epochs: PositiveFloat | None = None
    optimizer: Literal["adamw", "adadelta", "sgd"] = "sgd"
    lr: float = Field(0.1, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    """Of sgd."""
    nesterov: bool = False
    weight_decay: float = Field(1e-4, ge=0)
    decay_all: bool = True
    """Whether biases and BatchNorm weights decay too."""
    schedule: Literal["steps", "cosine", "one_cycle", "constant"] = "cosine"  # type: ignore[assignment]
    milestones: tuple[PositiveFloat, ...] = ()
    """Epochs of `epochs` after which schedule "steps" divides the learning rate by 10."""
    warmup_steps: int = Field(0, ge=0)
    clip_norm: float | None = Field(None, gt=0)
    ema_decay: float = Field(0.0, ge=0, lt=1)
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Probability that is taken from the true class, or both of mixed pictures, and spread over the others."""
    mixup: float = Field(0.0, ge=0)
    """Alpha of the Beta distribution that a batch's share of mixing is drawn from; 0 turns it off."""

    @model_validator(mode="after")
    def _check_schedule(self) -> ClassesTrainConfig:
        if self.schedule == "steps" and (self.epochs is None or not self.milestones):
            raise ValueError('schedule "steps" needs train.epochs and train.milestones, such as 300 and [150, 225]')
        if self.epochs is not None and (
            list(self.milestones) != sorted(set(self.milestones)) or any(m >= self.epochs for m in self.milestones)
        ):
            raise ValueError(f"milestones ascend and are below epochs, {self.epochs:g}; found {list(self.milestones)}")
        return self


class ClassesConfig(Frozen):
    """Everything that defines one image classifier and its training."""

    name: str = "unnamed"
    task: Literal["classes"] = "classes"
    num_classes: int = Field(ge=2)
    preprocess: ImagesConfig = ImagesConfig()
    model: BuilderConfig
    """The numbers of classes and of channels come from `num_classes` and `preprocess.channels`."""
    data: ClassesDataConfig = ClassesDataConfig()
    train: ClassesTrainConfig = ClassesTrainConfig()
