"""The folder of a sentence encoder, laid out as sentence-transformers reads and writes it.

    modules.json                    which parts there are, in order
    config.json tokenizer.json      of the first part; with model.safetensors, its weights
    sentence_bert_config.json       how many tokens a sentence may have
    1_Pooling/config.json           how tokens become one vector
    2_Normalize/                    brings vectors to unit length

An encoder that was never trained has its random weights in `untrained.safetensors` and no `model.safetensors`: nothing
that looks for a trained model finds one there, and training writes it.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from grounding.errors import InputError, WeightsError
from grounding.files import write_atomically
from grounding.text.sentence.folder import read_json
from grounding.text.training.encoder import TrainableEncoder
from grounding.text.weights import find_weights

WEIGHTS = "model.safetensors"
UNTRAINED = "untrained.safetensors"
MODULES = "modules.json"
PLAN = "lstm.json"
MODULE = "sentence_transformers.models."


def load_encoder(folder: Path | str) -> TrainableEncoder:
    """The encoder of a folder, to be trained on: a transformer, a `SubwordAverage` or an `LstmEncoder`.

    Args:
        folder: a folder that one of these was saved to, one of sentence-transformers or transformers, or one made by
            `new_transformer`; or a name that `find_weights` knows, such as "all-MiniLM-L6-v2".

    Raises:
        WeightsError: nothing is there, or what is there cannot be trained here.
    """
    from grounding.text.training.lstm import LstmEncoder
    from grounding.text.training.subwords import SubwordAverage
    from grounding.text.training.transformer import TransformerEncoder

    path = Path(folder).expanduser()
    if (path / PLAN).is_file():
        return LstmEncoder.load(path)
    if not (path / MODULES).is_file():
        path = find_weights(str(folder)).folder
    modules = read_json(path / MODULES, [])
    if modules and modules[0]["type"].endswith("StaticEmbedding"):
        return SubwordAverage.load(path)
    return TransformerEncoder.load(path)


def as_trainable(encoder: TrainableEncoder | Path | str) -> TrainableEncoder:
    """The encoder itself, or that of a folder or name.

    Raises:
        InputError: neither.
        WeightsError: as `load_encoder`.
    """
    if isinstance(encoder, TrainableEncoder):
        return encoder
    if isinstance(encoder, str | Path):
        return load_encoder(encoder)
    raise InputError(
        f"encoder: {type(encoder).__name__} found, whose weights are not trained; expected a TrainableEncoder, or the "
        "folder or name of one, such as load_encoder(folder)"
    )


def read_weights(folder: Path) -> tuple[dict[str, Tensor], str]:
    """The weights of a folder, trained or not, and their sha256.

    Raises:
        WeightsError: there are none, or the file is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    file = next((folder / name for name in (WEIGHTS, UNTRAINED) if (folder / name).is_file()), None)
    if file is None:
        raise WeightsError(f"{folder}: neither {WEIGHTS} nor {UNTRAINED} found; save the encoder there first")
    try:
        content = file.read_bytes()
        return load(content), hashlib.sha256(content).hexdigest()
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{file}: damaged ({error}); fetch or save the folder again") from error


def write_folder(folder: Path | str, files: Mapping[str, bytes], state: Mapping[str, Tensor], *, trained: bool) -> None:
    """Write an encoder's small files and its weights, the weights last: a folder that has them is whole.

    Raises:
        StorageError: the folder cannot be written.
    """
    from safetensors.torch import save

    folder = Path(folder)
    for name, content in files.items():
        write_atomically(folder / name, content)
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    write_atomically(folder / (WEIGHTS if trained else UNTRAINED), save(tensors, metadata={"format": "pt"}))
    (folder / (UNTRAINED if trained else WEIGHTS)).unlink(missing_ok=True)


def modules_files(first: str, pooling: Mapping[str, Any] | None = None) -> dict[str, bytes]:
    """The files that tell sentence-transformers its parts: `first`, a pooling if given, and unit length."""
    parts = [("", first), *([("1_Pooling", "Pooling")] if pooling is not None else [])]
    parts.append((f"{len(parts)}_Normalize", "Normalize"))
    listed = [
        {"idx": place, "name": str(place), "path": path, "type": MODULE + kind}
        for place, (path, kind) in enumerate(parts)
    ]
    files = {
        MODULES: as_json(listed),
        "config_sentence_transformers.json": as_json({"similarity_fn_name": "cosine", "prompts": {}}),
        f"{parts[-1][0]}/config.json": as_json({}),
    }
    if pooling is not None:
        files["1_Pooling/config.json"] = as_json(dict(pooling))
    return files


def as_json(value: Any) -> bytes:
    """JSON text, the same for the same value."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
