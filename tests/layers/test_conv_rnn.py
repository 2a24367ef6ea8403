import math

import pytest
import torch
from torch import Tensor

from grcnn_ocr.layers.conv_rnn import REGULATORS, ConvGRU, ConvLSTM, ConvRNN, GateConv

SIZES = {"rnn": 1, "gru": 3, "lstm": 4}


def gate_inputs(conv: GateConv, x: Tensor, h: Tensor) -> list[Tensor]:
    """W * [X, H] + b of every gate of a light convolution, value by value."""
    pair, spatial, bias = conv.convs[0].weight.detach(), conv.convs[1].weight.detach(), conv.convs[1].bias.detach()
    batch, channels, height, width = x.shape
    gates = [torch.zeros_like(x) for _ in range(conv.num_gates)]
    for g in range(conv.num_gates):
        for c in range(channels):
            out = c * conv.num_gates + g
            w_x, w_h = pair[out, :, 0, 0].tolist()
            for b in range(batch):
                for i in range(height):
                    for j in range(width):
                        total = float(bias[out])
                        for k in range(max(0, i - 1), min(height, i + 2)):
                            for m in range(max(0, j - 1), min(width, j + 2)):
                                mixed = w_x * float(x[b, c, k, m]) + w_h * float(h[b, c, k, m])
                                total += float(spatial[out, 0, k - i + 1, m - j + 1]) * mixed
                        gates[g][b, c, i, j] = total
    return gates


def sigmoid(x: Tensor) -> Tensor:
    return x.apply_(lambda value: 1 / (1 + math.exp(-value)))


def tanh(x: Tensor) -> Tensor:
    return x.clone().apply_(math.tanh)


@pytest.fixture
def inputs() -> Tensor:
    return torch.randn(3, 2, 3, 3, 4, generator=torch.Generator().manual_seed(0))  # T, B, N, H, W


def test_conv_rnn_computes_its_equation(inputs):
    torch.manual_seed(1)
    cell, state, h = ConvRNN(3), None, torch.zeros(2, 3, 3, 4)
    for x in inputs:
        state = cell(x, state)
        (net,) = gate_inputs(cell.gates, x, h)
        h = tanh(net)
        torch.testing.assert_close(state, (h,))


def test_conv_gru_computes_its_equations(inputs):
    torch.manual_seed(1)
    cell, state, h = ConvGRU(3), None, torch.zeros(2, 3, 3, 4)
    for x in inputs:
        state = cell(x, state)
        z, r = map(sigmoid, gate_inputs(cell.gates, x, h))
        (net,) = gate_inputs(cell.candidate, x, r * h)
        h = (1 - z) * h + z * tanh(net)
        torch.testing.assert_close(state, (h,))


def test_conv_lstm_computes_its_equations(inputs):
    torch.manual_seed(1)
    cell, state = ConvLSTM(3), None
    h = c = torch.zeros(2, 3, 3, 4)
    for x in inputs:
        state = cell(x, state)
        i, f, o, g = gate_inputs(cell.gates, x, h)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        torch.testing.assert_close(state, (h, c))


def test_each_gate_map_sees_its_own_maps_of_input_and_state_alone():
    torch.manual_seed(0)
    conv = GateConv(4, 2)
    x, h = torch.randn(2, 1, 4, 3, 3).requires_grad_()
    for gate in conv(x, h):
        for c in range(4):
            for tensor in (x, h):
                (gradient,) = torch.autograd.grad(gate[:, c].sum(), tensor, retain_graph=True)
                assert gradient.abs().sum(dim=(0, 2, 3)).nonzero().flatten().tolist() == [c]


@pytest.mark.parametrize("channels", [16, 32])
@pytest.mark.parametrize("name", SIZES)
def test_cells_have_the_parameters_of_their_gates(name, channels):
    def count(kernel: str) -> int:
        return sum(parameter.numel() for parameter in REGULATORS[name](channels, kernel).parameters())

    assert count("light") == SIZES[name] * 12 * channels
    assert count("dense") == SIZES[name] * (18 * channels**2 + channels)


@pytest.mark.parametrize("kernel", ["light", "dense"])
@pytest.mark.parametrize("name", SIZES)
def test_cells_under_autocast_and_channels_last_are_the_same_cells(name, kernel, inputs):
    torch.manual_seed(0)
    cell = REGULATORS[name](3, kernel)

    def run(xs: list[Tensor]) -> Tensor:
        state = None
        for x in xs:
            state = cell(x, state)
        return state[0]

    expected = run(list(inputs))
    cell.to(memory_format=torch.channels_last)
    xs = [x.contiguous(memory_format=torch.channels_last) for x in inputs]
    torch.testing.assert_close(run(xs), expected)
    with torch.autocast("cpu", torch.bfloat16):
        y = run(xs)
    y.float().sum().backward()
    torch.testing.assert_close(y.float(), expected, atol=0.03, rtol=0.03)
    assert all(parameter.grad.abs().sum() > 0 for parameter in cell.parameters())
