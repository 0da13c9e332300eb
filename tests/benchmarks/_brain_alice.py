"""What MiniLM explains of people hearing Alice in Wonderland; called by `tests.benchmarks.brain_results`.

By itself: `GROUNDING_DATA=FOLDER python -m tests.benchmarks._brain_alice`.

27 subjects, six language regions, five contiguous folds with gaps, delays of 1 to 4 volumes, 50 components; controls:
word rate and sound power as published, word rate and position as delayed series, and head motion. Means over regions
with intervals over subjects. Nothing was tuned: layer, context, delays and folds are the defaults of
`grounding brain encode alice`.
"""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from grounding.brain.encoding import encode_subjects
from grounding.brain.recording import Features
from grounding.cli.brain.encode import Encode, prepared
from grounding.cli.brain.inputs import Embedding, Opened, open_recording
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
            if layer == LAYERS[1]:
                yield from _mean_listener(settings, opened)
            ceiling = result.normalised_r()
            if ceiling is not None and layer == LAYERS[1]:
                yield _row(f"Alice, {result.name}: r / ceiling (the other 26)", ceiling, "")


def _mean_listener(settings: Encode, opened: Opened) -> Iterator[dict[str, object]]:
    """The same for the mean of all listeners, which has far less noise and holds for this story and these people."""
    runs = opened.recording.runs
    each = [run.data / run.data.std(0) for run in runs]
    mean = replace(runs[0], data=np.mean(each, axis=0).astype(np.float32), subject="mean of 27")
    controls = tuple(replace(one, features=_of_run(one.features, mean.name)) for one in opened.controls)
    alone = Opened(replace(opened.recording, runs=(mean,)), controls)
    model, targets = prepared(alone, replace(settings, permutations=1000))
    result = model.fit(next(iter(targets.values())))
    for name in ("embedding", "controls", "untrained"):
        yield _row(
            f"Alice, the mean listener, {result.name}, {name}: r", result.mean_interval(name, "r"), "", "5 folds"
        )
    test = result.unique_significance
    p = "" if test is None else f"; smallest p, corrected over regions: {test.family_wise.min():.3g}"
    yield _row(f"Alice, the mean listener, {result.name}: unique r²", result.mean_interval("unique"), p, "5 folds")


def _of_run(features: Features, run: str) -> Features:
    return Features(features.name, {run: features.runs[run]})


def _row(measure: str, found: object, more: str, over: str = "27 subjects") -> dict[str, object]:
    estimate, low, high = (float(np.squeeze(getattr(found, name))) for name in ("estimate", "low", "high"))
    return row(measure, estimate, None, None, f"{low:.4f} to {high:.4f} over {over}{more}", None)


if __name__ == "__main__":
    for entry in rows():
        print(f"{entry['measure']}: {entry['ours']} {entry['unit']}", flush=True)
