"""How fast sentences are encoded with all-MiniLM-L6-v2; called by `tests.benchmarks.text`.

Run alone: GROUNDING_DATA=FOLDER OMP_NUM_THREADS=1 python -m tests.benchmarks._text_sentences

Short: captions of Multi30k. Mixed: as many captions as pieces of books, of one to four sentences. One thread;
processor seconds, not wall-clock; the best of several repetitions of each encoder, taken in turn; tokenising included.
The peer is sentence-transformers, batches of 32, with the same weights.

Nearly all of the work is products of matrices, whose number depends on the tokens alone. "matrix products" is the
fraction of our time that they would take by themselves, at the speed that this machine reaches with matrices of
MiniLM's sizes: what remains is all that any encoder in float32 could still save.
"""

import gzip
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grounding.text import SentenceEncoder
from grounding.text.sentence.backends import has_bfloat16
from tests.benchmarks._rows import one_thread, row

SHORT, MIXED = 200, 80
# bfloat16 takes a processor that cannot multiply it ten times as long as float32.
FEW = 12
REPETITIONS = 3
HIDDEN, WIDE, LAYERS = 384, 1536, 6
Encode = Callable[[Sequence[str]], np.ndarray]


def rows() -> list[dict[str, object]]:
    """Rows for `launch/bench.sh text`: measure, ours, peer, peer_name, ratio, unit, reach."""
    folder = Path(os.environ["GROUNDING_DATA"])
    texts = {"short": captions(folder, SHORT), "mixed": mixed(folder, MIXED)}
    with one_thread():
        ours = SentenceEncoder()
        low = has_bfloat16(torch.device("cpu"))
        peers = {"float32": _peer(ours, torch.float32), "bfloat16": _peer(ours, torch.bfloat16)}
        found = []
        for kind, sentences in texts.items():
            found += _rows(kind, sentences, ours, peers, low)
        return [*found, *_backend_rows(texts["short"], low)]


def captions(folder: Path, count: int) -> list[str]:
    """The first captions of the validation part of Multi30k."""
    with gzip.open(folder / "text" / "multi30k" / "val.en.gz", "rt", encoding="utf-8") as stream:
        return [line.strip() for line in stream][:count]


def mixed(folder: Path, count: int) -> list[str]:
    """Captions and, in equal number, runs of one to four sentences of a book; in an order without meaning."""
    file = folder / "text" / "standard_ebooks" / "bram-stoker_dracula.txt.gz"
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        sentences = [each for each in re.split(r"(?<=[.!?])\s+", stream.read()) if len(each.split()) > 3]
    generator = np.random.default_rng(0)
    starts = generator.integers(0, len(sentences) - 4, size=count // 2)
    pieces = [" ".join(sentences[start : start + 1 + i % 4]) for i, start in enumerate(starts)]
    texts = [*captions(folder, count - len(pieces)), *pieces]
    return [texts[i] for i in generator.permutation(count)]


def _rows(
    kind: str, sentences: list[str], ours: SentenceEncoder, peers: dict[str, Encode], low: bool
) -> list[dict[str, object]]:
    exact = SentenceEncoder(precision="float32")
    speeds = _speeds([ours.encode, peers["float32"], exact.encode], sentences)
    reference = peers["float32"](sentences)
    cosine = float((ours.encode(sentences) * reference).sum(axis=1).min())
    few = sentences if low else sentences[:FEW]
    lower = _speeds([ours.encode, peers["bfloat16"]], few, REPETITIONS if low else 1)
    share = speeds[2] * _seconds_of_products(exact, sentences) / len(sentences)
    name = f"MiniLM, {kind}, {'bfloat16' if low else 'float32'}"
    plain = row(f"MiniLM, {kind}, float32", speeds[2], speeds[1], "sentence-transformers float32", "sentences/s", None)
    return [
        row(name, speeds[0], speeds[1], "sentence-transformers float32", "sentences/s", 2.5),
        row(name, lower[0], lower[1], "sentence-transformers bfloat16", "sentences/s", 1.1),
        *([plain] if low else []),
        row(f"MiniLM, {kind}, float32, matrix products", share, None, None, "of the time", None),
        row(f"{name}, least cosine to float32", cosine, None, None, "cosine", 0.9999),
    ]


def _backend_rows(sentences: list[str], low: bool) -> list[dict[str, object]]:
    backends: Any = ("onnx", "openvino")
    encoders = [SentenceEncoder(precision="float32"), *(SentenceEncoder(backend=name) for name in backends)]
    speeds = _speeds([encoder.encode for encoder in encoders], sentences)
    kinds = ("float32", "bfloat16" if low else "float32")
    return [
        row(f"MiniLM, short, backend {name}, {kind}", speed, speeds[0], "backend torch, float32", "sentences/s", None)
        for name, kind, speed in zip(backends, kinds, speeds[1:], strict=True)
    ]


def _peer(ours: SentenceEncoder, dtype: torch.dtype) -> Encode:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(ours.weights.folder), device="cpu", model_kwargs={"torch_dtype": dtype})

    def encode(sentences: Sequence[str]) -> np.ndarray:
        found = model.encode(list(sentences), batch_size=32, show_progress_bar=False, convert_to_tensor=True)
        return found.float().numpy()

    return encode


def _speeds(encoders: Sequence[Encode], sentences: list[str], repetitions: int = REPETITIONS) -> list[float]:
    """Sentences a processor second, the best of the repetitions, after one that is not counted."""
    best = [0.0] * len(encoders)
    for encode in encoders:
        encode(sentences[:4])
    for _ in range(repetitions):
        for which, encode in enumerate(encoders):
            began = time.process_time()
            encode(sentences)
            best[which] = max(best[which], len(sentences) / (time.process_time() - began))
    return best


def _seconds_of_products(encoder: SentenceEncoder, sentences: list[str]) -> float:
    """The least time of the products of matrices that the sentences need, but for those of attention."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(encoder.weights.folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(encoder.max_tokens or 512)
    tokens = sum(len(encoding.ids) for encoding in tokenizer.encode_batch(sentences))
    rows, seconds = 1024, 0.0
    for width, out in ((HIDDEN, 3 * HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, WIDE), (WIDE, HIDDEN)):
        left, right, result = torch.ones(rows, width), torch.ones(width, out), torch.empty(rows, out)
        best = float("inf")
        for _ in range(20):
            began = time.process_time()
            torch.mm(left, right, out=result)
            best = min(best, time.process_time() - began)
        seconds += best
    return seconds * LAYERS * tokens / rows


if __name__ == "__main__":
    for entry in rows():
        print(entry)
