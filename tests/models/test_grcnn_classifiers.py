"""The T-PAMI classifiers: published sizes and costs, their parts, gradients, and the maps of their stages.

That they compute what the published networks do is tested where checkpoints are imported, in
`test_foreign_classifiers.py`.
"""

import pytest
import torch

from grcnn_ocr.models.classifiers.classifier import FeatureMaps
from grcnn_ocr.models.classifiers.grcnn import CIFAR, IMAGENET
from grcnn_ocr.models.classifiers.registry import CLASSIFIERS
from grcnn_ocr.models.cost import count_macs, count_parameters

NETWORKS = CIFAR | IMAGENET

PARAMETERS = {
    ("grcnn56", 10): (9_469_258, 3_411_274),
    ("grcnn56", 100): (9_538_468, 3_480_484),
    ("grcnn110", 10): (19_001_930, 3_473_994),
    ("grcnn110", 100): (19_071_140, 3_543_204),
    ("grcnn110_sk", 10): (25_215_370, 3_678_218),
    ("grcnn110_sk", 100): (25_296_100, 3_758_948),
    ("grcnn55", 1000): (24_929_704, 11_978_152),
    ("grcnn109", 1000): (45_075_880, 12_070_312),
    ("skgrcnn55", 1000): (27_438_568, 12_902_184),
    ("skgrcnn109", 1000): (49_982_056, 12_994_344),
}
"""Of a name and a number of classes: without and with weight sharing."""

MACS = {
    ("grcnn56", 10): 2_150_374_912,
    ("grcnn56", 100): 2_150_444_032,
    ("grcnn110", 10): 3_995_344_384,
    ("grcnn110", 100): 3_995_413_504,
    ("grcnn110_sk", 10): 3_696_302_848,
    ("grcnn110_sk", 100): 3_696_383_488,
    ("grcnn55", 1000): 3_703_832_576,
    ("grcnn109", 1000): 7_750_025_216,
    ("skgrcnn55", 1000): 4_041_195_520,
    ("skgrcnn109", 1000): 8_377_286_656,
}

STAGES = {
    "grcnn56": {0: 1_424_128, 1: 3_273_088, 2: 4_761_088},
    "grcnn110": {0: 2_267_392, 1: 5_026_688, 2: 11_696_896},
    "grcnn110_sk": {0: 1_514_432, 1: 5_679_616, 2: 18_008_832},
    "grcnn55": {0: 356_736, 1: 1_436_928, 2: 6_843_904, 3: 14_192_640},
    "grcnn109": {2: 26_990_080},
    "skgrcnn55": {0: 428_800, 1: 1_621_760, 2: 7_510_336, 3: 15_778_176},
    "skgrcnn109": {2: 30_053_824},
}
"""Parameters of each stage, with its downsampling."""


def build(name: str, device: str = "meta", **options: object) -> torch.nn.Module:
    with torch.device(device):
        return CLASSIFIERS.build(name, options)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(("name", "num_classes"), PARAMETERS)
def test_network_has_exactly_the_published_parameters(name, num_classes, shared):
    model = build(name, num_classes=num_classes, weight_sharing=shared)
    assert count_parameters(model) == PARAMETERS[name, num_classes][shared]


@pytest.mark.parametrize("num_classes", [10, 100, 1000])
@pytest.mark.parametrize("name", NETWORKS)
def test_classes_change_the_classifier_alone(name, num_classes):
    published, (parameters, _) = next((key[1], value) for key, value in PARAMETERS.items() if key[0] == name)
    model = build(name, num_classes=num_classes)
    assert count_parameters(model) == parameters + (num_classes - published) * (model.channels[-1] + 1)


@pytest.mark.parametrize(("name", "num_classes"), MACS)
def test_network_has_exactly_the_published_multiply_adds(name, num_classes):
    size = 32 if name in CIFAR else 224
    model = build(name, num_classes=num_classes)
    assert count_macs(model, torch.zeros(1, 3, size, size, device="meta")) == MACS[name, num_classes]


def test_weight_sharing_does_not_change_the_multiply_adds():
    model = build("grcnn56", weight_sharing=True)
    assert count_macs(model, torch.zeros(1, 3, 32, 32, device="meta")) == MACS["grcnn56", 10]


