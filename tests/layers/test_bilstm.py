import torch

from grcnn_ocr.layers.bilstm import BiLSTM


def test_join_is_one_linear_map_of_both_directions():
    torch.manual_seed(0)
    layer = BiLSTM(6, 4, 3)
    frames = torch.randn(2, 7, 6)
    both = layer.lstm(frames)[0]
    weight = torch.cat([layer.join_forward.weight, layer.join_backward.weight], dim=1)
    bias = layer.join_forward.bias + layer.join_backward.bias
    torch.testing.assert_close(layer(frames), both @ weight.T + bias)


def test_bilstm_has_the_published_parameters():
    assert sum(p.numel() for p in BiLSTM(512, 512, 512).parameters()) == 4_727_808
    assert sum(p.numel() for p in BiLSTM(512, 512, 37).parameters()) == 4_240_458
