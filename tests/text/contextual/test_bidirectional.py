from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from grounding.errors import InputError
from grounding.text.contextual.bidirectional import make_bidirectional

LENGTH = 7


def seeded(build: Callable[[], nn.Module]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return build().eval()


def gpt2(attention: str) -> nn.Module:
    from transformers.models.gpt2.configuration_gpt2 import GPT2Config
    from transformers.models.gpt2.modeling_gpt2 import GPT2Model

    config = GPT2Config(vocab_size=40, n_positions=32, n_embd=16, n_layer=3, n_head=2, attn_implementation=attention)
    return seeded(lambda: GPT2Model(config))


def llama(attention: str, kind: str = "Llama", **settings: int) -> nn.Module:
    """Two heads that share their keys; Mistral is the same with a sliding window."""
    import transformers

    config = getattr(transformers, f"{kind}Config")(
        vocab_size=40,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        attn_implementation=attention,
        **settings,
    )
    return seeded(lambda: getattr(transformers, f"{kind}Model")(config))


MODELS = pytest.mark.parametrize("build", [gpt2, llama])
ATTENTIONS = pytest.mark.parametrize("attention", ["eager", "sdpa"])


def states(model: nn.Module, tokens: Tensor, mask: Tensor | None = None, **more: Tensor) -> Tensor:
    with torch.no_grad():
        found = model(input_ids=tokens, attention_mask=mask, output_hidden_states=True, use_cache=False, **more)
    return torch.stack(found.hidden_states)


def sentence() -> Tensor:
    return torch.arange(3, 3 + LENGTH)[None]


def seen(model: nn.Module, tokens: Tensor, mask: Tensor | None = None, **more: Tensor) -> Tensor:
    """bool (layers, T, T): whether the state of a place (row) changes with the token at another (column)."""
    before = states(model, tokens, mask, **more)
    rows = []
    for place in range(tokens.shape[1]):
        changed = tokens.clone()
        changed[0, place] = 1
        rows.append((states(model, changed, mask, **more) - before)[:, 0].abs().amax(-1) > 0)
    return torch.stack(rows, dim=-1)


@ATTENTIONS
@MODELS
@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_only_the_last_layers_see_what_is_to_come(
    build: Callable[[str], nn.Module], attention: str, layers: int
) -> None:
    causal = states(build(attention), sentence())
    model = make_bidirectional(build(attention), layers)
    # The last entry of the hidden states has the final norm; entry n is what layer n gives.
    below = 4 - layers
    assert torch.equal(states(model, sentence())[:below], causal[:below])
    visible = seen(model, sentence())
    triangle = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()
    for number in range(1, 4):
        assert torch.equal(visible[number], triangle if number < below else torch.ones_like(triangle)), number


@ATTENTIONS
@MODELS
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_not_seen(build: Callable[[str], nn.Module], attention: str, side: str) -> None:
    model = make_bidirectional(build(attention), 2)
    alone = states(model, sentence())
    padding = torch.zeros(1, 3, dtype=torch.long)
    before, after = (padding, padding[:, :0]) if side == "left" else (padding[:, :0], padding)
    tokens = torch.cat([before, sentence(), after], dim=1)
    mask = torch.cat([before, torch.ones_like(sentence()), after], dim=1)
    places = torch.arange(tokens.shape[1])[None] - before.shape[1]
    own = {"position_ids": places.clamp(min=0)}
    kept = mask[0].bool()
    torch.testing.assert_close(states(model, tokens, mask, **own)[:, :, kept], alone, atol=1e-5, rtol=1e-4)
    assert not seen(model, tokens, mask, **own)[1:, kept][..., ~kept].any()


@ATTENTIONS
def test_a_sliding_window_slides_both_ways(attention: str) -> None:
    model = make_bidirectional(llama(attention, "Mistral", sliding_window=3), 3)
    apart = (torch.arange(LENGTH)[:, None] - torch.arange(LENGTH)).abs()
    # "eager" builds its mask over the same window as "sdpa": the word itself and two before it.
    assert torch.equal(seen(model, sentence())[1], apart < 3)


def test_sentences_packed_into_one_row_do_not_see_each_other() -> None:
    model = make_bidirectional(llama("sdpa"), 2)
    packed = torch.cat([sentence(), sentence().flip(1)], dim=1)
    places = torch.arange(LENGTH).repeat(2)[None]
    expected = torch.cat([states(model, sentence()), states(model, sentence().flip(1))], dim=2)
    torch.testing.assert_close(states(model, packed, position_ids=places), expected, atol=1e-5, rtol=1e-4)


def test_set_anew_it_is_causal_again() -> None:
    model = gpt2("sdpa")
    causal = states(model, sentence())
    opened = states(make_bidirectional(make_bidirectional(model, 3), 1), sentence())
    assert torch.equal(opened, states(make_bidirectional(gpt2("sdpa"), 1), sentence()))
    assert torch.equal(states(make_bidirectional(model, 0), sentence()), causal)


def test_training_lowers_a_contrastive_loss() -> None:
    model = make_bidirectional(llama("sdpa"), 1).train()
    pairs = torch.arange(1, 33).reshape(2, 4, 4)
    losses = []
    for _ in range(6):
        one, other = (
            nn.functional.normalize(model(input_ids=side).last_hidden_state.mean(1), dim=-1) for side in pairs
        )
        loss = nn.functional.cross_entropy(10 * one @ other.T, torch.arange(4))
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter -= 0.1 * gradient / gradient.norm().clamp_min(1)
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_a_cache_of_earlier_words_is_refused() -> None:
    model = make_bidirectional(gpt2("sdpa"), 1)
    with torch.no_grad():
        first = model(input_ids=sentence(), use_cache=True)
        with pytest.raises(InputError, match="layer 2: keys cached by an earlier call"):
            model(input_ids=sentence()[:, :1], past_key_values=first.past_key_values)


def test_bad_input() -> None:
    from transformers.models.openai.configuration_openai import OpenAIGPTConfig
    from transformers.models.openai.modeling_openai import OpenAIGPTModel

    with pytest.raises(InputError, match="layers: 4 found, expected 0 to 3"):
        make_bidirectional(gpt2("sdpa"), 4)
    old = OpenAIGPTModel(OpenAIGPTConfig(vocab_size=40, n_embd=16, n_layer=1, n_head=2))
    with pytest.raises(InputError, match="OpenAIGPTModel found, with 0 attention layers"):
        make_bidirectional(old)
