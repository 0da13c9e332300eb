"""Words in context beside the loop that is usually written for them; called by `tests.benchmarks.text`.

Run alone: GROUNDING_DATA=FOLDER OMP_NUM_THREADS=1 python -m tests.benchmarks._text_contextual

The architecture is that of GPT-2 small (12 layers, width 768, 50,257 subwords) with random weights, which cost the same
as trained ones; the tokenizer is a byte-level BPE trained on the spot on three books, the story another one. The loop
runs the model once for every word over that word's own context, for all its states and logits. Both get the same
contexts, and are timed on a sample of the words, since a loop over 10,000 words takes hours. One thread; processor
seconds, not wall-clock; the better of two repetitions of each, taken in turn.
"""

import gzip
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grounding.text.contextual import Context, ContextualModel
from tests.benchmarks._rows import one_thread, row

BOOKS = ("jane-austen_emma", "bram-stoker_dracula", "herman-melville_moby-dick")
STORY = "lewis-carroll_alices-adventures-in-wonderland_john-tenniel"
WORDS = 64
LOOPED = 12
REPETITIONS = 2
END = "<|endoftext|>"


def rows() -> list[dict[str, object]]:
    """Rows for `launch/bench.sh text`: measure, ours, peer, peer_name, ratio, unit, reach."""
    folder = Path(os.environ["GROUNDING_DATA"]) / "text" / "standard_ebooks"
    story = _read(folder, STORY).split()[1000:]
    with one_thread(), tempfile.TemporaryDirectory() as saved:
        plain = _save(Path(saved), folder)
        model = ContextualModel(saved)
        step = WORDS
        return [
            # A window that moves with every word must be computed anew for every word: no reach can be set for that.
            _compare("exactly the last 64 words", model, plain, story[: WORDS - 1 + 32], Context(WORDS), None),
            _compare("the last 64 to 127 words", model, plain, story[: 6 * step], Context(WORDS, step=step), 5.0),
        ]


def _read(folder: Path, book: str) -> str:
    with gzip.open(folder / f"{book}.txt.gz", "rt", encoding="utf-8") as stream:
        return stream.read()


def _save(saved: Path, books: Path) -> Any:
    """A random GPT-2 small and its tokenizer in a folder; returns the model."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=20_000, initial_alphabet=alphabet, special_tokens=[END], show_progress=False
    )
    tokenizer.train_from_iterator([_read(books, book) for book in BOOKS], trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=END, eos_token=END).save_pretrained(saved)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = GPT2LMHeadModel(GPT2Config()).eval()
    model.save_pretrained(saved)
    return model


def _compare(
    what: str, model: ContextualModel, plain: Any, words: list[str], context: Context, reach: float | None
) -> dict[str, object]:
    """Words per second of both, over words with a full context, after making sure that the results are the same."""
    first = WORDS if context.step > 1 else WORDS - 1
    sample = np.linspace(first, len(words) - 1, LOOPED * REPETITIONS).astype(int)
    pieces = [
        model.tokenizer.encode(word if position == 0 else f" {word}", add_special_tokens=False)
        for position, word in enumerate(words)
    ]
    start = model.tokenizer.bos_token_id
    found: Any = None

    def ours() -> int:
        nonlocal found
        found = model.analyse(words, context=context)
        return len(words) - first

    def loop(chosen: np.ndarray) -> list[tuple[np.ndarray, float]]:
        begins = [max(0, word // context.step * context.step - WORDS + 1) for word in chosen]
        return [_one_word(plain, start, pieces[a : b + 1]) for a, b in zip(begins, chosen, strict=True)]

    best = [0.0, 0.0]
    expected: dict[int, tuple[np.ndarray, float]] = {}
    loop(sample[:1])
    for repetition in range(REPETITIONS):
        best[0] = max(best[0], _speed(ours))
        chosen = sample[repetition::REPETITIONS]

        def looped(chosen: np.ndarray = chosen) -> int:
            expected.update(zip(chosen.tolist(), loop(chosen), strict=True))
            return len(chosen)

        best[1] = max(best[1], _speed(looped))
    states, predictability = found
    apart = max(
        max(float(np.abs(states[:, word] - one).max()), abs(float(predictability.surprisal[word]) - bits))
        for word, (one, bits) in expected.items()
    )
    assert apart < 1e-4, f"{what}: states or surprisal differ from the loop's by {apart:.1e}"
    name = f"surprisal and all 13 layers of a word that sees {what}, GPT-2 small (random weights), apart {apart:.0e}"
    return row(name, best[0], best[1], "one forward pass a word", "words/s", reach)


def _speed(work: Callable[[], int]) -> float:
    began = time.process_time()
    done = work()
    return done / (time.process_time() - began)


def _one_word(model: Any, start: int, pieces: list[list[int]]) -> tuple[np.ndarray, float]:
    """States (layers, width) of the last word, the mean of its subwords, and its surprisal in bits."""
    ids = torch.tensor([[start, *(one for piece in pieces for one in piece)]])
    own = len(pieces[-1])
    with torch.inference_mode():
        output = model(ids, output_hidden_states=True)
        states = torch.stack([layer[0, -own:].mean(0) for layer in output.hidden_states])
        logs = output.logits[0, :-1].log_softmax(1)
        bits = -float(logs[-own:].gather(1, ids[0, -own:, None]).sum()) / np.log(2)
    return states.numpy(), bits


if __name__ == "__main__":
    for entry in rows():
        print(entry)
