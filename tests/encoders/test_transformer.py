"""The transformer that encoders share, held against torch's own."""

import pytest
import torch
from torch import nn

from grounding.encoders.transformer import Transformer, pool


def test_a_layer_is_that_of_torch() -> None:
    torch.manual_seed(0)
    ours = Transformer(64, 1)
    theirs = nn.TransformerEncoderLayer(64, 2, 256, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
    layer = ours.layers[0]
    theirs.load_state_dict(
        {
            "self_attn.in_proj_weight": layer.project.weight,
            "self_attn.in_proj_bias": layer.project.bias,
            "self_attn.out_proj.weight": layer.join.weight,
            "self_attn.out_proj.bias": layer.join.bias,
            "linear1.weight": layer.each[0].weight,
            "linear1.bias": layer.each[0].bias,
            "linear2.weight": layer.each[2].weight,
            "linear2.bias": layer.each[2].bias,
            **{f"norm{n + 1}.{part}": getattr(layer.norms[n], part) for n in (0, 1) for part in ("weight", "bias")},
        }
    )
    tokens, mask = torch.randn(3, 7, 64), torch.arange(7) < torch.tensor([[7], [4], [1]])
    expected = ours.norm(theirs(tokens, src_key_padding_mask=~mask))
    torch.testing.assert_close(ours(tokens, mask)[mask], expected[mask], atol=1e-5, rtol=1e-4)


def test_absent_tokens_do_not_matter() -> None:
    torch.manual_seed(0)
    transformer = Transformer(32, 2)
    tokens, mask = torch.randn(1, 6, 32), torch.tensor([[True, True, False, True, False, False]])
    changed = tokens.clone()
    changed[:, ~mask[0]] = 100.0
    expected = pool(transformer(tokens[:, mask[0]], mask[:, mask[0]]), mask[:, mask[0]])
    for values in (tokens, changed):
        torch.testing.assert_close(pool(transformer(values, mask), mask), expected, atol=1e-5, rtol=1e-4)


def test_pooling_is_the_maximum_and_the_mean_of_what_is_there() -> None:
    tokens = torch.tensor([[[1.0, -5.0], [3.0, -7.0], [9.0, 9.0]]])
    assert pool(tokens, torch.tensor([[True, True, False]])).tolist() == [[3.0, -5.0, 2.0, -6.0]]
    assert pool(tokens, torch.ones(1, 3, dtype=torch.bool))[0].tolist() == pytest.approx([9, 9, 13 / 3, -1])
