"""Tokenizers trained on the spot and tiny random transformers, for the tests of words in context."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL = ["<pad>", "<s>", "</s>", "<mask>", "<unk>"]
VOCABULARY = 320
LENGTH = 96
TEXT = ["the cat sat on the mat and the dog sat on the cat", "New York isn't far; don't go! naïve café"] * 4
STORY = "the naïve cat isn't far from the mat where a café cat sat and the dog sat on it".split()


def seeded(build: Callable[[], Any], seed: int = 0) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build().eval()


def wrapped(tokenizer: Tokenizer, *, bare: bool = False, **options: Any) -> Any:
    from transformers import PreTrainedTokenizerFast

    names = dict(zip(("pad", "bos", "eos", "mask", "unk"), SPECIAL, strict=True))
    known = {f"{kind}_token": text for kind, text in names.items() if tokenizer.token_to_id(text) is not None}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **({} if bare else known), **options)


@cache
def _byte_level_json(trim_offsets: bool) -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=trim_offsets)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=sorted(alphabet), special_tokens=SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer.to_str()


def byte_level(*, trim_offsets: bool = True, around: bool = False, bare: bool = False) -> Any:
    """As GPT-2's; `around`: adds <s> and </s> to a text, as RoBERTa's does; `bare`: knows no special tokens."""
    tokenizer = Tokenizer.from_str(_byte_level_json(trim_offsets))
    if around:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
        )
    return wrapped(tokenizer, bare=bare)


def unigram() -> Any:
    """As XLNet's and ALBERT's: SentencePiece with compatibility normalisation."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=90, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False, max_piece_length=4
    )
    tokenizer.train_from_iterator([*TEXT, "猫が好き مرحبا 👩‍👩‍👧 ﬁne ﷺ"], trainer)
    return wrapped(tokenizer)


def byte_fallback() -> Any:
    """As Llama's: spaces are letters, and what was never seen is spelt in bytes."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    letters = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=letters, show_progress=False)
    tokenizer.train_from_iterator(TEXT, trainer)
    return wrapped(tokenizer)


def word_piece() -> Any:
    """As BERT's: lower case, no accents, nothing that is invisible."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=110, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(TEXT, trainer)
    return wrapped(tokenizer)


def _model(kind: str, head: str, settings: dict[str, Any]) -> Any:
    import transformers

    config = getattr(transformers, f"{kind}Config")(vocab_size=VOCABULARY, **settings)
    return seeded(lambda: getattr(transformers, f"{kind}{head}")(config))


_BERT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
_GPT = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": LENGTH, "bos_token_id": 1, "eos_token_id": 2}
_SHORT = {"max_position_embeddings": LENGTH}
# Larger than usual weights, so that what a word sees makes a difference that no rounding could be mistaken for.
_LIVELY = {"initializer_range": 0.4}

CAUSAL: dict[str, Callable[[], Any]] = {
    "GPT2": lambda: _model("GPT2", "LMHeadModel", _GPT | _LIVELY),
    "OpenAIGPT": lambda: _model("OpenAIGPT", "LMHeadModel", _GPT | _LIVELY),
    "Llama": lambda: _model("Llama", "ForCausalLM", _BERT | _SHORT | _LIVELY),
}
MASKED: dict[str, Callable[[], Any]] = {
    "Bert": lambda: _model("Bert", "ForMaskedLM", _BERT | _SHORT | _LIVELY),
    "Roberta": lambda: _model(
        "Roberta", "ForMaskedLM", _BERT | _LIVELY | {"max_position_embeddings": LENGTH + 1, "pad_token_id": 0}
    ),
    "Albert": lambda: _model("Albert", "ForMaskedLM", _BERT | _SHORT | _LIVELY | {"embedding_size": 8}),
    "XLM": lambda: _model(
        "XLM", "WithLMHeadModel", {"emb_dim": 16, "n_layers": 2, "n_heads": 2, "pad_index": 0} | _SHORT
    ),
}
OTHER: dict[str, Callable[[], Any]] = {
    "XLNet": lambda: _model("XLNet", "LMHeadModel", {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32}),
}


@cache
def model(kind: str) -> Any:
    return (CAUSAL | MASKED | OTHER)[kind]()


def tokenizer_for(kind: str) -> Any:
    return byte_level(around=kind not in CAUSAL)


def bigrams(probabilities: np.ndarray) -> Any:
    """A GPT-2 whose next subword depends on the last alone, with the given probabilities (from, to)."""
    from transformers import GPT2Config, GPT2LMHeadModel

    count = len(probabilities)
    config = GPT2Config(
        vocab_size=count, n_embd=count, n_layer=1, n_head=1, n_positions=64, tie_word_embeddings=False,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    made = seeded(lambda: GPT2LMHeadModel(config))
    with torch.no_grad():
        body = made.transformer
        # Neither attention nor the feed-forward network adds anything, so that states are what goes in.
        for layer in (body.h[0].attn.c_proj, body.h[0].mlp.c_proj):
            layer.weight.zero_()
            layer.bias.zero_()
        body.wpe.weight.zero_()
        body.wte.weight.copy_(torch.eye(count))
        # A normalised one-hot vector, shifted so that all but one component are zero again.
        normal = torch.nn.functional.layer_norm(torch.eye(count), (count,), eps=config.layer_norm_epsilon)
        body.ln_f.bias.fill_(-float(normal[0, 1]))
        scale = float(normal[0, 0] - normal[0, 1])
        made.lm_head.weight.copy_(torch.from_numpy(np.log(probabilities)).float().T / scale)
    return made


def letters(alphabet: str) -> Any:
    """A byte-level tokenizer that spells: `</s>`, the space, and the letters of an alphabet; no merges."""
    pieces = ["</s>", "Ġ", *alphabet]
    tokenizer = Tokenizer(models.BPE(vocab={piece: index for index, piece in enumerate(pieces)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["</s>"])
    return wrapped(tokenizer)
