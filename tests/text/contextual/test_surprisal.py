import itertools

import numpy as np
import pytest
import torch

from grounding.errors import InputError
from grounding.text.contextual import Context, ContextualModel, Predictability, forward
from grounding.text.contextual.surprisal import scores
from tests.text.contextual import naive, tiny
from tests.text.contextual.test_model import COUNT, STORY, contextual, past

NEARLY_NEVER = 1e-9


def spelling(generator: np.random.Generator) -> np.ndarray:
    """Probabilities (from, to) of `</s>`, space, a, b: texts of spelt words that never end, without double spaces."""
    table = generator.dirichlet(np.ones(4), size=4)
    table[:, 0] = NEARLY_NEVER
    table[1, 1] = NEARLY_NEVER
    return table / table.sum(1, keepdims=True)


def test_a_planted_model_gives_the_probabilities_planted(generator):
    table = spelling(generator)
    model = ContextualModel(tiny.bigrams(table), tiny.letters("ab"))
    found = model.surprisal(["ab", "ba"])
    bits = -np.log2(table)
    # Word 0 follows the token for the end of a text, word 1 has a space before it.
    expected = [bits[0, 2] + bits[2, 3], bits[3, 1] + bits[1, 3] + bits[3, 2]]
    np.testing.assert_allclose(found.surprisal, expected, rtol=1e-4)
    np.testing.assert_allclose(found.entropy, (table * bits).sum(1)[[0, 1]], rtol=1e-4)
    np.testing.assert_array_equal(found.rank, [1 + (table[0] > table[0, 2]).sum(), 1 + (table[1] > table[1, 3]).sum()])


def test_whole_words_have_probabilities_that_sum_to_one(generator):
    """Over all words that can come second; those of subwords sum to more, for "a" includes what begins with it."""
    table = spelling(generator)
    model = ContextualModel(tiny.bigrams(table), tiny.letters("ab"))
    longest = 6
    words = ["".join(one) for length in range(1, longest + 1) for one in itertools.product("ab", repeat=length)]
    documents = [["a", word] for word in words]
    second = slice(1, None, 2)
    whole = 2.0 ** -model.surprisal(documents, whole_words=True).surprisal[second]
    parts = 2.0 ** -model.surprisal(documents).surprisal[second]
    inside = table[2:, 2:]
    longer = table[1, 2:] @ np.linalg.matrix_power(inside, longest) @ np.ones(2)
    assert whole.sum() == pytest.approx(1 - longer, abs=1e-4)
    assert parts.sum() > 1.2 * table[2, 1]
    # Given the first word, the second one begins for certain: that much is in every product of subwords.
    np.testing.assert_allclose(whole, parts * [table["</s> ab".index(one[-1]) - 3, 1] for one in words] / table[2, 1],
                               rtol=1e-3)  # fmt: skip


@pytest.mark.parametrize("kind", tiny.CAUSAL)
@pytest.mark.parametrize(("context", "spans"), [(Context(5), past(5)), (Context(4, step=3), past(4, 3))])
def test_causal_surprisal_is_that_of_a_naive_loop(kind, context, spans):
    model = contextual(kind)
    pieces = naive.word_subwords(model.tokenizer, STORY)
    found = model.surprisal(STORY, context=context)
    np.testing.assert_allclose(found.surprisal, naive.surprisal(model.model, pieces, spans), atol=1e-4)


@pytest.mark.parametrize("kind", tiny.CAUSAL)
def test_surprisals_sum_to_that_of_the_text(kind):
    """As the model's own loss has it, white space and all."""
    model = contextual(kind)
    text = "the cat  sat,\n\non the naïve mat"
    ids = torch.tensor([[1, *model.tokenizer.encode(text, add_special_tokens=False)]])
    with torch.inference_mode():
        loss = model.model(ids, labels=ids, return_dict=True).loss
    total = float(loss) * (ids.shape[1] - 1) / np.log(2)
    assert model.surprisal(text).surprisal.sum() == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("kind", tiny.MASKED)
