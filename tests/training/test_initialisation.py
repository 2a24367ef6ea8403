import pytest
import torch

from grcnn_ocr.build import build_charset, build_model
from grcnn_ocr.training.initialisation import ACCENT, initialise
from grcnn_ocr.training.trainer import Trainer
from grcnn_ocr.weights import Weights, load_weights, save_weights


def with_characters(config, characters: str):
    charset = config.charset.model_copy(update={"characters": characters, "fold_case": False})
    return config.model_copy(update={"charset": charset})


def with_model(config, **values):
    return config.model_copy(update={"model": config.model.model_copy(update=values)})


def pair(config, ours: str, theirs: str):
    found = []
    for characters in (ours, theirs):
        settings = with_characters(config, characters)
        found += [build_model(settings), build_charset(settings.charset)]
    return found


def test_the_rows_of_known_characters_are_kept_and_the_others_reported(small_config):
    model, charset, trained, known = pair(small_config, "bAz", "abc")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    report = initialise(model, charset, trained, known, "old")
    for key, value in model.state_dict().items():
        if key not in model.head_keys:
            assert torch.equal(value, trained.state_dict()[key])
            continue
        theirs = trained.state_dict()[key]
        expected = [theirs[0], theirs[2], theirs[1], before[key][3]]  # blank, b, A from a, z newly initialised
        assert all(torch.equal(row, other) for row, other in zip(value, expected, strict=True))
    assert report == (
        "1 of 3 characters start as old knows them; from their other case: A; newly initialised: z; no longer known: ac"
    )


def test_an_accented_letter_starts_from_its_base_letter_but_less_likely(small_config):
    model, charset, trained, known = pair(small_config, "aeéÉþ", "ae")
    dotless, ligature = "\u0131", "\ufb06"
    report = initialise(*pair(small_config, dotless + ligature, "rstRSTI"), "old")
    assert f"from their base letter: {dotless}; newly initialised: {ligature};" in report
    report = initialise(model, charset, trained, known, "old")
    assert report.endswith(
        "2 of 5 characters start as old knows them; from their base letter: éÉ; newly initialised: þ"
    )
    network, before = model.eval(), trained.eval()
    images, widths = torch.randn(2, 1, 32, 64), torch.tensor([64, 64])
    logits, expected = network(images, widths)[0], before(images, widths)[0]
    torch.testing.assert_close(logits[..., :3], expected)
    torch.testing.assert_close(logits[..., [3, 4]], expected[..., [2, 2]] - ACCENT)


def test_the_head_is_what_has_a_row_a_class(small_config):
    model = build_model(with_characters(small_config, "abcdefg"))
    assert {key for key, value in model.state_dict().items() if 8 in value.shape[:1]} >= set(model.head_keys)
    sizes = {len(build_model(with_characters(small_config, "ab")).state_dict()[key]) for key in model.head_keys}
    assert sizes == {3} and all(len(model.state_dict()[key]) == 8 for key in model.head_keys)


def test_another_network_is_an_error_that_names_the_keys(small_config):
    model, charset, _, _ = pair(small_config, "ab", "ab")
    other = with_model(small_config, lstm_features=(24, 24))
    with pytest.raises(ValueError, match=r"sequence\.0\.lstm\.weight_ih_l0 has shape"):
        initialise(model, charset, build_model(other), build_charset(other.charset), "old")


def test_a_smaller_network_grows_and_its_characters_are_kept(small_config):
    large = with_model(with_characters(small_config, "bac"), lstm_features=(24, 40))
    small = with_characters(small_config, "abc")
    known, trained, model = build_charset(small.charset), build_model(small), build_model(large)
    report = initialise(model, build_charset(large.charset), trained, known, "old")
    assert "3 of 3 characters start as old knows them; its " in report and "parameters grow to" in report
    images, widths = torch.randn(2, 1, 32, 64), torch.tensor([64, 64])
    expected, found = (network.eval()(images, widths)[0].log_softmax(2) for network in (trained, model))
    assert torch.allclose(found, expected[..., [0, 2, 1, 3]], atol=1e-4)


def test_training_starts_from_the_weights_and_resumes_without_them(small_config, tmp_path, caplog):
    trained = build_model(small_config)
    save_weights(tmp_path / "w.safetensors", Weights(trained, small_config))
    train = small_config.train.model_copy(update={"lr": 1e-12, "ema_decay": 0.0, "weight_decay": 0.0})
    config = small_config.model_copy(update={"train": train})
    with caplog.at_level("INFO"):
        Trainer(config, tmp_path / "run", init=tmp_path / "w.safetensors").run()
    assert "36 of 36 characters start as" in caplog.text
    started = load_weights(tmp_path / "run" / "last.safetensors").model.state_dict()
    for key, value in trained.named_parameters():
        assert torch.allclose(started[key], value, atol=1e-6), key
    assert Trainer(config, tmp_path / "run", resume=True, init="nowhere").run() is None
