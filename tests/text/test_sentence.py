"""The real MiniLM, where the package with its weights is installed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from grounding.errors import InputError, WeightsError
from grounding.text import SentenceEncoder


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    try:
        return SentenceEncoder()
    except WeightsError as error:
        pytest.skip(str(error))


def test_vectors_are_those_of_sentence_transformers(encoder: SentenceEncoder) -> None:
    # Measured with sentence-transformers 6.2 on the same weights.
    vectors = encoder.encode(["open the top drawer", "pull the upper drawer open", "the stock market fell"])
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, encoder.width) == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors[0] @ vectors[1:].T, [0.8973915, 0.0132344], atol=1e-5)


def test_order_and_batch_do_not_matter(encoder: SentenceEncoder) -> None:
    sentences = [f"put the red cube {'very ' * (i % 17)}carefully into bin {i}" for i in range(150)]
    together = encoder.encode(sentences)
    for row in (0, 16, 149):
        np.testing.assert_allclose(encoder.encode([sentences[row]])[0], together[row], atol=1e-6)


def test_forward_is_encode_and_nothing_is_trainable(encoder: SentenceEncoder) -> None:
    tensor = encoder(["press the button"])
    assert isinstance(tensor, torch.Tensor) and not tensor.requires_grad
    np.testing.assert_array_equal(tensor.numpy(), encoder.encode(["press the button"]))
    assert not list(encoder.parameters())
    assert not encoder.state_dict()


def test_sentences_beyond_the_token_limit_are_cut(encoder: SentenceEncoder) -> None:
    long = "turn the knob " * 400
    np.testing.assert_allclose(encoder.encode([long]), encoder.encode([long + "and open the drawer"]), atol=1e-6)


@pytest.mark.parametrize("bad", [[], [""], ["  \n"], "open the drawer", ["open", None], [3]])
def test_unusable_text_is_refused(encoder: SentenceEncoder, bad: object) -> None:
    with pytest.raises(InputError, match="text"):
        encoder.encode(bad)  # type: ignore[arg-type]


def test_incomplete_weights_are_refused_not_filled_at_random(encoder: SentenceEncoder, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "model"
    shutil.copytree(encoder.weights.folder, folder)
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("encoder.layer.3.output.dense.weight")
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(WeightsError, match="encoder.layer.3.output.dense.weight"):
        SentenceEncoder(str(folder)).encode(["open the drawer"])


def test_other_pooling_and_other_weights_have_another_fingerprint(encoder: SentenceEncoder, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(encoder.weights.folder, folder)
    assert SentenceEncoder(str(folder)).fingerprint() == encoder.fingerprint()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    other = SentenceEncoder(str(folder))
    assert other.fingerprint() != encoder.fingerprint()
    assert float(other.encode(["open the drawer"])[0] @ encoder.encode(["open the drawer"])[0]) < 0.99


def test_a_damaged_config_is_named(encoder: SentenceEncoder, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(encoder.weights.folder, folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="config.json: not readable"):
        SentenceEncoder(str(folder))
