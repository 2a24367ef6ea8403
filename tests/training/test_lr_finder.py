import math
import random
from types import SimpleNamespace

import pytest

from grcnn_ocr.cli.train import _find_lr
from grcnn_ocr.training.lr_finder import MIN_STEPS, SMOOTHING, WINDOW, _steepest, find_lr
from grcnn_ocr.training.trainer import Trainer


def test_the_suggestion_is_where_the_loss_falls_fastest():
    rates = [10 ** (-6 + n / 10) for n in range(60)]
    falls = [10.0 if n < 30 else 10 - 0.3 * (n - 30) if n < 40 else 7 - 0.1 * (n - 40) for n in range(50)]
    rises = [falls[-1] + n**2 for n in range(10)]
    assert rates[30] <= _steepest(rates, falls + rises) <= rates[40]
    only_rises = [float(n) for n in range(60)]
    assert _steepest(rates, only_rises) == rates[MIN_STEPS + WINDOW // 2]


def noisy_curve(seed):
    """Rates and smoothed losses: 25 up to a rate of 2e-4, down to 20 at 5e-3, up from 3e-2 on; noise of 2 a step."""
    draw = random.Random(seed)
    exponents = [-6 + 6 * n / 149 for n in range(150)]
    losses, average = [], 0.0
    for number, x in enumerate(exponents, start=1):
        rise = math.exp(8 * (x + 1.5)) - 1 if x > -1.5 else 0
        loss = 25 - 5 / (1 + math.exp(-4 * (x + 3))) + rise + draw.gauss(0, 2)
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        losses.append(average / (1 - SMOOTHING**number))
    return [10**x for x in exponents], losses


def test_the_suggestion_is_sane_where_losses_are_noisy():
    assert all(2e-4 < _steepest(*noisy_curve(seed)) < 2e-2 for seed in range(50))


def test_a_low_loss_of_the_first_steps_is_not_the_lowest_point():
    rates, losses = noisy_curve(0)
    assert _steepest(rates, [1.0, *losses[1:]]) == _steepest(rates, losses)


def test_of_several_processes_the_first_prints(small_config, tmp_path, capsys, monkeypatch):
    curve = find_lr(Trainer(small_config, tmp_path), steps=15)
    monkeypatch.setattr("grcnn_ocr.training.lr_finder.find_lr", lambda trainer: curve)
    for is_first in (False, True):
        _find_lr(SimpleNamespace(accelerator=SimpleNamespace(is_main_process=is_first)), tmp_path)
        assert ("suggestion" in capsys.readouterr().out) == (tmp_path / "lr.png").exists() == is_first


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