@pytest.mark.parametrize("name", NETWORKS)
def test_stages_have_the_published_parameters(name):
    model = build(name)
    counts = [count_parameters(layer) for layer in model.layers]
    for index, downsampling in enumerate(model.downsamplings):
        counts[index] += count_parameters(downsampling)
    assert {index: counts[index] for index in STAGES[name]} == STAGES[name]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_name_counts_the_layers_of_the_longest_path(name):
    model = build(name)
    stem = sum(isinstance(module, torch.nn.Conv2d) for module in model.stem.modules())
    depth = stem + sum(1 + 3 * layer.iterations for layer in model.layers) + 3 * len(model.downsamplings) + 1
    assert f"grcnn{depth}" in name


@pytest.mark.parametrize(("name", "momentum"), [("grcnn56", 0.05), ("grcnn110_sk", 0.05), ("skgrcnn55", 0.1)])
def test_every_batch_norm_has_the_authors_momentum(name, momentum):
    norms = [module for module in build(name).modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert {norm.momentum for norm in norms} == {momentum}
    assert {norm.eps for norm in norms} == {1e-5}


def test_initialisation_of_head_and_gates_is_the_authors():
    torch.manual_seed(0)
    cifar, imagenet = build("grcnn56", "cpu", weight_sharing=True), build("grcnn55", "cpu", weight_sharing=True)
    for model in (cifar, imagenet):
        he = (2 / model.classifier.in_features) ** 0.5
        assert model.classifier.weight.std().item() == pytest.approx(he, rel=0.05)
        assert not model.classifier.bias.any()
    assert cifar.layers[0].gate_recurrent.weight.std().item() == pytest.approx(0.01, rel=0.1)
    uniform = (1 / (3 * 256 // 32)) ** 0.5
    assert imagenet.layers[0].gate_recurrent.weight.std().item() == pytest.approx(uniform, rel=0.1)


@pytest.mark.parametrize(("name", "shared"), [("grcnn56", False), ("grcnn110_sk", True), ("skgrcnn55", True)])
def test_network_runs_forward_and_backward_with_every_gradient(name, shared):
    torch.manual_seed(0)
    model = build(name, "cpu", num_classes=7, weight_sharing=shared).train()
    size = 16 if name in CIFAR else 64
    logits = model(torch.randn(2, 3, size, size))
    assert logits.shape == (2, 7)
    logits.square().mean().backward()
    unused = {key for key, _ in model.named_parameters() if ".unused_norm." in key}
    assert sum(model.get_parameter(key).numel() for key in unused) == (576 if name == "grcnn56" else 0)
    for key, parameter in model.named_parameters():
        if key in unused:
            assert parameter.grad is None, key
        else:
            assert parameter.grad is not None and parameter.grad.isfinite().all(), key
            assert parameter.grad.abs().sum() > 0, key


def test_feature_maps_of_an_imagenet_network_have_strides_4_to_32():
    maps = FeatureMaps(build("grcnn55")).eval()(torch.zeros(1, 3, 224, 224, device="meta"))
    sizes = [(1, 256, 56, 56), (1, 512, 28, 28), (1, 1024, 14, 14), (1, 2048, 7, 7)]
    assert [tuple(feature_map.shape) for feature_map in maps] == sizes
    trunk = build("skgrcnn55")
    assert (trunk.channels, trunk.strides) == ((256, 512, 1024, 2048), (4, 8, 16, 32))


def test_feature_maps_of_a_cifar_network_have_strides_1_to_4():
    backbone = FeatureMaps(build("grcnn110_sk"), out_indices=[0, -1]).eval()
    maps = backbone(torch.zeros(1, 3, 32, 32, device="meta"))
    assert [tuple(feature_map.shape) for feature_map in maps] == [(1, 384, 32, 32), (1, 896, 8, 8)]
    assert (backbone.channels, backbone.strides) == ((384, 896), (1, 4))


def test_an_image_of_any_size_and_number_of_channels_is_classified():
    model = build("grcnn55", in_channels=1, num_classes=5).eval()
    assert model(torch.zeros(1, 1, 250, 37, device="meta")).shape == (1, 5)


def test_an_unknown_option_is_named():
    with pytest.raises(ValueError, match="classifier 'grcnn56': option 'iterations'"):
        build("grcnn56", iterations=3)
