"""What MiniLM explains of people hearing Alice in Wonderland; called by `tests.benchmarks.brain_results`.

By itself: `GROUNDING_DATA=FOLDER python -m tests.benchmarks._brain_alice`.

27 subjects, six language regions, five contiguous folds with gaps, delays of 1 to 4 volumes, 50 components; controls:
word rate and sound power as published, word rate and position as delayed series, and head motion. Means over regions
with intervals over subjects. Nothing was tuned: layer, context, delays and folds are the defaults of
`grounding brain encode alice`.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from grounding.brain.encoding import encode_subjects
from grounding.cli.brain.encode import Encode, prepared
from grounding.cli.brain.inputs import Embedding, open_recording
from tests.benchmarks._rows import one_thread, row

LAYERS = (0, 3, 6)


def rows() -> Iterator[dict[str, object]]:
    """Rows for `launch/bench.sh brain_results`."""
    with one_thread(), TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for layer in LAYERS:
            settings = Encode("alice", layer=layer, permutations=0, embedding=Embedding(cache=Path(folder)))
            opened = open_recording(settings.data, settings.source)
            result = encode_subjects(*prepared(opened, settings))
            models = ("embedding", "controls", "autocorrelation", "random vectors", "untrained", "others", "full")
            for model in models if layer == LAYERS[1] else models[:1]:
                found = result.mean_interval(model, "r")
                yield _row(f"Alice, {result.name}, {model}: r", found, "")
            unique = result.mean_interval("unique", "r2")
            each = result.interval("unique", "r2")
            named = ", ".join(
                f"{target} {1000 * value:+.1f}" for target, value in zip(result.targets, each.estimate, strict=True)
            )
            test = result.test("unique", "r2")
            above = "" if test is None else f"; regions above 0, corrected: {int((test.family_wise < 0.05).sum())} of 6"
            yield _row(f"Alice, {result.name}: unique r²", unique, f"; × 1000 by region: {named}{above}")
            ceiling = result.normalised_r()
            if ceiling is not None and layer == LAYERS[1]:
                yield _row(f"Alice, {result.name}: r / ceiling (the other 26)", ceiling, "")


def _row(measure: str, found: object, more: str) -> dict[str, object]:
    estimate, low, high = (float(np.squeeze(getattr(found, name))) for name in ("estimate", "low", "high"))
    return row(measure, estimate, None, None, f"{low:.4f} to {high:.4f} over 27 subjects{more}", None)


if __name__ == "__main__":
    for entry in rows():
        print(f"{entry['measure']}: {entry['ours']} {entry['unit']}", flush=True)
