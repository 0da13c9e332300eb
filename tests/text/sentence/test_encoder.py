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
        return SentenceEncoder(precision="float32")
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


@pytest.mark.parametrize("bad", [[], [""], ["  \n"], "open the drawer", ["open", None], [3], ["\ud800"]])
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


MIXED = [
    "A man in an orange hat starring at something.",
    "Open the drawer.",
    "open   the DRAWER.",
    "Two young, White males are outside near many bushes, while a third one - not seen - calls them from the house.",
    "Naïve café, 東京, and an emoji 🙂",
    *(f"Sentence number {i}" + ", which goes on and on" * (i % 3) for i in range(6)),
]


def test_every_sentence_has_the_vector_of_sentence_transformers(encoder: SentenceEncoder) -> None:
    peer = pytest.importorskip("sentence_transformers").SentenceTransformer(str(encoder.weights.folder), device="cpu")
    vectors = encoder.encode(MIXED)
    np.testing.assert_allclose(vectors, peer.encode(MIXED, show_progress_bar=False), atol=1e-5)
    np.testing.assert_array_equal(vectors[1], vectors[2])


def test_the_default_is_as_good_as_float32(encoder: SentenceEncoder) -> None:
    # On a processor that multiplies bfloat16 it is in bfloat16, on others it is float32 itself.
    cosines = (SentenceEncoder().encode(MIXED) * encoder.encode(MIXED)).sum(axis=1)
    assert cosines.min() > 0.9999


def test_bfloat16_is_as_good_as_float32(encoder: SentenceEncoder) -> None:
    few = MIXED[:5]
    cosines = (SentenceEncoder(precision="bfloat16").encode(few) * encoder.encode(few)).sum(axis=1)
    assert 0.9999 < cosines.min() < 1 - 1e-7


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_other_backends_give_the_same(encoder: SentenceEncoder, backend: str) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip({"onnx": "onnxruntime"}.get(backend, backend))
    other = SentenceEncoder(backend=backend, precision="float32")  # type: ignore[arg-type]
    np.testing.assert_allclose(other.encode(MIXED[:5]), encoder.encode(MIXED[:5]), atol=1e-5)
    assert other.fingerprint() == encoder.fingerprint()


def test_a_backend_that_is_not_there_says_what_to_install(
    encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="onnxruntime is not installed; pip install onnx onnxruntime"):
        SentenceEncoder(backend="onnx").encode(["open"])
    with pytest.raises(InputError, match="'bfloat16' found with backend 'onnx'"):
        SentenceEncoder(backend="onnx", precision="bfloat16").encode(["open"])


def test_leading_dimensions(encoder: SentenceEncoder) -> None:
    short = SentenceEncoder(dimensions=64, precision="float32")
    assert short.width == 64
    whole = encoder.encode(MIXED)[:, :64]
    np.testing.assert_allclose(short.encode(MIXED), whole / np.linalg.norm(whole, axis=1, keepdims=True), atol=1e-6)


def test_settings_build_the_same_encoder_and_leave_out_what_is_usual() -> None:
    try:
        assert SentenceEncoder().settings == {"name_or_path": "sentence-transformers/all-MiniLM-L6-v2"}
    except WeightsError as error:
        pytest.skip(str(error))
    chosen = SentenceEncoder(pooling=("max", "first"), dimensions=100, precision="float32")
    again = SentenceEncoder(**chosen.settings)
    assert again.settings == chosen.settings
    assert again.fingerprint() == chosen.fingerprint() != SentenceEncoder().fingerprint()
    np.testing.assert_array_equal(again.encode(MIXED[:3]), chosen.encode(MIXED[:3]))


def test_the_fingerprint_is_what_checkpoints_recorded(encoder: SentenceEncoder) -> None:
    # Caches of features and spaces that were trained on them are found by it.
    assert encoder.fingerprint() == f"{encoder.weights.sha256}-mean-256"


def test_sif_over_a_transformer_is_saved_and_read_back(encoder: SentenceEncoder, tmp_path: Path) -> None:
    fitted = SentenceEncoder(pooling="sif", precision="float32").fit(MIXED)
    vectors = fitted.encode(MIXED)
    assert abs(vectors.mean(axis=0)).max() < abs(encoder.encode(MIXED).mean(axis=0)).max()
    with pytest.raises(InputError, match="only in memory"):
        _ = fitted.settings
    np.testing.assert_allclose(fitted.save(tmp_path / "saved").encode(MIXED), vectors, atol=1e-5)


def test_the_callers_generator_is_left_alone(encoder: SentenceEncoder) -> None:
    before = torch.get_rng_state()
    SentenceEncoder(str(encoder.weights.folder)).encode(["open the drawer"])
    assert torch.equal(before, torch.get_rng_state())


def test_a_moved_encoder_gives_the_same(encoder: SentenceEncoder) -> None:
    moved = SentenceEncoder(precision="float32").double().to("cpu")
    np.testing.assert_array_equal(moved.encode(MIXED[:2]), encoder.encode(MIXED[:2]))