@pytest.mark.parametrize(("context", "future"), [(Context(), COUNT), (Context(4), 0), (Context(4, future=2), 2)])
def test_pseudo_surprisal_is_that_of_a_naive_loop(kind, context, future):
    model = contextual(kind)
    words = STORY[:8]
    pieces = naive.word_subwords(model.tokenizer, words)
    spans = [(max(0, word - 3) if context.words else 0, min(word + future, 7)) for word in range(8)]
    states, found = model.analyse(words, context=context)
    expected = naive.pseudo_surprisal(model.model, pieces, spans, model.tokenizer.mask_token_id)
    np.testing.assert_allclose(found.surprisal, expected, atol=1e-4)
    np.testing.assert_allclose(states, model.states(words, context=context), atol=1e-5)


def test_analysing_is_both_in_one():
    model = contextual("Llama")
    states, predictability = model.analyse(STORY, context=Context(6, step=4), layers=(1,), subword="last")
    np.testing.assert_array_equal(states, model.states(STORY, context=Context(6, step=4), layers=(1,), subword="last"))
    again = model.surprisal(STORY, context=Context(6, step=4))
    np.testing.assert_array_equal(predictability.surprisal, again.surprisal)
    np.testing.assert_array_equal(predictability.rank, again.rank)


def test_few_logits_at_a_time_change_nothing(monkeypatch):
    model = contextual("GPT2")
    together = model.surprisal(STORY)
    monkeypatch.setattr(forward, "LOGITS_AT_ONCE", 3 * tiny.VOCABULARY)
    np.testing.assert_allclose(model.surprisal(STORY).surprisal, together.surprisal, atol=1e-5)


def test_without_a_beginning_the_first_word_is_unknown():
    model = ContextualModel(tiny.model("GPT2"), tiny.byte_level(bare=True))
    found = model.surprisal([STORY[:4], STORY[4:8]], context=Context(3))
    for values in (found.surprisal, found.rank, found.entropy):
        np.testing.assert_array_equal(np.isnan(values), [True, False, False, False] * 2)
    assert not found.within_top(10**6)[0]


def test_ranks_and_tops():
    found = Predictability(np.zeros(4), np.array([1.0, 5, 6, np.nan]), np.zeros(4))
    np.testing.assert_array_equal(found.within_top(1), [True, False, False, False])
    np.testing.assert_array_equal(found.within_top(5), [True, True, False, False])
    with pytest.raises(InputError, match="top k: 0"):
        found.within_top(0)


def test_scores_of_a_distribution(generator):
    probabilities = generator.dirichlet(np.ones(30), size=5)
    probabilities[2] = [0, *probabilities[2, 1:] / probabilities[2, 1:].sum()]
    targets = np.array([3, 0, 7, 7, 29])
    begins = np.arange(30) % 3 == 0
    with np.errstate(divide="ignore"):
        logits = torch.from_numpy(np.log(probabilities)) + 4
    table = scores(logits, torch.from_numpy(targets), torch.from_numpy(begins)).numpy()
    from scipy.stats import entropy

    truth = probabilities[range(5), targets]
    np.testing.assert_allclose(table[:, 0], np.log(truth), rtol=1e-5)
    np.testing.assert_array_equal(table[:, 1], [1 + (p > t).sum() for p, t in zip(probabilities, truth, strict=True)])
    np.testing.assert_allclose(table[:, 2], entropy(probabilities, axis=1), rtol=1e-5)
    np.testing.assert_allclose(table[:, 3], np.log(probabilities[:, begins].sum(1)), rtol=1e-5)
    assert scores(logits, torch.from_numpy(targets))[:, 3].eq(0).all()


def test_models_that_cannot_say_are_refused():
    with pytest.raises(InputError, match="XLNetLMHeadModel is neither"):
        contextual("XLNet").surprisal(STORY)
    with pytest.raises(InputError, match="GPT2Model has no head"):
        ContextualModel(tiny.model("GPT2").transformer, tiny.byte_level()).surprisal(STORY)
    with pytest.raises(InputError, match="mask token"):
        ContextualModel(tiny.model("Bert"), tiny.byte_level(bare=True)).surprisal(STORY)
    with pytest.raises(InputError, match="whole_words: a masked model"):
        contextual("Bert").surprisal(STORY, whole_words=True)
    with pytest.raises(InputError, match="whole_words: this tokenizer"):
        ContextualModel(tiny.model("GPT2"), tiny.word_piece()).surprisal(STORY, whole_words=True)
