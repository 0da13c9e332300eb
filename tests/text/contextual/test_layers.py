import numpy as np
import pytest
import torch
from torch import Tensor

from grounding.errors import InputError
from grounding.text.contextual.layers import (
    LayerMix,
    intra_sentence_similarity,
    layer_change,
    mix,
    sbert_wk,
    self_similarity,
)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def layered(layers: int, *shape: int, seed: int = 0) -> Tensor:
    """States that change gradually from layer to layer, as those of a transformer do."""
    steps = drawn(layers, *shape, seed=seed)
    return steps[:1] + 0.4 * steps.cumsum(0)


def test_mix_is_the_weighted_sum_of_layers() -> None:
    states = drawn(3, 2, 5, 4)
    expected = 0.5 * states[0] - 2 * states[1] + 0.25 * states[2]
    torch.testing.assert_close(mix(states, (0.5, -2, 0.25)), expected)
    torch.testing.assert_close(mix(states[:, 0], torch.tensor([0.5, -2, 0.25])), expected[0])


def test_layer_mix_recovers_planted_weights() -> None:
    states = drawn(4, 300, 8)
    planted = torch.tensor([0.1, 0.5, 0.15, 0.25])
    target = 3 * mix(states, planted) + 0.01 * drawn(300, 8, seed=1)
    layers = LayerMix(4)
    torch.testing.assert_close(layers(states), states.mean(0))
    optimizer = torch.optim.LBFGS(layers.parameters(), max_iter=60)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (layers(states) - target).square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    torch.testing.assert_close(layers.weights.detach(), planted, atol=2e-3, rtol=0)
    assert float(layers.gamma.detach()) == pytest.approx(3, abs=0.01)
    assert float(layers.weights.sum()) == pytest.approx(1)


def test_layer_mix_normalises_each_state() -> None:
    states = drawn(2, 3, 16)
    loud = states * torch.tensor([1.0, 100.0])[:, None, None] + 5
    mixed = LayerMix(2, normalise=True)
    torch.testing.assert_close(mixed(loud), mixed(states), atol=1e-3, rtol=0)
    assert not torch.allclose(LayerMix(2)(loud), LayerMix(2)(states))


def oracle(states: np.ndarray, window: int) -> np.ndarray:
    """SBERT-WK of one sentence, word by word and layer by layer, by least squares rather than QR."""

    def unit(vector: np.ndarray) -> np.ndarray:
        return vector / np.linalg.norm(vector)

    layers, words, width = states.shape
    fused, importance = np.zeros((words, width)), np.zeros(words)
    for word in range(words):
        vectors = states[:, word].astype(np.float64)
        alignment, novelty = np.zeros(layers), np.zeros(layers)
        for layer in range(layers):
            others = [vectors[k] for k in range(layers) if k != layer and abs(k - layer) <= window]
            basis = np.stack(others, axis=1)
            within = basis @ np.linalg.lstsq(basis, vectors[layer], rcond=None)[0]
            cosine = np.mean([unit(within) @ unit(other) for other in others])
            alignment[layer] = 1 / max(cosine, 0.01)
            novelty[layer] = np.linalg.norm(vectors[layer] - within) / np.linalg.norm(vectors[layer])
        fused[word] = (alignment / alignment.sum() + novelty / novelty.sum()) / 2 @ vectors
        importance[word] = np.var([unit(vectors[k]) @ unit(vectors[k + 1]) for k in range(layers - 1)])
    return importance / importance.sum() @ fused


@pytest.mark.parametrize("layers, window, width", [(9, 2, 48), (3, 2, 7), (7, 1, 5), (13, 3, 32)])
def test_sbert_wk_equals_the_plain_loop(layers: int, window: int, width: int) -> None:
    states = layered(layers, 6, width)
    np.testing.assert_allclose(sbert_wk(states, window=window), oracle(states.numpy(), window), atol=1e-5)


def test_sbert_wk_of_a_batch_is_that_of_its_sentences() -> None:
    states = layered(7, 3, 5, 24)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 1, 0, 1, 1]], dtype=torch.bool)
    vectors = sbert_wk(states, mask)
    for row, kept in enumerate(mask):
        np.testing.assert_allclose(vectors[row], oracle(states[:, row, kept].numpy(), 2), atol=1e-5)


def test_sbert_wk_without_any_change_is_the_mean_of_the_words() -> None:
    words = drawn(4, 24)
    torch.testing.assert_close(sbert_wk(words.expand(6, 4, 24)), words.mean(0), atol=1e-5, rtol=0)


def test_sbert_wk_prefers_words_that_change() -> None:
    states = drawn(1, 2, 24).expand(8, 2, 24).clone()
    states[:, 1] = layered(8, 24, seed=3)
    alone = sbert_wk(states[:, 1:])
    torch.testing.assert_close(sbert_wk(states), alone, atol=1e-4, rtol=0)


def test_self_similarity_is_the_mean_cosine_of_pairs() -> None:
    states = drawn(3, 5, 8)
    units = states / states.norm(dim=-1, keepdim=True)
    expected = [np.mean([float(layer[a] @ layer[b]) for a in range(5) for b in range(5) if a != b]) for layer in units]
    np.testing.assert_allclose(self_similarity(states), expected, atol=1e-6)


def test_static_layers_are_alike_and_contextual_ones_less() -> None:
    word = drawn(16)
    # The same vector in each of 200 contexts, then with as much context added as there was word.
    states = torch.stack([word.expand(200, 16), word + word.norm() / 4 * drawn(200, 16)])
    static, contextual = self_similarity(states)
    assert float(static) == pytest.approx(1, abs=1e-5)
    assert float(contextual) == pytest.approx(0.5, abs=0.08)
    assert float(intra_sentence_similarity(states)[0]) == pytest.approx(1, abs=1e-5)


def test_layer_change_and_similarity_to_the_sentence() -> None:
    one, other = torch.tensor([1.0, 0]), torch.tensor([0, 1.0])
    states = torch.stack([torch.stack([one, one]), torch.stack([one, other]), torch.stack([one, other])])
    torch.testing.assert_close(layer_change(states), torch.tensor([0.5, 0]))
    torch.testing.assert_close(intra_sentence_similarity(states), torch.tensor([1, 0.5**0.5, 0.5**0.5]))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: mix(drawn(3, 2, 4), (1, 2)), r"weights: shape \(2,\) found, expected \(3,\)"),
        (lambda: LayerMix(0), "layers: 0 found"),
        (lambda: LayerMix(2)(drawn(3, 2, 4)), r"expected \(3,\)"),
        (lambda: sbert_wk(drawn(1, 2, 9)), "expected .* 2 layers or more"),
        (lambda: sbert_wk(drawn(5, 2, 4)), "window: 2 found, expected at least 1 and at most 1"),
        (lambda: sbert_wk(drawn(5, 2, 9), torch.ones(3, dtype=torch.bool)), r"mask: shape \(3,\) found"),
        (lambda: sbert_wk(drawn(5, 2, 9), torch.zeros(2, dtype=torch.bool)), "without any word"),
        (lambda: sbert_wk(drawn(5, 0, 9)), "no words"),
        (lambda: self_similarity(drawn(3, 1, 4)), "1 occurrences found"),
    ],
)
def test_bad_input(call, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()
