"""`list_models` and `create_model`, as a user of timm expects them."""

import pytest
import torch

from grcnn_ocr import create_model, list_models
from grcnn_ocr.build import build_classifier, build_model
from grcnn_ocr.config import load_any_config
from grcnn_ocr.create import import_trained, usual_input
from grcnn_ocr.models.cost import count_parameters
from grcnn_ocr.weights import ClassifierWeights, Weights, load_classifier, save_weights


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    config = load_any_config("cifar10_resnet20", ["num_classes=3", "model.se=true"])
    path = tmp_path / "w.safetensors"
    save_weights(path, ClassifierWeights(build_classifier(config), config, ("a", "b", "c"), {"steps": 3}))
    return path


def test_models_are_listed_and_built_by_name_with_options():
    assert list_models("grcnn*") == ["grcnn109", "grcnn110", "grcnn110_sk", "grcnn55", "grcnn56"]
    assert {"rcnn64", "resnet20", "regnet50", "skgrcnn55"} <= set(list_models())
    with torch.device("meta"):
        assert count_parameters(create_model("grcnn56")) == 9_469_258
        assert count_parameters(create_model("grcnn56", num_classes=100, weight_sharing=True)) == 3_480_484
    assert create_model("rcnn64", in_channels=1)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_a_backbone_gives_the_maps_of_its_stages():
    model = create_model("resnet20", features_only=True, out_indices=(1, -1))
    maps = model(torch.zeros(1, 3, 32, 32))
    assert [tuple(one.shape) for one in maps] == [(1, 32, 16, 16), (1, 64, 8, 8)]
    assert (model.channels, model.strides) == ((32, 64), (2, 4))
    with pytest.raises(ValueError, match="features_only=True"):
        create_model("resnet20", out_indices=(1,))


def test_weights_are_loaded_with_their_options(weights):
    loaded, model = load_classifier(weights), create_model("resnet20", weights=weights)
    assert loaded.classes == ("a", "b", "c") and loaded.training == {"steps": 3} and not model.training
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(model(images), loaded.model.eval()(images))
    maps = create_model("resnet20", weights=weights, features_only=True)(images)
    assert torch.equal(maps[-1], loaded.model.stages(images)[-1])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet20", {"num_classes": 10}, r"w\.safetensors has 3 classes, expected num_classes=10"),
        ("resnet32", {}, r"w\.safetensors holds 'resnet20', expected 'resnet32'"),
        ("resnet20", {"se": False}, r"w\.safetensors does not fit the model"),
        ("resnet20", {"depth": 3}, "option 'depth'"),
        ("resnet2", {}, "expected 'resnet2'"),
    ],
)
def test_weights_that_do_not_fit_are_an_error(weights, name, options, message):
    with pytest.raises(ValueError, match=message):
        create_model(name, weights=weights, **options)


def test_weights_that_there_are_not(small_config, tmp_path):
    with pytest.raises(ValueError, match=r"no weights of 'grcnn110_sk' are released \(of classifiers: "):
        create_model("grcnn110_sk", weights=True)
    with pytest.raises(ValueError, match=r"no weights file .*nowhere"):
        create_model("resnet20", weights=tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"unknown classifier 'resnet21'; did you mean 'resnet32'"):
        create_model("resnet21")
    save_weights(tmp_path / "words.safetensors", Weights(build_model(small_config), small_config))
    with pytest.raises(ValueError, match=r"words\.safetensors holds a recogniser of words .*expected an image class"):
        create_model("resnet20", weights=tmp_path / "words.safetensors")


def test_a_checkpoint_of_another_number_of_classes_is_named(weights):
    from safetensors.torch import save_file

    loaded = load_classifier(weights)
    config = loaded.config.model_copy(update={"num_classes": 4})
    header = {"format": "grcnn-ocr/1", "config": config.model_dump_json()}
    save_file({key: value.contiguous() for key, value in loaded.model.state_dict().items()}, weights, header)
    with pytest.raises(ValueError, match=r"w\.safetensors does not fit .*\n.*classifier\.weight has shape \(3, 64\)"):
        load_classifier(weights)


def test_the_usual_input_is_that_of_the_packaged_configuration():
    assert usual_input("rcnn64") == (1, 28, 28)
    assert usual_input("resnet32") == (3, 32, 32)
    assert usual_input("grcnn109") == (3, 224, 224)


def test_a_classifier_of_another_project_without_a_configuration_of_its_own(tmp_path):
    (tmp_path / "x.pt").write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"x\.pt"):
        import_trained(tmp_path / "x.pt", "grcnn110_sk")
