"""Training an image classifier, with the loop that also trains recognisers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from archives import mnist, picture_files, png, write_folder
from training.runs import Recorder, assert_resumes_exactly, classes_config

from grcnn_ocr.config import ClassesTrainConfig, list_configs, load_any_config
from grcnn_ocr.training.classes import ClassesTask, soft_targets
from grcnn_ocr.training.images import ImageBatch, mixed
from grcnn_ocr.training.optim import build_optimizer, learning_rate
from grcnn_ocr.training.trainer import Trainer
from grcnn_ocr.weights import load_classifier, load_weights


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["train.mixup=0.2", "train.label_smoothing=0.1", "train.accumulate=2", "data.workers=1"],
        ["preprocess.shorter_side=20", "data.augment.area=[0.3, 1]", "train.schedule=one_cycle"],
        ["model={name: rcnn64, norm: batch_norm, dropout: 0.5}"],
    ],
)
def test_a_resumed_run_equals_an_uninterrupted_one(squares, tmp_path, overrides):
    config = classes_config(squares, *overrides)
    assert_resumes_exactly(config, tmp_path, at=6)  # of 12: 4 epochs of 3 steps


def test_a_run_learns_and_its_weights_say_what_they_are(squares, tmp_path):
    recorder = Recorder()
    result = Trainer(classes_config(squares, "train.epochs=20"), tmp_path, monitors=[recorder]).run()
    assert result.top1 == 1.0 and result.top5 == 1.0 and recorder.losses[-1] < 0.3 * recorder.losses[0]
    weights = load_classifier(tmp_path / "last.safetensors")
    assert weights.classes == ("left", "right") and weights.config.model.name == "resnet20"
    assert weights.training["images_seen"] == 60 * 8 and weights.training["validation_top1"] == 1.0
    with pytest.raises(ValueError, match=r"last\.safetensors holds an image classifier \(resnet20\), expected a rec"):
        load_weights(tmp_path / "last.safetensors")


def test_starting_from_weights_of_other_classes_keeps_all_but_the_last_layer(squares, tmp_path, caplog):
    Trainer(classes_config(squares, "train.steps=1"), tmp_path / "first").run()
    first = load_classifier(tmp_path / "first" / "last.safetensors").model.state_dict()
    renamed = write_folder(tmp_path / "other", picture_files())
    for path, keeps_head in ((squares, True), (renamed, False)):
        with caplog.at_level("INFO"):
            trainer = Trainer(classes_config(path), tmp_path / "run", init=tmp_path / "first" / "last.safetensors")
        started = trainer.network.state_dict()
        assert torch.equal(started["stem.0.weight"], first["stem.0.weight"])
        assert torch.equal(started["classifier.weight"], first["classifier.weight"]) == keeps_head
    assert "except the last, as the classes differ" in caplog.text


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["num_classes=3"], r"squares has 2 classes, num_classes 3"),
        (["data.train=null"], r"set data\.train=PATH"),
        (["model.num_classes=2"], r"model\.num_classes cannot be set; set num_classes instead"),
        (["model.depth=2"], r"'resnet20': option 'depth'"),
        (["train.epochs=null"], r"no budget: .*train\.epochs"),
        (["train.accumulate=3"], r"train\.batch_size 8 is not a multiple of train\.accumulate 3"),
    ],
)
def test_what_cannot_be_trained_is_an_error_before_training(squares, tmp_path, overrides, message):
    with pytest.raises(ValueError, match=message):
        Trainer(classes_config(squares, *overrides), tmp_path)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["train.schedule=steps"], r"train: schedule \"steps\" needs train\.epochs and train\.milestones"),
        (["train.milestones=[3, 2]"], r"milestones must ascend"),
        (["train.milestones=[4]"], r"below epochs, 4"),
        (["preprocess.channels=1"], r"a value for each of the 1 channels, found 3"),
        (["preprocess.shorter_side=8"], r"shorter_side must be at least size, 16"),
        (["train.lrr=1"], r"unknown key 'train\.lrr'; did you mean 'train\.lr'"),
        (["data.engine.color=true"], r"unknown key 'data\.engine'"),
        (["task=letters"], r"task: expected one of words, classes"),
    ],
)
def test_configurations_that_make_no_sense(squares, overrides, message):
    with pytest.raises(ValueError, match=message):
        classes_config(squares, *overrides)


def test_other_classes_in_the_test_split_are_an_error(squares, tmp_path):
    other = write_folder(tmp_path / "other", picture_files())
    with pytest.raises(ValueError, match=r"class 0 is 'cat', but 'left' in .*squares"):
        Trainer(classes_config(squares, f"data.validation={other}"), tmp_path / "run")


def test_the_loss_is_cross_entropy_of_the_published_targets():
    labels, partners = torch.tensor([0, 2]), torch.tensor([1, 2])
    plain = ImageBatch(torch.zeros(2, 1, 1, 1), labels)
    expected = torch.tensor([[0.9, 0.05, 0.05], [0.05, 0.05, 0.9]])
    torch.testing.assert_close(soft_targets(plain, 3, 0.1), expected)
    torch.testing.assert_close(soft_targets(plain, 3, 0.0), F.one_hot(labels, 3).float())
    mixture = ImageBatch(torch.zeros(2, 1, 1, 1), labels, partners, 0.7)
    expected = torch.tensor([[0.65, 0.25, 0.1], [0.05, 0.05, 0.9]])  # the second is mixed with its own class
    torch.testing.assert_close(soft_targets(mixture, 3, 0.1), expected)
    torch.testing.assert_close(soft_targets(mixture, 3, 0.1).sum(dim=1), torch.ones(2))


def test_mixing_is_a_function_of_its_seed():
    images, labels = torch.randn(6, 1, 2, 2), torch.arange(6)
    batch, again, other = (mixed(images, labels, 0.2, seed) for seed in ((0, 1), (0, 1), (0, 2)))
    assert torch.equal(batch.images, again.images) and batch.share == again.share != other.share
    torch.testing.assert_close(batch.images, batch.share * images + (1 - batch.share) * images[batch.partners])


def test_the_published_steps_of_the_learning_rate():
    config = ClassesTrainConfig(epochs=300, schedule="steps", milestones=(150, 225))
    rates = [learning_rate(step, 3000, config) for step in range(3000)]
    assert rates == pytest.approx([0.1] * 1500 + [0.01] * 750 + [0.001] * 750)
    config = ClassesTrainConfig(epochs=90, lr=0.06, schedule="steps", milestones=(50, 70))
    rates = [learning_rate(step, 900_090, config) for step in (500_049, 500_050, 700_069, 700_070)]
    assert rates == pytest.approx([0.06, 0.006, 0.006, 0.0006])


def test_the_published_optimiser_decays_everything_and_a_short_recipe_spares_norms():
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    published = build_optimizer(model.parameters(), ClassesTrainConfig())
    assert [group["weight_decay"] for group in published.param_groups] == [1e-4, 1e-4]
    assert published.defaults["momentum"] == 0.9 and not published.defaults["nesterov"]
    short = build_optimizer(model.parameters(), ClassesTrainConfig(decay_all=False, nesterov=True))
    assert [group["weight_decay"] for group in short.param_groups] == [1e-4, 0] and short.defaults["nesterov"]


def test_the_batch_norms_keep_their_own_momentum(squares, tmp_path):
    config = classes_config(squares, "model.name=grcnn56", "preprocess.size=8", "train.steps=1", "train.batch_size=2")
    trainer = Trainer(config, tmp_path)
    trainer.take_step(next(trainer.feed.steps(0)), lr=0.1)
    assert {norm.momentum for norm in trainer.norms} == {0.05}


@pytest.mark.parametrize("name", list_configs("classes"))
def test_every_packaged_configuration_can_begin_a_run(name, tmp_path):
    config = load_any_config(name)
    rng = np.random.default_rng(0)
    if config.preprocess.channels == 1:
        data = write_folder(tmp_path / "data", mnist())
    else:
        files = {
            f"{split}/{number:04d}/1.png": png(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8))
            for split in ("train", "val")
            for number in range(config.num_classes)
        }
        data = write_folder(tmp_path / "data", files)
    overrides = [f"data.train={data}", "data.workers=0", "train.batch_size=2", "train.precision=float32"]
    task = ClassesTask(
        load_any_config(name, [*overrides, *(["preprocess.shorter_side=224"] * (config.preprocess.size == 224))])
    )
    assert task.settings(1).steps == round(config.train.epochs * len(task.dataset) / 2)
    [part] = next(task.feed(0, 1, torch.device("cpu")).steps(0))
    assert part.images.shape[1:] == (config.preprocess.channels, *[config.preprocess.size] * 2)
    if config.preprocess.size < 224:  # larger ones take too long
        assert task.loss(task.model, part).isfinite()
