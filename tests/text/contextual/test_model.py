import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from grounding.errors import InputError, StorageError, WeightsError
from grounding.text.contextual import Context, ContextualModel, Document, forward
from tests.text.contextual import naive, tiny

STORY = tiny.STORY
COUNT = len(STORY)


def past(words, step=1):
    """What words see with `Context(words, step=step)`."""
    return [(max(0, word // step * step - words + 1), word) for word in range(COUNT)]


def contextual(kind: str) -> ContextualModel:
    return ContextualModel(tiny.model(kind), tiny.tokenizer_for(kind))


@pytest.mark.parametrize("kind", tiny.CAUSAL)
@pytest.mark.parametrize(
    ("context", "spans", "subword"),
    [
        (Context(), [(0, word) for word in range(COUNT)], "mean"),
        (Context(5), past(5), "last"),
        (Context(4, step=3), past(4, 3), "first"),
    ],
)
def test_causal_states_are_those_of_a_naive_loop(kind, context, spans, subword):
    model = contextual(kind)
    assert model.causal and (model.layers, model.width, model.most_subwords) == (3, 16, tiny.LENGTH)
    pieces = naive.word_subwords(model.tokenizer, STORY)
    assert max(map(len, pieces)) > 2
    space = model.tokenizer.convert_tokens_to_ids("Ġ")
    expected = naive.states(model.model, pieces, spans, False, subword, space)
    states = model.states(STORY, context=context, subword=subword)
    assert states.dtype == np.float32 and states.shape == (3, COUNT, 16)
    np.testing.assert_allclose(states, expected, atol=2e-5)


@pytest.mark.parametrize("kind", [*tiny.MASKED, *tiny.OTHER])
@pytest.mark.parametrize(
    ("context", "spans", "subword"),
    [
        (Context(), [(0, COUNT - 1)] * COUNT, "mean"),
        (Context(5), past(5), "last"),
        (Context(5, future=2), [(a, min(b + 2, COUNT - 1)) for a, b in past(5)], "first"),
    ],
)
def test_bidirectional_states_are_those_of_a_naive_loop(kind, context, spans, subword):
    model = contextual(kind)
    assert not model.causal and (model.layers, model.width) == (3, 16)
    pieces = naive.word_subwords(model.tokenizer, STORY)
    space = model.tokenizer.convert_tokens_to_ids("Ġ")
    expected = naive.states(model.model, pieces, spans, True, subword, space)
    np.testing.assert_allclose(model.states(STORY, context=context, subword=subword), expected, atol=2e-5)


def test_batches_and_padding_change_nothing(monkeypatch):
    for kind in ("GPT2", "Bert"):
        model = contextual(kind)
        together = model.states(STORY, context=Context(6))
        monkeypatch.setattr(forward, "SUBWORDS_AT_ONCE", {"cpu": 1})
        np.testing.assert_allclose(model.states(STORY, context=Context(6)), together, atol=1e-5)
        monkeypatch.undo()


def test_documents_do_not_see_each_other_and_come_in_order():
    model = contextual("Bert")
    parts = [STORY[:3], STORY[3:10], Document.of_text("a cat, isn't it?")]
    together = model.states(parts)
    assert together.shape[1] == 3 + 7 + 4
    np.testing.assert_allclose(together, np.concatenate([model.states(one) for one in parts], 1), atol=1e-5)
    assert np.abs(together[1:, :10] - model.states(STORY[:10])[1:]).max() > 1e-2


def test_words_beyond_the_context_make_no_difference():
    model = contextual("GPT2")
    other = ["dog", *STORY[1:]]
    states, changed = (model.states(words, context=Context(4)) for words in (STORY, other))
    np.testing.assert_allclose(states[:, 4:], changed[:, 4:], atol=1e-6)
    assert np.abs(states[-1, :4] - changed[-1, :4]).max(-1).min() > 1e-3


def test_layers_are_chosen_in_the_order_wanted():
    model = contextual("Albert")
    every = model.states(STORY)
    np.testing.assert_array_equal(model.states(STORY, layers=(2, 0, -1)), every[[2, 0, 2]])
    assert model.states(STORY, layers=()).shape == (0, COUNT, 16)


def test_long_documents_are_cut_into_windows_that_fit():
    model = contextual("Roberta")
    assert model.most_subwords == tiny.LENGTH
    assert np.isfinite(model.states(STORY * 20)).all()
    with pytest.raises(InputError, match=r"document 1: context: the \d+ words up to word"):
        model.states([STORY, STORY * 20], context=Context(60))


def test_a_file_holds_the_same_states(tmp_path):
    model = contextual("GPT2")
    mapped = model.states(STORY, context=Context(5), file=str(tmp_path / "states.npy"))
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, model.states(STORY, context=Context(5)))
    (tmp_path / "taken").touch()
    with pytest.raises(StorageError, match="taken"):
        model.states(STORY, file=tmp_path / "taken" / "states.npy")


def test_words_without_subwords_are_nan_if_wanted():
    model = ContextualModel(tiny.model("Bert"), tiny.word_piece())
    words = ["the", "\u200d", "cat"]
    with pytest.raises(InputError, match="word 1"):
        model.states(words)
    states, predictability = model.analyse(words, missing="nan")
    assert np.isnan(states[:, 1]).all() and np.isnan(predictability.surprisal[1])
    np.testing.assert_allclose(states[:, [0, 2]], model.states(["the", "cat"]), atol=1e-5)


def test_a_fingerprint_tells_weights_and_tokenizers_apart():
    model = contextual("GPT2")
    same = ContextualModel(tiny.CAUSAL["GPT2"](), tiny.byte_level())
    assert model.fingerprint() == same.fingerprint()
    with torch.no_grad():
        same.model.transformer.ln_f.bias[3] += 1e-3
    others = [
        ContextualModel(same.model, same.tokenizer),
        ContextualModel(tiny.model("GPT2"), tiny.letters("ab")),
        contextual("Llama"),
        model.untrained(0),
        model.untrained(1),
    ]
    assert len({model.fingerprint(), *(one.fingerprint() for one in others)}) == 6


def test_a_saved_model_has_the_fingerprint_that_it_had_before(tmp_path):
    model = ContextualModel(tiny.CAUSAL["GPT2"](), tiny.byte_level())
    before = model.fingerprint()
    model.model.save_pretrained(tmp_path)
    model.tokenizer.save_pretrained(tmp_path)
    assert ContextualModel(model.model, model.tokenizer).fingerprint() == before
    assert ContextualModel(tmp_path).fingerprint() == before


def test_untrained_copies_are_made_anew_and_say_so():
    model = contextual("GPT2")
    before = torch.random.get_rng_state()
    first, again, other = model.untrained(3), model.untrained(3), model.untrained(4)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first.fingerprint().startswith("untrained-3-") and first.fingerprint() == again.fingerprint()
    np.testing.assert_array_equal(first.states(STORY), again.states(STORY))
    states = [one.states(STORY, layers=(-1,)) for one in (model, first, other)]
    assert min(np.abs(a - b).max() for a, b in ((states[0], states[1]), (states[1], states[2]))) > 0.1


@pytest.mark.parametrize("kind", ["GPT2", "Bert", "XLM"])
def test_folders_give_the_same_model(kind, tmp_path):
    model = contextual(kind)
    model.model.save_pretrained(tmp_path)
    model.tokenizer.save_pretrained(tmp_path)
    loaded = ContextualModel(tmp_path)
    assert loaded.fingerprint() == model.fingerprint()
    expected, found = (one.analyse(STORY) for one in (model, loaded))
    np.testing.assert_allclose(found[0], expected[0], atol=1e-6)
    np.testing.assert_allclose(found[1].surprisal, expected[1].surprisal, atol=1e-5)


def test_weights_in_several_files_or_without_a_head(tmp_path):
    model = contextual("Bert")
    model.tokenizer.save_pretrained(tmp_path)
    model.model.bert.save_pretrained(tmp_path, max_shard_size="8KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    loaded = ContextualModel(str(tmp_path))
    np.testing.assert_allclose(loaded.states(STORY), model.states(STORY), atol=1e-6)
    with pytest.raises(InputError, match="BertModel has no head"):
        loaded.surprisal(STORY)


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("gpt2")
    model = contextual("GPT2")
    model.model.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)
    return folder


def without_a_weight(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["transformer.h.1.mlp.c_fc.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def with_other_shapes(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"n_positions": 32}))


def cut_short(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(tiny.model("GPT2").state_dict(), folder / "pytorch_model.bin")


def without_tokenizer(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (without_a_weight, "h.1.mlp.c_fc.weight"),
        (with_other_shapes, "wpe"),
        (cut_short, "no transformer that can be loaded"),
        (pickled, "safetensors not found"),
        (without_tokenizer, "tokenizer"),
    ],
)
def test_incomplete_folders_are_refused(saved, tmp_path, damage, told):
    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    damage(folder)
    before = torch.random.get_rng_state()
    with pytest.raises(WeightsError, match=told):
        ContextualModel(folder)
    assert torch.equal(before, torch.random.get_rng_state())


def test_unusable_models_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="config.json"):
        ContextualModel(tmp_path)
    with pytest.raises(InputError, match="tokenizer"):
        ContextualModel(tiny.model("GPT2"))
    with pytest.raises(InputError, match="tokenizer"):
        ContextualModel("gpt2", tiny.byte_level())
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(vocab_size=40, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    with pytest.raises(InputError, match="T5ForConditionalGeneration"):
        ContextualModel(T5ForConditionalGeneration(config), tiny.byte_level())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"subword": "middle"}, "subword: 'middle' found"),
        ({"missing": "zero"}, "missing: 'zero' found"),
        ({"context": 64}, r"write Context\(words=64\)"),
        ({"layers": 2}, r"write layers=\(2,\)"),
        ({"layers": (1, 3)}, r"3 found.*0 \(embeddings\) to 2"),
    ],
)
def test_unusable_arguments_are_named(arguments, told):
    with pytest.raises(InputError, match=told):
        contextual("GPT2").states(STORY, **arguments)


def test_a_decoder_opened_to_the_future_is_treated_as_one_that_sees_it():
    from grounding.text.contextual.bidirectional import make_bidirectional

    plain = contextual("GPT2")
    opened = ContextualModel(make_bidirectional(tiny.CAUSAL["GPT2"](), 1), plain.tokenizer)
    assert not opened.causal and opened.fingerprint() != plain.fingerprint()
    np.testing.assert_allclose(opened.states(STORY)[1], plain.states(STORY)[1], atol=1e-5)
    assert np.abs(opened.states(STORY)[2] - plain.states(STORY)[2]).max() > 1e-2
    with pytest.raises(InputError, match="neither a causal nor a masked"):
        opened.surprisal(STORY)
    with pytest.raises(InputError, match="changed after it was made"):
        opened.untrained(0)
