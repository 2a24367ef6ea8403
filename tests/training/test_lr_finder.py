import pytest

from grcnn_ocr.training.lr_finder import MIN_STEPS, _steepest, find_lr
from grcnn_ocr.training.trainer import Trainer


def test_the_suggestion_is_where_the_loss_falls_fastest():
    rates = [10 ** (-6 + n / 10) for n in range(60)]
    falls = [10.0 if n < 30 else 10 - 0.3 * (n - 30) if n < 40 else 7 - 0.1 * (n - 40) for n in range(50)]
    rises = [falls[-1] + n**2 for n in range(10)]
    assert rates[30] <= _steepest(rates, falls + rises) <= rates[40]
    assert _steepest(rates, [float(n) for n in range(60)]) == rates[MIN_STEPS]  # it only rises


def test_rates_grow_until_the_loss_explodes(small_config, tmp_path):
    curve = find_lr(Trainer(small_config, tmp_path), steps=60)
    assert curve.rates[0] == 1e-6 and all(a < b for a, b in zip(curve.rates[:-1], curve.rates[1:], strict=True))
    assert len(curve.rates) == len(curve.losses) <= 60
    assert 1e-6 < curve.suggestion < 1
    curve.plot(tmp_path / "lr.png")
    assert (tmp_path / "lr.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_without_matplotlib_says_what_to_install(small_config, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    curve = find_lr(Trainer(small_config, tmp_path), steps=15)
    with pytest.raises(ValueError, match=r"pip install 'grcnn-ocr\[plots\]'"):
        curve.plot(tmp_path / "lr.png")
