"""The forward pass without padding, against that of transformers."""

from typing import Any

import pytest
import torch
from torch import Tensor

from grounding.errors import WeightsError
from grounding.text.sentence.bert import Bert, is_bert
from grounding.text.sentence.bert_graph import bert_graph

SIZES = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48, "vocab_size": 60}
TOKENS = [[2], [3, 4], [5, 6], [7, 8, 9], [3, 3, 5, 7, 9, 11, 13], [4] * 20, [59, 4, 2] * 10]


def lively(kind: str) -> tuple[Any, dict[str, Any]]:
    """A random model in which attention matters, and its config.json."""
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.for_model(kind, **SIZES, max_position_embeddings=40, initializer_range=0.3, pad_token_id=1)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = AutoModel.from_config(config).eval()
        for name, parameter in model.named_parameters():
            if "bias" in name or "LayerNorm" in name:
                parameter.data += torch.randn(parameter.shape) * 0.2
    return model, config.to_dict()


def expected(model: Any) -> list[Tensor]:
    return [model(input_ids=torch.tensor([sentence])).last_hidden_state[0] for sentence in TOKENS]


def flat(blocks: list[Tensor]) -> list[Tensor]:
    return [sentence for block in blocks for sentence in block]


@pytest.mark.parametrize("kind", ["bert", "roberta", "xlm-roberta"])
@torch.inference_mode()
def test_states_are_those_of_transformers_for_sentences_of_any_length(kind: str) -> None:
    model, config = lively(kind)
    assert is_bert(config)
    # With and without the prefix that a model with a head on it has in its files.
    for prefix in ("", "bert." if kind == "bert" else "roberta."):
        tensors = {prefix + name: value for name, value in model.state_dict().items()}
        found = flat(Bert(tensors, config).states(TOKENS))
        assert [len(states) for states in found] == [len(sentence) for sentence in TOKENS]
        for ours, theirs in zip(found, expected(model), strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_bfloat16_stays_close() -> None:
    model, config = lively("bert")
    found = flat(Bert(model.state_dict(), config, dtype=torch.bfloat16).states(TOKENS))
    means = torch.stack([states.mean(dim=0) for states in found])
    theirs = torch.stack([states.mean(dim=0) for states in expected(model)])
    assert means.dtype == torch.float32
    cosines = torch.nn.functional.cosine_similarity(means, theirs)
    assert 0.999 < cosines.min() < 1 - 1e-7


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@torch.inference_mode()
def test_the_graph_computes_the_same(runtime: str) -> None:
    package = pytest.importorskip(runtime)
    pytest.importorskip("onnx")
    model, config = lively("roberta")
    bert = Bert(model.state_dict(), config)
    graph = bert_graph(bert)
    numbers = torch.tensor([[5, 6, 7, 8], [9, 3, 3, 59]])
    if runtime == "onnxruntime":
        session = package.InferenceSession(graph, providers=["CPUExecutionProvider"])
        found = session.run(None, {"tokens": numbers.numpy()})[0]
    else:
        core = package.Core()
        compiled = core.compile_model(core.read_model(graph), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        found = compiled([numbers.numpy()])[0]
    torch.testing.assert_close(torch.from_numpy(found), bert.states(numbers.tolist())[0], atol=1e-5, rtol=1e-5)


def test_a_missing_weight_is_named_and_names_from_tensorflow_are_understood() -> None:
    model, config = lively("bert")
    tensors = dict(model.state_dict())
    scale = tensors.pop("encoder.layer.1.output.LayerNorm.weight")
    with pytest.raises(
        WeightsError, match=r"some.file: 1 weights are missing, such as encoder.layer.1.output.LayerNorm"
    ):
        Bert(tensors, config, origin="some/file")
    tensors["bert.encoder.layer.1.output.LayerNorm.gamma"] = scale
    Bert(tensors, config)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "distilbert"},
        {"hidden_act": "relu"},
        {"position_embedding_type": "relative_key"},
        {"is_decoder": True},
    ],
)
def test_what_is_computed_otherwise_is_left_to_transformers(change: dict[str, Any]) -> None:
    config = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
    assert is_bert(config)
    assert not is_bert(config | change)
