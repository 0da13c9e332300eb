"""Words to the states of a transformer in their context, and how predictable they are there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from grounding.errors import InputError
from grounding.files import atomic
from grounding.text.contextual import loading
from grounding.text.contextual.anatomy import examine
from grounding.text.contextual.forward import run_passes
from grounding.text.contextual.passes import Pass, RowsWanted, Subword, masked_passes, window_pass
from grounding.text.contextual.surprisal import Predictability, predictability, word_beginnings
from grounding.text.contextual.windows import Context, Window, plan
from grounding.text.contextual.words import Alignment, Document, Missing, Words, align, as_documents


@dataclass(frozen=True)
class _Planned:
    """A document's subwords, its windows, and the number of words in the documents before it."""

    alignment: Alignment
    windows: list[Window]
    offset: int


class ContextualModel:
    """A frozen transformer, encoder or decoder, that turns words in context into vectors.

    Words are the caller's: a list of them, of any tokenisation, and every result has one entry a word. Anything of
    transformers that takes subwords will do, such as BERT, RoBERTa, ALBERT, XLM, XLNet, GPT, GPT-2 or Llama. Whether
    it is causal is found by trying, so that a decoder changed to see the future is treated as what it has become.

    Every pass begins with the special tokens that the tokenizer adds; if it adds none, as for GPT-2, with its token for
    the beginning (or else the end) of a text. A window in the midst of a story is cut out of the story's subwords,
    so that its first word is tokenised as it was there.

    Args:
        source: a local folder; a name on the Hugging Face hub, found as in `find_weights`; or a model of transformers
            in memory, which is put into evaluation mode and otherwise left as it is.
        tokenizer: of a model in memory.
        device: where to compute, such as "cuda"; None for where the model is.

    Attributes:
        width: of a state.
        layers: number of layers of states: the embeddings (0), then one a block. What the last holds is what the head
            gets, in many models after a final normalisation.
        causal: whether a state depends only on what came before.
        most_subwords: how many subwords one pass may have, special ones included; None for any number.

    Example:
        >>> model = ContextualModel("models/gpt2")
        >>> states = model.states("Alice was beginning to get very tired", context=Context(words=64))
        >>> states.shape
        (13, 7, 768)
        >>> states, predictability = model.analyse(story, context=Context(words=64, step=64), layers=(0, 6, 12))
        >>> predictability.surprisal  # bits, one a word

    Raises:
        WeightsError: weights are not found, incomplete, or not in safetensors.
        InputError: a model in memory without a tokenizer, or a name with one; a model that is encoder and decoder.
    """

    def __init__(self, source: str | Path | Any, tokenizer: Any = None, *, device: str | None = None) -> None:
        named = isinstance(source, str | Path)
        model: Any
        if named == (tokenizer is not None):
            raise InputError(
                "tokenizer: give one with a model in memory, and none with a name or folder, which brings its own"
            )
        model, self.tokenizer = loading.load(str(source)) if named else (source, tokenizer)
        self.model = model.eval()
        if device is not None:
            self.model.to(device)
        self._anatomy = examine(self.model, self.tokenizer)
        self._vocabulary = self._anatomy.vocabulary
        self._special = loading.special_subwords(
            self.tokenizer, causal=self._anatomy.causal, vocabulary=self._vocabulary
        )
        self.width = self._anatomy.width
        self.layers = self._anatomy.layers
        self.causal = self._anatomy.causal
        self.most_subwords = self._anatomy.most_subwords
        self._label = ""
        self._digest: str | None = None

    def fingerprint(self) -> str:
        """Digest of everything that determines the vectors: weights, settings, tokenizer; labelled if untrained."""
        if self._digest is None:
            self._digest = loading.digest(self.model, self.tokenizer)
        return self._label + self._digest

    def untrained(self, seed: int) -> "ContextualModel":
        """A model of the same make with freshly initialised weights, as a control for what training has added.

        Its fingerprint begins with "untrained".

        Raises:
            InputError: the model was changed after it was made, so that a new one sees other words.
        """
        made = ContextualModel(loading.untrained(self.model, seed), self.tokenizer)
        if made.causal != self.causal:
            raise InputError(
                f"untrained: this {type(self.model).__name__} was changed after it was made, and a new one is "
                f"{'causal' if made.causal else 'not causal'}; make the same change to a new model and give that"
            )
        made._label = f"untrained-{seed}-"
        return made

    def states(
        self,
        words: Words,
        *,
        context: Context = Context(),
        layers: Sequence[int] | None = None,
        subword: Subword = "mean",
        missing: Missing = "error",
        file: Path | str | None = None,
    ) -> np.ndarray:
        """The states of words in their context, float32 (layers, words, width).

        Args:
            words: a list of words (one document, joined by spaces); a list of such lists, or of `Document`s, whose
                words see only their own document and come out one document behind the other; or one text, whose words
                are what white space separates.
            context: how much of its document a word sees.
            layers: which, in the order wanted, negative ones from the end; None for all.
            subword: a word's state is that of its first or last subword or their mean. In causal models only the last
                has seen the whole word.
            missing: "nan" to get NaN for words that the tokenizer has no subword for, instead of an error.
            file: a `.npy` file to write the states to, when they are too large for memory; they come back
                memory-mapped. Numbers of 4 bytes: layers × words × width of them.

        Raises:
            InputError: unusable words, layers or context; a word without a subword, with its position.
            StorageError: the file cannot be written.
        """
        return self._run(words, context, layers, subword, missing, file, predict=False)[0]

    def surprisal(
        self, words: Words, *, context: Context = Context(), missing: Missing = "error", whole_words: bool = False
    ) -> Predictability:
        """How predictable words are in their context: surprisal in bits, rank of the first subword, entropy.

        In a causal model, the surprisal of a word is the sum over its subwords of minus log2 p(subword | what the
        context has before it). White space that has subwords of its own counts to the word behind it. The first word
        of a document is predicted from the beginning-of-text token; NaN if the model has none.

        In a masked model it is the pseudo-surprisal (Salazar et al., 2020) with the rest of the word masked as well
        (Kauf and Ivanova, 2023): each subword is predicted from the context on both sides and from the subwords of its
        word before it. It costs a pass for every subword. With the default context later words count; `Context(words)`
        without a future shows the past alone.

        Where a space belongs to the word behind it, the probabilities of all words that could come next do not sum to
        one: that of "car" includes "cart" (Pimentel and Meister, 2024; Oh and Schuler, 2024). With `whole_words` the
        end of the word is counted to it: log2 p(a new word begins | context) is added and log2 p(a new word begins |
        context, word) is subtracted. Meant for words that white space separates.

        Args:
            words: as for `states`.
            context: how much of its document a word sees.
            missing: as for `states`.
            whole_words: whether to correct for where words end; causal models with spaces in their subwords only.

        Raises:
            InputError: the model has no head that could say, or its tokenizer does not suit `whole_words`.
        """
        return self._run(words, context, (), "last", missing, None, predict=True, whole_words=whole_words)[1]

    def analyse(
        self,
        words: Words,
        *,
        context: Context = Context(),
        layers: Sequence[int] | None = None,
        subword: Subword = "mean",
        missing: Missing = "error",
        file: Path | str | None = None,
    ) -> tuple[np.ndarray, Predictability]:
        """`states` and `surprisal` of the same words; a causal model needs no more passes for both than for one."""
        return self._run(words, context, layers, subword, missing, file, predict=True)

    def _run(
        self,
        words: Words,
        context: Context,
        layers: Sequence[int] | None,
        subword: Subword,
        missing: Missing,
        file: Path | str | None,
        *,
        predict: bool,
        whole_words: bool = False,
    ) -> tuple[np.ndarray, Predictability]:
        chosen = self._layers(layers)
        for name, value, known in (("subword", subword, get_args(Subword)), ("missing", missing, get_args(Missing))):
            if value not in known:
                raise InputError(f"{name}: {value!r} found; expected one of {', '.join(known)}")
        if not isinstance(context, Context):
            raise InputError(f"context: {context!r} found, expected a Context; write Context(words=64)")
        if predict:
            self._require_head(whole_words)
        planned = self._plan(as_documents(words), context, missing)
        wanted = RowsWanted() if predict else None
        passes = list(self._passes(planned, chosen, subword, wanted, whole_words))
        rows = (wanted or RowsWanted()).rows()
        count = sum(len(part.alignment) for part in planned)
        without = np.concatenate([part.offset + np.flatnonzero(~part.alignment.present) for part in planned])
        begins_word = word_beginnings(self.tokenizer, self._vocabulary) if whole_words else None
        pad = self.tokenizer.pad_token_id or 0

        def fill(states: np.ndarray) -> np.ndarray:
            states[:, without] = np.nan
            return run_passes(self._anatomy, passes, len(rows.words), states, chosen, pad, begins_word)

        shape = (len(chosen), count, self.width)
        if file is None:
            states = np.empty(shape, dtype=np.float32)
            table = fill(states)
        else:
            with atomic(Path(file)) as temporary:
                mapped = np.lib.format.open_memmap(temporary, "w+", np.float32, shape)
                table = fill(mapped)
                mapped.flush()
            states = np.load(file, mmap_mode="r", allow_pickle=False)
        return states, predictability(rows, table, count)

    def _layers(self, layers: Sequence[int] | None) -> list[int]:
        if layers is None:
            return list(range(self.layers))
        if isinstance(layers, int):
            raise InputError(f"layers: a single number found, expected several; write layers=({layers},)")
        for layer in layers:
            if not -self.layers <= layer < self.layers:
                raise InputError(f"layers: {layer} found; this model has layers 0 (embeddings) to {self.layers - 1}")
        return [layer % self.layers for layer in layers]

    def _require_head(self, whole_words: bool) -> None:
        if self._anatomy.head is None:
            raise InputError(
                f"surprisal: {type(self.model).__name__} has no head that predicts subwords; load a model that was "
                "saved with its language-model head"
            )
        if self.causal:
            return
        if not self._anatomy.masked or self._special.mask is None:
            raise InputError(
                f"surprisal: {type(self.model).__name__} is neither a causal nor a masked language model with a mask "
                "token in its tokenizer; take such a model for surprisal, and this one for states"
            )
        if whole_words:
            raise InputError("whole_words: a masked model knows where the word ends already; leave whole_words out")

    def _plan(self, documents: list[Document], context: Context, missing: Missing) -> list[_Planned]:
        planned: list[_Planned] = []
        room = self.most_subwords
        if room is not None:
            room -= len(self._special.before) + len(self._special.after)
        offset = 0
        for position, document in enumerate(documents):
            try:
                alignment = align(self.tokenizer, document, missing)
                windows = plan(alignment, context, causal=self.causal, room=room)
            except InputError as error:
                raise InputError(f"document {position}: {error}" if len(documents) > 1 else str(error)) from error
            planned.append(_Planned(alignment, windows, offset))
            offset += len(alignment)
        return planned

    def _passes(
        self,
        planned: list[_Planned],
        layers: list[int],
        subword: Subword,
        wanted: RowsWanted | None,
        whole_words: bool,
    ) -> Iterator[Pass]:
        for part in planned:
            for window in part.windows:
                rows = wanted if self.causal else None
                if layers or rows is not None:
                    yield window_pass(part.alignment, window, self._special, part.offset, subword, rows, whole_words)
                if wanted is not None and not self.causal:
                    yield from masked_passes(part.alignment, window, self._special, part.offset, wanted)
