"""Small recordings whose truth is known."""

import numpy as np

from grounding.brain.encoding import EncodingModel
from grounding.brain.recording import Features, Recording, Run

ALPHAS = np.logspace(-1, 5, 7)
QUICK = {"alphas": ALPHAS, "inner": 2, "draws": 1, "permutations": 0, "random": ()}


def model(embedding: Features, *controls: Features, **more: object) -> EncodingModel:
    """A model with few penalties and band weights, without permutations and random vectors unless asked."""
    return EncodingModel(embedding, **({"controls": controls} | QUICK | more))  # type: ignore[arg-type]


def autoregressive(generator: np.random.Generator, n: int, columns: int, memory: float) -> np.ndarray:
    """(n, columns) float32 of variance 1, correlated by `memory` from row to row."""
    noise = generator.standard_normal((n, columns)) * np.sqrt(1 - memory**2)
    series = np.empty((n, columns))
    series[0] = generator.standard_normal(columns)
    for row in range(1, n):
        series[row] = memory * series[row - 1] + noise[row]
    return series.astype(np.float32)


def features(generator: np.random.Generator, name: str, columns: int, runs: int = 2, n: int = 300) -> Features:
    return Features(name, {f"run-{r}": generator.standard_normal((n, columns)).astype(np.float32) for r in range(runs)})


def recording(responses: dict[str, np.ndarray], **more: object) -> Recording:
    channels = tuple(f"v{c}" for c in range(next(iter(responses.values())).shape[1]))
    runs = tuple(Run(name, data.astype(np.float32), 0.5) for name, data in responses.items())
    return Recording(runs, channels, "fmri", synthetic=True, **more)  # type: ignore[arg-type]


def driven(
    generator: np.random.Generator, cause: Features, targets: int, share: float, memory: float = 0.0
) -> dict[str, np.ndarray]:
    """Responses of each run of which a share of the variance is a linear function of the features."""
    weights = generator.standard_normal((cause.width, targets))
    weights /= np.linalg.norm(weights, axis=0)
    return {
        run: data @ weights * np.sqrt(share)
        + autoregressive(generator, len(data), targets, memory) * np.sqrt(1 - share)
        for run, data in cause.runs.items()
    }
