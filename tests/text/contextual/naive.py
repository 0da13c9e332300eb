"""One forward pass for every word over its own context: slow, and what the real thing must equal."""

from typing import Any

import numpy as np
import torch


def word_subwords(tokenizer: Any, words: list[str]) -> list[list[int]]:
    """By tokenising word by word with the space before it, which a byte-level tokenizer does not look beyond."""
    return [
        tokenizer.encode(word if position == 0 else f" {word}", add_special_tokens=False)
        for position, word in enumerate(words)
    ]


def states(
    model: Any, pieces: list[list[int]], spans: list[tuple[int, int]], around: bool, subword: str, space: int
) -> np.ndarray:
    """float32 (layers, words, width); word i sees words spans[i][0] to spans[i][1], that included.

    A subword that is nothing but the space before a word is no part of it.
    """
    every = []
    for word, (start, stop) in enumerate(spans):
        ids = [1, *(one for piece in pieces[start : stop + 1] for one in piece), *([2] if around else [])]
        with torch.inference_mode():
            output = model(torch.tensor([ids]), output_hidden_states=True, return_dict=True)
        first = 1 + sum(len(piece) for piece in pieces[start:word])
        own = torch.stack(output.hidden_states)[:, 0, first : first + len(pieces[word])]
        if pieces[word][0] == space:
            own = own[:, 1:]
        every.append({"first": own[:, 0], "last": own[:, -1], "mean": own.mean(1)}[subword])
    return torch.stack(every, 1).numpy()


def surprisal(model: Any, pieces: list[list[int]], spans: list[tuple[int, int]]) -> np.ndarray:
    """Bits, of a causal model."""
    every = []
    for word, (start, _) in enumerate(spans):
        ids = torch.tensor([[1, *(one for piece in pieces[start : word + 1] for one in piece)]])
        with torch.inference_mode():
            logs = model(ids, return_dict=True).logits[0, :-1].log_softmax(1)
        own = logs.gather(1, ids[0, 1:, None])[-len(pieces[word]) :]
        every.append(-float(own.sum()) / np.log(2))
    return np.array(every)


def pseudo_surprisal(model: Any, pieces: list[list[int]], spans: list[tuple[int, int]], mask: int) -> np.ndarray:
    """Bits, of a masked model, what follows in the word being masked too."""
    every = []
    for word, (start, stop) in enumerate(spans):
        first = 1 + sum(len(piece) for piece in pieces[start:word])
        total = 0.0
        for one in range(len(pieces[word])):
            ids = [1, *(piece for words in pieces[start : stop + 1] for piece in words), 2]
            ids[first + one : first + len(pieces[word])] = [mask] * (len(pieces[word]) - one)
            with torch.inference_mode():
                logs = model(torch.tensor([ids]), return_dict=True).logits[0, first + one].log_softmax(0)
            total -= float(logs[pieces[word][one]])
        every.append(total / np.log(2))
    return np.array(every)
