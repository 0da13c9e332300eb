"""The folder of a sentence encoder as sentence-transformers lays it out: which modules there are, in which order."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from grounding.errors import WeightsError
from grounding.text.sentence.bert import first_position
from grounding.text.weights import MINILM, REQUIRED_FILES, Weights, find_weights

Reads = Literal["transformer", "subwords", "words"]

# Their names of poolings, in the order in which they concatenate the vectors, and ours.
POOLINGS = {
    "cls": "first",
    "max": "max",
    "mean": "mean",
    "mean_sqrt_len_tokens": "mean_sqrt",
    "weightedmean": "weighted",
    "lasttoken": "last",
    # sentence-transformers does not have this one.
    "min": "min",
}
OLD_POOLING_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
FIRST_MODULES: dict[str, Reads] = {
    "Transformer": "transformer",
    "StaticEmbedding": "subwords",
    "GroundingWords": "words",
}
STEPS = ("Dense", "LayerNorm", "Normalize", "Dropout")
SENTENCE = "sentence_embedding"


@dataclass(frozen=True)
class Step:
    """What is done to a sentence's vector after pooling: "Dense", "LayerNorm" or "Normalize", with its folder."""

    kind: str
    folder: Path
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class SentenceFolder:
    """How the vectors of a folder are made.

    Attributes:
        reads: what turns tokens into vectors: a transformer, a table of subwords, or one of words.
        weights: where its weights are.
        config: its `config.json`; empty for tables.
        max_tokens: where sentences are cut, special tokens included; None for never.
        lower_case: whether text is lower-cased first.
        poolings: as `grounding.text.sentence.pooling` calls them; the vectors of several are concatenated.
        include_prompt: whether the tokens of a prompt are pooled too.
        prompts: what is put before a sentence, by name.
        default_prompt: the name of the one that is used unless another is asked for.
        word_weights: weights of tokens in a weighted mean, `other_weight` for all others; None for no such weights.
        steps: what follows the pooling.
        dimensions: how many leading dimensions are kept; None for all.
    """

    reads: Reads
    weights: Weights
    config: Mapping[str, Any]
    max_tokens: int | None
    lower_case: bool
    poolings: tuple[str, ...]
    include_prompt: bool
    prompts: Mapping[str, str]
    default_prompt: str | None
    word_weights: Mapping[str, float] | None
    other_weight: float
    steps: tuple[Step, ...]
    dimensions: int | None

    @property
    def width(self) -> int:
        """The width of a transformer's states, which architectures call differently.

        Raises:
            WeightsError: `config.json` does not say.
        """
        found = [self.config[name] for name in ("hidden_size", "dim", "n_embd", "d_model") if name in self.config]
        if not found:
            raise WeightsError(f"{self.weights.folder / 'config.json'}: no hidden_size found; fetch the folder again")
        return int(found[0])


def read_sentence_folder(name_or_path: str = MINILM) -> SentenceFolder:
    """Find a sentence encoder (see `find_weights`) and read how its vectors are made; no weights are loaded.

    A folder of transformers without `modules.json` is pooled as its `1_Pooling` says, or else by the mean; so is a
    saved `StaticEmbedding`.

    Raises:
        WeightsError: not found, not readable, or with a module that is not supported.
    """
    root, weights = Path(name_or_path).expanduser().absolute(), None
    if not any((root / name).is_file() for name in ("modules.json", "embedding.toml")):
        weights = find_weights(name_or_path)
        root = weights.folder
    modules = _modules(root)
    reads = FIRST_MODULES[modules[0][0]]
    first = modules[0][1]
    if weights is None or weights.folder != first:
        weights = find_weights(str(first), _needed(reads))
    config = read_json(first / "config.json") if reads == "transformer" else {}
    told = read_json(root / "config_sentence_transformers.json", {})
    length = read_json(first / "sentence_bert_config.json", {})
    pooling = {"pooling_mode": "mean"}
    for kind, folder in modules[1:]:
        if kind == "Pooling":
            pooling = read_json(folder / "config.json")
    listed = next((read_json(folder / "config.json") for kind, folder in modules if kind == "WordWeights"), None)
    if listed is not None and "word_weights" not in listed:
        raise WeightsError(f"{root}: a WordWeights module without word_weights found; fetch the folder again")
    return SentenceFolder(
        reads=reads,
        weights=weights,
        config=config,
        max_tokens=max_tokens(first, config, length) if reads == "transformer" else None,
        lower_case=bool(length.get("do_lower_case", False)),
        poolings=_poolings(pooling, root, weighted=listed is not None),
        include_prompt=bool(pooling.get("include_prompt", True)),
        prompts={name: text for name, text in (told.get("prompts") or {}).items() if text},
        default_prompt=_default_prompt(told, root),
        word_weights=None if listed is None else listed["word_weights"],
        other_weight=1.0 if listed is None else float(listed.get("unknown_word_weight", 1)),
        steps=tuple(_step(kind, folder) for kind, folder in modules[1:] if kind in ("Dense", "LayerNorm", "Normalize")),
        dimensions=told.get("truncate_dim"),
    )


