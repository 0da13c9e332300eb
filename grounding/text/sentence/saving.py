"""Writing a sentence encoder as a folder that sentence-transformers reads."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from grounding.errors import InputError
from grounding.files import atomic, write_atomically
from grounding.text.sentence.folder import OLD_POOLING_KEYS, POOLINGS
from grounding.text.sentence.readers import has_context

if TYPE_CHECKING:
    from grounding.text.sentence import SentenceEncoder

# Every release of sentence-transformers knows its modules by these names.
THEIRS = "sentence_transformers.models."
OURS = "grounding.text."
FILES_OF_A_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
)
IDENTITY = "torch.nn.modules.linear.Identity"


def save_encoder(encoder: "SentenceEncoder", folder: Path) -> None:
    """See `SentenceEncoder.save`; `modules.json` is written last, and makes the folder whole."""
    if encoder.poolings == ("sif",) and encoder.common is None:
        raise InputError("save: pooling 'sif' found that was not fitted; call fit(sentences) first")
    if encoder.word_weights is not None and len(encoder.poolings) > 1:
        raise InputError(
            f"save: weights of words with pooling {'+'.join(encoder.poolings)} found, expected 'weighted' alone; a "
            "folder cannot say that other poolings are without weights"
        )
    modules = [_save_source(encoder, folder)]
    if encoder.word_weights is not None:
        modules.append(_save_word_weights(encoder, folder, len(modules)))
    if modules[0][0] != f"{THEIRS}StaticEmbedding" or encoder.poolings != ("mean",):
        modules.append(_save_pooling(encoder, folder, len(modules)))
    modules += _save_steps(encoder, folder, len(modules))
    name = "" if encoder.folder is None else encoder.folder.default_prompt
    told = {
        "similarity_fn_name": "cosine",
        "prompts": {} if encoder.folder is None else dict(encoder.folder.prompts),
        "default_prompt_name": name or None,
    }
    _write_json(folder / "config_sentence_transformers.json", told)
    listed = [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (kind, path) in enumerate(modules)]
    _write_json(folder / "modules.json", listed)


def _save_source(encoder: "SentenceEncoder", folder: Path) -> tuple[str, str]:
    """What reads the tokens; its module and folder."""
    source = encoder.word_source
    if source is not None:
        if has_context(source):
            raise InputError(
                f"save: an encoder over a {type(source).__name__} in memory found, expected one over a folder or a "
                "static embedding; save that model by itself, and make the encoder from it anew"
            )
        source.save(folder / "0_GroundingWords")
        return f"{OURS}GroundingWords", "0_GroundingWords"
    place = encoder.weights.folder
    _copy(place, folder, (*FILES_OF_A_TOKENIZER, "model.safetensors", "config.json"))
    if encoder.folder is not None and encoder.folder.reads == "subwords":
        return f"{THEIRS}StaticEmbedding", ""
    lower = encoder.folder is not None and encoder.folder.lower_case
    _write_json(folder / "sentence_bert_config.json", {"max_seq_length": encoder.max_tokens, "do_lower_case": lower})
    return f"{THEIRS}Transformer", ""


def _save_word_weights(encoder: "SentenceEncoder", folder: Path, place: int) -> tuple[str, str]:
    path = folder / f"{place}_WordWeights"
    names = encoder.token_names()
    weigh = encoder.weigh()
    if weigh is not None and names:
        table = torch.tensor([[weigh(number)] for number in sorted(names)])
        _write_tensors(path / "model.safetensors", {"emb_layer.weight": table})
    settings = {
        "vocab": [names[number] for number in sorted(names)],
        "word_weights": dict(encoder.word_weights or {}),
        "unknown_word_weight": 1.0 if encoder.folder is None else encoder.folder.other_weight,
    }
    _write_json(path / "config.json", settings)
    return f"{THEIRS}WordWeights", path.name


def _save_pooling(encoder: "SentenceEncoder", folder: Path, place: int) -> tuple[str, str]:
    path = folder / f"{place}_Pooling"
    theirs = {ours: name for name, ours in POOLINGS.items()}
    if encoder.word_weights is not None:
        # The weights are a module of their own, behind which the mean is a weighted one.
        modes = ["mean"]
    else:
        modes = [theirs[kind] for kind in encoder.poolings]
    settings: dict[str, Any] = {"word_embedding_dimension": encoder.token_width}
    if modes == [mode for mode in OLD_POOLING_KEYS.values() if mode in modes]:
        settings |= {key: mode in modes for key, mode in OLD_POOLING_KEYS.items()}
    else:
        # Older releases know no other order of concatenation, and do not know this key.
        settings["pooling_mode"] = modes
    settings["include_prompt"] = encoder.folder is None or encoder.folder.include_prompt
    _write_json(path / "config.json", settings)
    return f"{THEIRS}Pooling", path.name


def _save_steps(encoder: "SentenceEncoder", folder: Path, place: int) -> list[tuple[str, str]]:
    """The folder's own steps, then as linear maps the removal of what is common and the truncation; unit length."""
    found: list[tuple[str, str]] = []
    width = encoder.token_width * len(encoder.poolings)
    for step in encoder.folder.steps if encoder.folder is not None else ():
        path = folder / f"{place + len(found)}_{step.kind}"
        _copy(step.folder, path, ("config.json", "model.safetensors"))
        width = int(step.settings["out_features"]) if step.kind == "Dense" else width
        found.append((f"{THEIRS}{step.kind}", path.name))
    maps = []
    if encoder.common is not None:
        common = torch.from_numpy(encoder.common)
        maps.append(torch.eye(width) - common.T @ common)
    if encoder.width < width:
        maps.append(torch.eye(encoder.width, width))
    for weight in maps:
        path = folder / f"{place + len(found)}_Dense"
        settings = {"in_features": weight.shape[1], "out_features": weight.shape[0], "bias": False}
        _write_json(path / "config.json", settings | {"activation_function": IDENTITY})
        _write_tensors(path / "model.safetensors", {"linear.weight": weight})
        found.append((f"{THEIRS}Dense", path.name))
    if maps or not found or not found[-1][0].endswith("Normalize"):
        path = folder / f"{place + len(found)}_Normalize"
        _write_json(path / "config.json", {})
        found.append((f"{THEIRS}Normalize", path.name))
    return found


def _copy(source: Path, folder: Path, names: Sequence[str]) -> None:
    for name in names:
        if (source / name).is_file():
            with atomic(folder / name) as temporary:
                shutil.copyfile(source / name, temporary)


def _write_tensors(file: Path, tensors: Mapping[str, Tensor]) -> None:
    from safetensors.torch import save

    write_atomically(file, save({name: value.contiguous() for name, value in tensors.items()}))


def _write_json(file: Path, value: Any) -> None:
    write_atomically(file, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
