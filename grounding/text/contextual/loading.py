"""Transformers and their tokenizers: found, loaded whole or refused, made anew, told apart."""

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from grounding.errors import WeightsError
from grounding.text.contextual.anatomy import class_names
from grounding.text.contextual.passes import Special
from grounding.text.weights import find_weights


def load(name_or_path: str) -> tuple[Any, Any]:
    """The model, float32, with the head that its weights have for predicting subwords, and its tokenizer.

    A local folder may hold weights in several files. A hub name is looked up as in `find_weights`. Weights are read
    from safetensors only, and no code that comes with them is run.

    Raises:
        WeightsError: there are no such files, or they are not all the weights of the model. Missing ones are never
            filled in at random.
    """
    folder = _folder(name_or_path)
    import transformers

    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = transformers.AutoConfig.from_pretrained(str(folder), **options)
        loader = getattr(transformers, _loader_name(config))
        # Weights of another shape are in the report too if they are let pass.
        options |= {"dtype": torch.float32, "use_safetensors": True, "ignore_mismatched_sizes": True}
        tokenizer = _tokenizer(folder)
        # Weights that are missing are drawn before they are refused, which shall not advance the caller's generator.
        with torch.random.fork_rng(devices=[]):
            model, report = loader.from_pretrained(str(folder), config=config, output_loading_info=True, **options)
    except Exception as error:  # transformers lets through what its parts raise: OSError, KeyError, SafetensorError ...
        reason = (str(error).strip().splitlines() or [""])[0]
        raise WeightsError(
            f"{folder}: no transformer that can be loaded ({type(error).__name__}: {reason}); expected config.json, "
            "weights as safetensors and a tokenizer, without code of their own; fetch the folder again, or save model "
            "and tokenizer there with save_pretrained"
        ) from error
    # States do not pass through the pooler, which many folders lack.
    missing = sorted(key for key in report["missing_keys"] if "pooler" not in key)
    unfit = sorted(str(entry[0]) for entry in report["mismatched_keys"])
    if missing or unfit:
        raise WeightsError(
            f"{folder}: {len(missing)} weights are missing and {len(unfit)} have another shape than config.json says, "
            f"such as {', '.join((missing + unfit)[:3])}; expected all of them; fetch the folder again"
        )
    _fuse_activations(model)
    return model, tokenizer


def _fuse_activations(model: Any) -> None:
    """GELU by the hyperbolic tangent in one operation instead of eight: the same to rounding, in a tenth less time."""
    from transformers.activations import NewGELUActivation

    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, torch.nn.GELU(approximate="tanh"))


def _tokenizer(folder: Path) -> Any:
    """The tokenizer, if the folder has its files: transformers would make an empty one of nothing."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    files = tokenizer.vocab_files_names.values()
    if files and not any((folder / file).is_file() for file in files):
        raise FileNotFoundError(f"none of {', '.join(files)} is there")
    return tokenizer


def special_subwords(tokenizer: Any, *, causal: bool, vocabulary: int) -> Special:
    """What the tokenizer adds to a text; of a decoder's, which adds little, at least a token for where texts begin.

    Without that a causal model could not say how surprising the first word is, and the state that attention rests on
    when nothing else is relevant, the first, would be a word's. GPT-2's token for it is the one for the end of texts.

    Args:
        tokenizer: of transformers.
        causal: whether the model sees the past only; it gets nothing behind the text.
        vocabulary: number of subwords that the model knows.
    """
    encoding = tokenizer("a", return_special_tokens_mask=True)
    ids, added = encoding["input_ids"], encoding["special_tokens_mask"]
    inner = [position for position, is_added in enumerate(added) if not is_added] or [len(ids)]
    before, after = tuple(ids[: inner[0]]), tuple(ids[inner[-1] + 1 :])
    if causal:
        after = ()
    if not before and not after:
        known = (tokenizer.bos_token_id, tokenizer.eos_token_id)
        before = tuple(one for one in known if one is not None and one < vocabulary)[:1]
    return Special(before, after, None if causal else tokenizer.mask_token_id)


def untrained(model: Any, seed: int) -> Any:
    """A model of the same make, with freshly initialised weights, on the same device."""
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed every accelerator too.
        torch.default_generator.manual_seed(seed)
        made = type(model)(copy.deepcopy(model.config))
    _fuse_activations(made)
    return made.to(device=model.device, dtype=model.dtype)


# What transformers writes into a config when a model is saved or loaded, which says nothing about its vectors.
_NOTES = frozenset(("_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version"))


def digest(model: Any, tokenizer: Any) -> str:
    """Sha256 of the weights, the settings, which parts see the past only, and the tokenizer."""
    settings = {name: value for name, value in model.config.to_diff_dict().items() if name not in _NOTES}
    made = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    # A decoder may have been opened to the future in some layers, which neither weights nor settings tell.
    made.update(repr([module.is_causal for module in model.modules() if hasattr(module, "is_causal")]).encode())
    for name, weights in sorted(model.state_dict().items()):
        made.update(f"{name} {weights.dtype} {tuple(weights.shape)}".encode())
        made.update(weights.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    fast = tokenizer.is_fast
    made.update(
        (tokenizer.backend_tokenizer.to_str() if fast else repr(sorted(tokenizer.get_vocab().items()))).encode()
    )
    return made.hexdigest()


def _folder(name_or_path: str) -> Path:
    path = Path(name_or_path).expanduser()
    if not (path.is_dir() or name_or_path.startswith((".", "/", "~"))):
        return find_weights(name_or_path).folder
    if not (path / "config.json").is_file() or not list(path.glob("*.safetensors")):
        raise WeightsError(
            f"weights folder {path}: config.json and weights in *.safetensors not found; save model and tokenizer "
            "there with save_pretrained"
        )
    return path


def _loader_name(config: Any) -> str:
    """By what the weights were saved as, so that a head is asked for only where there is one."""
    saved_as = (config.architectures or [""])[0]
    if saved_as in class_names("MASKED_LM"):
        return "AutoModelForMaskedLM"
    return "AutoModelForCausalLM" if saved_as in class_names("CAUSAL_LM") else "AutoModel"
