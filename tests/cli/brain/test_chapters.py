"""The brain chapters of the demo's report: planted truth is found, labelled synthetic, and every number is kept."""

import numpy as np
import pytest

from grounding.cli.brain.chapters import brain_chapters


@pytest.mark.slow
def test_the_synthetic_chapters(tmp_path, monkeypatch):
    monkeypatch.delenv("GROUNDING_DATA", raising=False)
    fmri, ecog = brain_chapters(tmp_path, seed=0)
    assert fmri.badge and ecog.badge
    assert "above zero" in fmri.verdict and "peak later" in ecog.verdict
    with np.load(tmp_path / "brain" / "synthetic-fmri" / "scores.npz", allow_pickle=False) as kept:
        assert kept.files
    assert (tmp_path / "brain" / "synthetic-fmri" / "scores.csv").is_file()
