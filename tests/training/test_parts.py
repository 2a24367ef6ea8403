"""Learning rate, moving average, budget: the parts around the loop."""

import pytest
import torch

from grcnn_ocr.config import TrainConfig, load_config
from grcnn_ocr.training.budget import Measurement, total_steps, validates_at
from grcnn_ocr.training.ema import MovingAverage
from grcnn_ocr.training.optim import build_optimizer, learning_rate


def rates(total: int, **settings: object) -> list[float]:
    return [learning_rate(step, total, TrainConfig(lr=1.0, **settings)) for step in range(total)]


def test_cosine_warms_up_then_falls_to_zero():
    found = rates(1000, warmup_steps=100)
    assert found[0] == 0.01 and found[99] == 1.0 and found[100] == 1.0
    assert found[550] == pytest.approx(0.5) and found[-1] < 1e-5
    assert all(a >= b for a, b in zip(found[100:], found[101:], strict=False))


def test_one_cycle_rises_for_three_tenths_then_falls():
    found = rates(1000, schedule="one_cycle")
    assert found[0] == pytest.approx(1 / 25) and max(found) == found[300] == 1.0 and found[-1] < 2e-4


def test_constant_stays_after_the_warm_up():
    assert set(rates(50, schedule="constant", warmup_steps=0)) == {1.0}


def test_the_warm_up_takes_at_most_a_fifth_of_a_short_run():
    assert rates(20, warmup_steps=100)[4] == 1.0


def test_while_a_budget_is_measured_the_rate_warms_up():
    config = TrainConfig(lr=1.0, warmup_steps=100)
    assert learning_rate(20, None, config) == learning_rate(20, 5000, config) == 0.21


def test_weight_decay_spares_biases_and_norms():
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    decayed, spared = build_optimizer(model.parameters(), TrainConfig(weight_decay=0.1)).param_groups
    assert [p.ndim for p in decayed["params"]] == [4] and decayed["weight_decay"] == 0.1
    assert [p.ndim for p in spared["params"]] == [1, 1, 1] and spared["weight_decay"] == 0


def test_average_follows_its_equation():
    model = torch.nn.BatchNorm1d(2)
    average = MovingAverage(model, decay=0.5)
    expected, values = torch.ones(2), [3.0, 5.0, -2.0, 7.0, 1.0, 0.0, 2.0, 4.0, 6.0, 8.0]
    for update, value in enumerate(values):
        torch.nn.init.constant_(model.weight, value)
        model.num_batches_tracked += 1
        average.update(model, update)
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * value
    torch.testing.assert_close(average.model.weight.data, expected)
    assert average.model.num_batches_tracked == 10
    assert (average.model.weight != model.weight).all()


def test_average_without_decay_is_the_weights():
    model = torch.nn.Linear(2, 2)
    average = MovingAverage(model, decay=0)
    torch.nn.init.normal_(model.weight)
    average.update(model, 1000)
    assert torch.equal(average.model.weight, model.weight)


def test_a_time_budget_becomes_steps_that_leave_time_for_validation():
    measured = Measurement(steps=50, elapsed=20.0, step_seconds=0.2, validation_seconds=3.0)
    assert total_steps(TrainConfig(time_budget="10m")) is None
    assert total_steps(TrainConfig(time_budget="10m"), measured) == 50 + int((600 - 20 - 10 * 3) / 0.2)
    every = total_steps(TrainConfig(time_budget="10m", validate_every=100), measured)
    assert every == 50 + int(580 / (0.2 + 0.03))
    assert total_steps(TrainConfig(time_budget="10s"), measured) == 51  # exceeded already: ends, with weights saved


def test_a_time_budget_that_is_too_short_is_reported(caplog):
    measured = Measurement(steps=50, elapsed=20.0, step_seconds=0.2, validation_seconds=3.0)
    assert total_steps(TrainConfig(time_budget=60.0), measured) == 100 and not caplog.text
    assert total_steps(TrainConfig(time_budget=15.0), measured) == 51
    assert "train.time_budget of 15 s is too short: 20 s had passed" in caplog.text


def test_steps_are_the_budget_without_a_time():
    assert total_steps(TrainConfig(steps=7)) == 7
    assert total_steps(load_config("grcl_lstm_tiny", ["train.steps=7"]).train) == 7  # which has a time budget
    with pytest.raises(ValueError, match=r"train\.steps=20000 or train\.time_budget=20m"):
        total_steps(TrainConfig())


def test_validation_comes_ten_times_or_as_asked_and_always_at_the_end():
    def times(total: int, every: int | None) -> list[int]:
        config = TrainConfig(validate_every=every)
        return [step for step in range(1, total + 1) if validates_at(step, total, config)]

    assert times(1000, None) == [100 * i for i in range(1, 11)]
    assert times(3, None) == [1, 2, 3]
    assert times(25, 10) == [10, 20, 25]