def read_json(file: Path, default: Any = None) -> Any:
    """The object that a JSON file holds, or the list if `default` is one; `default`, if given, where there is no file.

    Raises:
        WeightsError: the file is not readable as JSON, or holds something else.
    """
    if default is not None and not file.is_file():
        return default
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{file}: not readable as JSON ({error}); fetch the folder again") from error
    expected = list if isinstance(default, list) else dict
    if not isinstance(found, expected):
        raise WeightsError(
            f"{file}: a {type(found).__name__} found, expected a {expected.__name__}; fetch the folder again"
        )
    return found


def _needed(reads: Reads) -> tuple[str, ...]:
    if reads == "words":
        return ("embedding.toml", "vectors.safetensors")
    return REQUIRED_FILES if reads == "transformer" else REQUIRED_FILES[1:]


def _modules(root: Path) -> list[tuple[str, Path]]:
    """The kinds of the modules and their folders, in order; checked to be a chain that is supported."""
    listed = read_json(root / "modules.json", [])
    if not listed and (root / "embedding.toml").is_file():
        return [("GroundingWords", root)]
    if not listed:
        pooling = root / "1_Pooling"
        return [("Transformer", root), *([("Pooling", pooling)] if (pooling / "config.json").is_file() else [])]
    try:
        found = [(str(module["type"]), root / module["path"]) for module in listed]
    except (TypeError, KeyError) as error:
        raise WeightsError(f"{root / 'modules.json'}: not a list of modules with type and path") from error
    kinds = [name.rsplit(".", 1)[-1] for name, _ in found]
    for place, (name, kind) in enumerate(zip([name for name, _ in found], kinds, strict=True)):
        allowed = tuple(FIRST_MODULES) if place == 0 else ("Pooling", "WordWeights", *STEPS)
        if kind not in allowed or not name.startswith(("sentence_transformers.", "grounding.")):
            raise WeightsError(
                f"{root / 'modules.json'}: module {place} is {name}, expected one of {', '.join(allowed)}; load this "
                "encoder with sentence-transformers"
            )
    if kinds[0] == "Transformer" and kinds.count("Pooling") != 1:
        raise WeightsError(
            f"{root / 'modules.json'}: {kinds.count('Pooling')} Pooling modules found, expected one behind Transformer"
        )
    return list(zip(kinds, [folder for _, folder in found], strict=True))


def max_tokens(folder: Path, config: Mapping[str, Any], length: Mapping[str, Any]) -> int | None:
    """Where sentences are cut: what the folder says, within what the model has positions for; None for never.

    Args:
        folder: of the transformer.
        config: its `config.json`.
        length: its `sentence_bert_config.json`.
    """
    limits = []
    # GPT and GPT-2 call it n_positions.
    positions = config.get("max_position_embeddings", config.get("n_positions"))
    if positions is not None and int(positions) > 0:
        limits.append(int(positions) - first_position(config))
    told = length.get("max_seq_length") or read_json(folder / "tokenizer_config.json", {}).get("model_max_length")
    # Tokenizers write a huge number where there is no limit.
    if told is not None and told < 1e9:
        limits.append(int(told))
    return min(limits) if limits else None


def _poolings(settings: Mapping[str, Any], root: Path, *, weighted: bool) -> tuple[str, ...]:
    modes = settings.get("pooling_mode")
    if modes is None:
        modes = [mode for key, mode in OLD_POOLING_KEYS.items() if settings.get(key)] or ["mean"]
    modes = [modes] if isinstance(modes, str) else list(modes)
    if unknown := [mode for mode in modes if mode not in POOLINGS]:
        raise WeightsError(f"{root}: pooling {unknown[0]!r} found, expected among {', '.join(POOLINGS)}")
    if not weighted:
        return tuple(POOLINGS[mode] for mode in modes)
    if modes != ["mean"]:
        raise WeightsError(f"{root}: WordWeights with pooling {', '.join(modes)} found, expected them with the mean")
    return ("weighted",)


def _default_prompt(told: Mapping[str, Any], root: Path) -> str | None:
    name = told.get("default_prompt_name")
    if name is not None and name not in (told.get("prompts") or {}):
        raise WeightsError(f"{root}: the default prompt {name!r} is not among {sorted(told.get('prompts') or {})}")
    return name


def _step(kind: str, folder: Path) -> Step:
    settings = read_json(folder / "config.json", {})
    sides = (settings.get("module_input_name", SENTENCE), settings.get("module_output_name") or SENTENCE)
    if sides != (SENTENCE, SENTENCE):
        raise WeightsError(
            f"{folder}: {kind} from {sides[0]} to {sides[1]} found, expected {SENTENCE}; "
            "load this encoder with sentence-transformers"
        )
    return Step(kind, folder, settings)
