import pytest
import torch

from grcnn_ocr.models.classifiers import regnet, resnet  # noqa: F401 (imported to register)
from grcnn_ocr.models.classifiers.classifier import Classifier, FeatureMaps
from grcnn_ocr.models.classifiers.registry import CLASSIFIERS
from grcnn_ocr.models.cost import count_macs, count_parameters


def parameters(name: str, **options) -> int:
    with torch.device("meta"):
        return count_parameters(CLASSIFIERS.build(name, options))


def macs(name: str, side: int, **options) -> int:
    with torch.device("meta"):
        return count_macs(CLASSIFIERS.build(name, options), torch.empty(1, 3, side, side))


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("resnet20", {}, 272_570),  # 0.273 M in table V
        ("resnet20", {"num_classes": 100}, 278_420),  # 0.278 M
        ("resnet32", {}, 467_002),  # 0.47 M in the text
        ("resnet50", {}, 25_557_032),
        ("resnet20", {"se": True}, 272_570 + 4_032),
        ("resnet50", {"se": True}, 25_557_032 + 2_514_944),
    ],
)
def test_resnet_has_the_published_parameters(name, options, expected):
    assert parameters(name, **options) == expected


@pytest.mark.parametrize(
    ("layers", "gru", "lstm"), [(20, 37_184, 38_528), (32, 59_136, 60_480), (56, 103_040, 104_384)]
)
def test_regulators_of_all_stages_add_what_their_equations_count(layers, gru, lstm):
    """The paper's table IV: +0.04 / 0.04, +0.06 / 0.07 and +0.11 / 0.12 M; ours are up to 0.02 M short of it."""
    plain = parameters(f"resnet{layers}")
    assert parameters(f"regnet{layers}", regulator="gru") - plain == gru
    assert parameters(f"regnet{layers}") - plain == lstm
    assert parameters(f"regnet{layers}", num_classes=100) - parameters(f"resnet{layers}", num_classes=100) == lstm


@pytest.mark.parametrize(
    ("stage", "gru", "lstm"),
    [(1, 274_810, 275_002), (2, 280_122, 280_506), (3, 299_962, 300_730)],
)
def test_a_regulator_of_one_stage_adds_what_its_equations_count(stage, gru, lstm):
    """The paper's table V: 279, 285 and 306 K; 281, 290 and 325 K. Ours are 4 to 6 K and 6 to 24 K short of it."""
    assert parameters("regnet20", regulator="gru", stages=(stage,)) == gru
    assert parameters("regnet20", regulator="lstm", stages=(stage,)) == lstm


def test_dense_gates_cost_what_table_one_says_over_light_ones():
    """+330 K against +44 K: 286 K; and +15 M FLOPs of the light ones, two for a multiply-add."""
    dense, light = ({"regulator": "gru", "kernel": kernel} for kernel in ("dense", "light"))
    assert parameters("regnet20", **dense) - parameters("regnet20", **light) == 286_608
    assert round(2 * (macs("regnet20", 32, **light) - macs("resnet20", 32)) / 1e6) == 15


def test_regnet50_has_the_counts_of_its_equations():
    """The paper prints 31.3 M and 0.98 G more multiply-adds; its text accounts for 28.13 M and 0.47 G."""
    assert parameters("regnet50") == 28_127_528
    assert parameters("regnet50", regulator="gru") == 28_116_008
    assert macs("regnet50", 224) - macs("resnet50", 224) == 471_754_752


def test_regnet_without_a_regulator_is_the_resnet():
    torch.manual_seed(0)
    plain = CLASSIFIERS.build("resnet20", {}).eval()
    bare = CLASSIFIERS.build("regnet20", {"stages": ()}).eval()
    bare.load_state_dict(plain.state_dict())
    images = torch.randn(2, 3, 16, 16)
    assert torch.equal(plain(images), bare(images))


def randomise_norms(model: torch.nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)


