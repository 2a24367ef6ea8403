"""The authors' checkpoints: the fixtures' networks give the published outputs, and keys that do not fit are named."""

import json

import numpy as np
import pytest
import torch
from conftest import assert_close_to_published, published_state_dict, shared

from grcnn_ocr.foreign_classifiers import import_classifier, published_keys
from grcnn_ocr.models.classifiers.grcnn import CIFAR, GRCNN
from grcnn_ocr.models.classifiers.registry import CLASSIFIERS

FIXTURES = ["grcnn56", "grcnn56_ws", "grcnn55", "grcnn55_ws", "skgrcnn55"]
NUM_KEYS = {
    "grcnn56": 443,
    "grcnn110": 857,
    "grcnn110_sk": 1312,
    "grcnn55": 426,
    "grcnn109": 840,
    "skgrcnn55": 649,
    "skgrcnn109": 1297,
}


def split(fixture: str) -> tuple[str, dict[str, bool]]:
    """Return name and options of a fixture's network."""
    name = fixture.removesuffix("_ws")
    return name, {"weight_sharing": name != fixture}


def groups(fixture: str) -> list[list[str]]:
    """Return the published keys that name one tensor."""
    return json.loads(shared(f"oracles/{fixture}.aliases.json").read_text()) or []


def checkpoint(fixture: str) -> dict[str, torch.Tensor]:
    """Return the checkpoint that the authors' network would save, filled with the fixtures' values."""
    state = published_state_dict(fixture)
    for keys in groups(fixture):
        state |= dict.fromkeys(keys, state[min(keys)])
    return state


def images(name: str, number: int) -> torch.Tensor:
    """Return the first of the fixtures' two images."""
    size = 32 if name in CIFAR else 224
    return torch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, size, size)).astype(np.float32))[:number]


def imported(fixture: str, path) -> GRCNN:
    """Save a fixture's checkpoint, import it and load it."""
    name, options = split(fixture)
    torch.save(checkpoint(fixture), path)
    model = CLASSIFIERS.build(name, options)
    model.load_state_dict(import_classifier(path, name, options))
    assert isinstance(model, GRCNN)
    return model.eval()


def meta(name: str, options: dict[str, bool]) -> GRCNN:
    with torch.device("meta"):
        model = CLASSIFIERS.build(name, options)
    assert isinstance(model, GRCNN)
    return model


@pytest.mark.parametrize("fixture", FIXTURES)
def test_imported_network_matches_published_fixture(fixture, tmp_path):
    numbers = np.load(shared(f"oracles/{fixture}.npz"))
    model = imported(fixture, tmp_path / "theirs.pt")
    number = 2 if split(fixture)[0] in CIFAR else 1
    with torch.inference_mode():
        logits = model(images(split(fixture)[0], number))
    assert_close_to_published(logits.numpy(), numbers["logits"][:number])
    assert sum(parameter.numel() for parameter in model.parameters()) == numbers["n_params"]


@pytest.mark.parametrize("fixture", ["grcnn56", "grcnn56_ws"])
def test_imported_network_matches_published_fixture_in_training(fixture, tmp_path):
    numbers = np.load(shared(f"oracles/{fixture}.npz"))
    model = imported(fixture, tmp_path / "theirs.pt").train()
    with torch.inference_mode():
        logits = model(images("grcnn56", 2))
    assert str(numbers["train_bn_key"]) == "stage_1.iter_1.0"
    norm = model.layers[0].reduce_norm[0]
    assert_close_to_published(logits.numpy(), numbers["train_logits"])
    assert_close_to_published(norm.running_mean.numpy(), numbers["train_running_mean"])
    assert_close_to_published(norm.running_var.numpy(), numbers["train_running_var"])


def test_stages_match_published_fixture(tmp_path):
    """The fixture holds the maps after each downsampling; ours are those before it."""
    numbers = np.load(shared("oracles/grcnn56.npz"))
    model = imported("grcnn56", tmp_path / "theirs.pt")
    with torch.inference_mode():
        maps = model.stages(images("grcnn56", 2))
        after = [*(down(s) for down, s in zip(model.downsamplings, maps, strict=False)), maps[-1]]
    for index, found in enumerate(after, start=1):
        assert found.shape == tuple(numbers[f"stage_stage_{index}_shape"])
        assert_close_to_published(found.flatten()[:16].numpy(), numbers[f"stage_stage_{index}_head"])
        wide = found.double()
        statistics = torch.stack([wide.mean(), wide.abs().mean(), wide.std()]).numpy()
        assert_close_to_published(statistics, numbers[f"stage_stage_{index}_stats"][1:])


@pytest.mark.parametrize("fixture", FIXTURES)
def test_keys_are_the_published_ones_both_ways(fixture):
    name, options = split(fixture)
    model = meta(name, options)
    state = model.state_dict()
    ours = {key: published_keys(model, name, key) for key in state}
    theirs = [key for keys in ours.values() for key in keys]
    published = {key: shape for key, shape, *_ in json.loads(shared(f"oracles/{fixture}.keys.json").read_text())}
    assert len(theirs) == len(set(theirs)) and set(theirs) == published.keys()
    assert {tuple(keys) for keys in ours.values() if len(keys) > 1} == {tuple(keys) for keys in groups(fixture)}
    shapes = {key: list(state[own].shape) for own, keys in ours.items() for key in keys}
    assert shapes == published


