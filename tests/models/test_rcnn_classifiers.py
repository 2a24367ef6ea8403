import pytest
import torch

from grcnn_ocr.models.classifiers import rcnn  # noqa: F401 (imported to register)
from grcnn_ocr.models.classifiers.classifier import FeatureMaps
from grcnn_ocr.models.classifiers.rcnn import RCNN
from grcnn_ocr.models.classifiers.registry import CLASSIFIERS
from grcnn_ocr.models.cost import count_macs, count_parameters


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("rcnn64", {"in_channels": 1}, 297_482),
        ("rcnn96", {"in_channels": 1}, 667_402),
        ("rcnn96", {}, 672_202),
        ("rcnn128", {}, 1_191_178),
        ("rcnn160", {}, 1_857_610),
        ("rcnn96", {"num_classes": 100}, 680_932),
        ("rcnn128", {"num_classes": 100}, 1_202_788),
        ("rcnn160", {"num_classes": 100}, 1_872_100),
        ("rcnn160", {"iterations": 1}, 1_857_610),
    ],
)
def test_rcnn_has_the_published_parameters(name, options, expected):
    with torch.device("meta"):
        assert count_parameters(CLASSIFIERS.build(name, options)) == expected


def test_each_iteration_runs_the_recurrent_convolution_once():
    """5x5 at 32 x 32, then 1 + T convolutions in each of two RCLs at 16 x 16 and two at 8 x 8."""
    with torch.device("meta"):
        macs = {T: count_macs(RCNN(64, iterations=T), torch.empty(1, 3, 32, 32)) for T in (1, 3)}
    assert macs[3] == 75 * 64 * 32**2 + 2 * (16**2 + 8**2) * (1 + 3) * 9 * 64**2 + 64 * 10
    assert macs[3] - macs[1] == 2 * (16**2 + 8**2) * 2 * 9 * 64**2


@pytest.mark.parametrize(
    ("in_channels", "side", "sides"),
    [(1, 28, [28, 14, 7]), (3, 32, [32, 16, 8])],
)
def test_stages_are_the_maps_that_the_strides_promise(in_channels, side, sides):
    model = RCNN(16, in_channels).eval()
    images = torch.randn(2, in_channels, side, side)
    maps = model.stages(images)
    assert [m.shape for m in maps] == [(2, 16, s, s) for s in sides]
    assert [side // s for s in sides] == list(model.strides)
    torch.testing.assert_close(model(images), model.classifier(maps[-1].flatten(2).max(2).values))
    backbone = FeatureMaps(model, [-1, 0])
    assert backbone.strides == (4, 1)
    assert all(map(torch.equal, backbone(images), [maps[-1], maps[0]]))


@pytest.mark.parametrize("norm", ["lrn", "batch_norm"])
def test_rcnn_learns_sixteen_random_images(norm):
    torch.manual_seed(0)
    model = CLASSIFIERS.build("rcnn64", {"in_channels": 1, "norm": norm, "dropout": 0.0})
    images, labels = torch.randn(16, 1, 12, 12), torch.arange(16) % 10
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(30):
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())
    assert (model(images).argmax(1) == labels).all()


def test_rcnn_trains_under_autocast_and_channels_last():
    torch.manual_seed(0)
    model = RCNN(16).to(memory_format=torch.channels_last)
    images = torch.randn(2, 3, 16, 16).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(images)
    logits.float().logsumexp(1).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


def test_dropout_acts_in_training_alone():
    torch.manual_seed(0)
    model, images = RCNN(16), torch.randn(1, 3, 16, 16)
    assert not torch.equal(model(images), model(images))
    model.eval()
    assert torch.equal(model(images), model(images))


@pytest.mark.parametrize("options", [{"norm": "layer"}, {"dropout": 1.0}, {"iterations": 0}, {"maps": 5}])
def test_wrong_options_are_named(options):
    with pytest.raises(ValueError, match=rf"classifier 'rcnn96': option '{next(iter(options))}'"):
        CLASSIFIERS.build("rcnn96", options)
