"""One result for all tests that only look at it."""

import numpy as np
import pytest

from grounding.brain.encoding import EncodingResult
from grounding.brain.recording import Features
from tests.brain.encoding.planted import driven, features, model, recording


@pytest.fixture(scope="session")
def truth() -> EncodingResult:
    """Of 8 targets, 4 are driven by the embedding (share 0.4) and 4 by a control that the embedding resembles."""
    generator = np.random.default_rng(1)
    control = features(generator, "control", 3, n=400)
    meaning = features(generator, "meaning", 5, n=400)
    embedding = Features(
        "embedding",
        {
            run: np.hstack([meaning.runs[run], data + 0.3 * generator.standard_normal((400, 3)).astype(np.float32)])
            for run, data in control.runs.items()
        },
    )
    by_meaning, by_control = driven(generator, meaning, 4, 0.4), driven(generator, control, 4, 0.4)
    data = {run: np.hstack([by_meaning[run], by_control[run]]) for run in control.runs}
    return model(embedding, control, permutations=400).fit(recording(data))