@pytest.mark.parametrize("weight_sharing", [False, True])
@pytest.mark.parametrize("name", NUM_KEYS)
def test_networks_have_the_published_number_of_keys(name, weight_sharing):
    model = meta(name, {"weight_sharing": weight_sharing})
    theirs = [key for own in model.state_dict() for key in published_keys(model, name, own)]
    assert len(set(theirs)) == len(theirs) == NUM_KEYS[name]


def theirs(weight_sharing: bool = False) -> dict[str, torch.Tensor]:
    """Return a checkpoint of grcnn56 with random values, which needs no fixture."""
    model = meta("grcnn56", {"weight_sharing": weight_sharing})
    torch.manual_seed(0)
    state = {}
    for own, tensor in model.state_dict().items():
        value = torch.rand(tensor.shape).to(tensor.dtype)
        state |= dict.fromkeys(published_keys(model, "grcnn56", own), value)
    return state


def test_prefix_wrapper_and_optimiser_state_make_no_difference(tmp_path):
    state = theirs()
    wrapped = {
        "epoch": 3,
        "best_acc": 93.2,
        "state_dict": {f"module.{key}": value for key, value in state.items()},
        "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(3)}}, "param_groups": [{"lr": 0.1}]},
    }
    torch.save(state, tmp_path / "plain.pt")
    torch.save(wrapped, tmp_path / "wrapped.pt")
    plain = import_classifier(tmp_path / "plain.pt", "grcnn56", {})
    other = import_classifier(tmp_path / "wrapped.pt", "grcnn56", {})
    assert plain.keys() == other.keys() == meta("grcnn56", {}).state_dict().keys()
    assert all(torch.equal(plain[key], other[key]) for key in plain)


def test_half_precision_becomes_the_networks_type(tmp_path):
    torch.save({key: value.half() for key, value in theirs().items()}, tmp_path / "half.pt")
    own = import_classifier(tmp_path / "half.pt", "grcnn56", {})
    assert {key: value.dtype for key, value in own.items()} == {
        key: value.dtype for key, value in meta("grcnn56", {}).state_dict().items()
    }


def test_all_faulty_keys_are_named_at_once(tmp_path):
    state = theirs()
    del state["stage_2.iter_5.8.weight"]
    state["surplus"] = torch.zeros(2)
    state["classifier.bias"] = torch.zeros(11)
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(ValueError, match="does not fit classifier 'grcnn56' with options {}, 3 keys") as caught:
        import_classifier(tmp_path / "x.pt", "grcnn56", {})
    message = str(caught.value)
    assert "missing stage_2.iter_5.8.weight (640, 160, 1, 1)" in message
    assert "unexpected surplus (2,)" in message
    assert "classifier.bias has shape (11,), expected (10,)" in message


def test_shared_keys_that_differ_are_named(tmp_path):
    state = theirs(weight_sharing=True)
    for key in ("stage_1.iter_3.5.weight", "stage_3.iter_7.2.weight"):
        state[key] = state[key] + 1
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(ValueError, match="2 keys") as caught:
        import_classifier(tmp_path / "x.pt", "grcnn56", {"weight_sharing": True})
    for stage, t, conv in ((1, 3, 5), (3, 7, 2)):
        assert f"stage_{stage}.iter_{t}.{conv}.weight differs from stage_{stage}.iter_1.{conv}" in str(caught.value)


def test_a_shared_checkpoint_fits_the_network_without_sharing(tmp_path):
    torch.save(theirs(weight_sharing=True), tmp_path / "x.pt")
    shared_ones = import_classifier(tmp_path / "x.pt", "grcnn56", {"weight_sharing": True})
    own = import_classifier(tmp_path / "x.pt", "grcnn56", {})
    first, third = own["layers.0.reduce.0.weight"], own["layers.0.reduce.2.weight"]
    assert torch.equal(third, shared_ones["layers.0.reduce.0.weight"])
    assert torch.equal(third, first) and third.data_ptr() != first.data_ptr()


def test_a_prefix_on_some_keys_only_is_not_taken_off(tmp_path):
    state = theirs()
    state["module.classifier.bias"] = state["classifier.bias"]
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(ValueError, match=r"1 key .*\s+unexpected module\.classifier\.bias"):
        import_classifier(tmp_path / "x.pt", "grcnn56", {})


def test_a_file_that_would_run_code_is_refused(tmp_path):
    torch.save({"state_dict": print}, tmp_path / "evil.pt")
    with pytest.raises(ValueError, match="not a PyTorch checkpoint of plain tensors"):
        import_classifier(tmp_path / "evil.pt", "grcnn56", {})


def test_a_network_without_a_known_layout_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no other project's key layout is known for classifier 'grcnn65'; did you"):
        import_classifier(tmp_path / "x.pt", "grcnn65", {})
