"""Evaluates a small space and writes the figures; run as a script, on its own or by several processes together."""

import json
import sys
from pathlib import Path

import numpy as np
import torch

from grounding.space import evaluate
from grounding.space.distributed import processes, rank
from tests.space.small import small_samples, small_space


def figures() -> list[dict[str, dict[str, object]]]:
    """With ids of many samples and with ids of few; enough for several pieces of every kind of work."""
    labels = small_samples(400)
    single = [sample | {"id": f"sample {row // 2}"} for row, sample in enumerate(labels)]
    # Without this every sample of a meaning has the same words.
    generator = np.random.default_rng(0)
    for sample in single:
        if "text" in sample:
            sample["text"] = tuple(f"{words} {generator.integers(1000)}" for words in sample["text"])
    return [evaluate(small_space(), samples, resamples=50).as_dict() for samples in (labels, single)]


if __name__ == "__main__":
    torch.set_num_threads(1)
    with processes():
        place = Path(sys.argv[1]) / f"{rank()}.json"
        place.write_text(json.dumps(figures()))