def conv_norm(x: torch.Tensor, layers: torch.nn.Sequential, stride: int = 1) -> torch.Tensor:
    conv, norm = layers[0], layers[1]
    x = torch.conv2d(x, conv.weight, conv.bias, stride, conv.kernel_size[0] // 2)
    x = (x - norm.running_mean[:, None, None]) / (norm.running_var[:, None, None] + 1e-5) ** 0.5
    return x * norm.weight[:, None, None] + norm.bias[:, None, None]


@pytest.mark.parametrize("se", [False, True])
@pytest.mark.parametrize(("name", "bottleneck"), [("regnet20", False), ("regnet50", True)])
def test_regulated_stage_computes_the_papers_equations(name, bottleneck, se):
    """Equations 2 and 3 over the second stage, whose first block halves the map."""
    torch.manual_seed(0)
    stage = CLASSIFIERS.build(name, {"se": se}).eval().layers[1]
    randomise_norms(stage)
    torch.nn.init.uniform_(stage.hidden_scale, 0.5, 2)
    torch.nn.init.uniform_(stage.hidden_shift)
    first = x1 = torch.rand(2, 256 if bottleneck else 16, 6, 6)
    h = c = torch.zeros(2, stage.hidden_scale.numel(), 3, 3)
    for t, block in enumerate(stage.blocks):
        stride = 2 if t == 0 else 1
        x2 = conv_norm(x1, block.first, stride).relu()
        h, c = stage.regulator(x2, (h, c))
        norm = stage.hidden_norms[t]
        h = (h - norm.running_mean[:, None, None]) / (norm.running_var[:, None, None] + 1e-5) ** 0.5
        h = (h * stage.hidden_scale[:, None, None] + stage.hidden_shift[:, None, None]).relu()
        x3 = conv_norm(x2, block.middle).relu() if bottleneck else x2
        x4 = conv_norm(torch.cat([x3, h], 1), stage.fusions[t]).relu()
        x5 = conv_norm(x4, block.last)
        if se:
            squeezed = x5.mean((2, 3)) @ block.last[2].squeeze.weight.T
            x5 = x5 * (squeezed.relu() @ block.last[2].excite.weight.T).sigmoid()[:, :, None, None]
        x1 = ((conv_norm(x1, block.shortcut, stride) if t == 0 else x1) + x5).relu()
    torch.testing.assert_close(stage(first), x1, atol=1e-4, rtol=1e-4)


def test_one_regulator_serves_a_stage():
    model = CLASSIFIERS.build("regnet20", {"stages": (1, 3)})
    assert [hasattr(layer, "regulator") for layer in model.layers] == [True, False, True]
    calls = []
    model.layers[2].regulator.register_forward_hook(lambda *_: calls.append(1))
    model(torch.randn(2, 3, 8, 8))
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("name", "strides", "channels"),
    [
        ("resnet20", (1, 2, 4), (16, 32, 64)),
        ("regnet20", (1, 2, 4), (16, 32, 64)),
        ("resnet50", (4, 8, 16, 32), (256, 512, 1024, 2048)),
        ("regnet50", (4, 8, 16, 32), (256, 512, 1024, 2048)),
    ],
)
def test_stages_are_the_maps_that_channels_and_strides_promise(name, strides, channels):
    model = CLASSIFIERS.build(name, {"num_classes": 7}).eval()
    images = torch.randn(2, 3, 64, 32)
    with torch.inference_mode():
        maps = model.stages(images)
        logits = model(images)
        torch.testing.assert_close(logits, model.classifier(maps[-1].mean((2, 3))))
        backbone = FeatureMaps(model)
        assert all(map(torch.equal, backbone(images), maps))
    assert logits.shape == (2, 7)
    assert (backbone.strides, backbone.channels) == (strides, channels)
    assert [m.shape for m in maps] == [(2, c, 64 // s, 32 // s) for c, s in zip(channels, strides, strict=True)]


def overfit(model: Classifier, in_channels: int, steps: int) -> None:
    torch.manual_seed(1)
    images, labels = torch.randn(16, in_channels, 8, 8), torch.arange(16) % 10
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())
    assert (model(images).argmax(1) == labels).all()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet20", {"se": True}),
        ("regnet20", {"regulator": "rnn"}),
        ("regnet20", {"regulator": "gru"}),
        ("regnet20", {"regulator": "lstm", "se": True, "in_channels": 1}),
    ],
)
def test_sixteen_random_images_are_learnt(name, options):
    torch.manual_seed(0)
    overfit(CLASSIFIERS.build(name, options), options.get("in_channels", 3), steps=25)


@pytest.mark.parametrize("regulator", ["rnn", "gru", "lstm"])
def test_regnet_trains_under_autocast_and_channels_last(regulator):
    torch.manual_seed(0)
    model = CLASSIFIERS.build("regnet20", {"regulator": regulator}).to(memory_format=torch.channels_last)
    images = torch.randn(4, 3, 16, 16).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        maps = model.stages(images)
        logits = model.forward_head(maps[-1])
    assert {m.dtype for m in maps} == {torch.bfloat16}
    assert all(m.is_contiguous(memory_format=torch.channels_last) for m in maps)
    logits.float().logsumexp(1).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("stages", [(0,), (1, 4)])
def test_a_stage_that_the_network_does_not_have_is_an_error(stages):
    with pytest.raises(ValueError, match=rf"stages \[{stages[-1]}\].* stages 1 to 3"):
        CLASSIFIERS.build("regnet20", {"stages": stages})


def test_an_unknown_regulator_is_an_error():
    with pytest.raises(ValueError, match="option 'regulator'"):
        CLASSIFIERS.build("regnet20", {"regulator": "qrnn"})
