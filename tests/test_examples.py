"""The example scripts run and show what they say."""

import subprocess
import sys
from pathlib import Path

import pytest

from grounding.errors import WeightsError
from grounding.text import find_weights
from grounding.text.weights import MINILM

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_a_sixth_modality_in_under_40_lines(tmp_path: Path) -> None:
    try:
        find_weights(MINILM)
    except WeightsError as error:
        pytest.skip(str(error))
    script = ROOT / "launch" / "examples" / "sixth_modality.py"
    assert len(script.read_text().splitlines()) < 40
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if "->" in line}
    assert len(rows) == 31 and rows["touch->neural"][1] == "emergent" and rows["touch->text"][1] == "paired"
    recall, chance = float(rows["touch->neural"][2]), float(rows["touch->neural"][4])
    assert recall > 5 * chance


@pytest.mark.slow
def test_what_a_recording_holds(tmp_path: Path) -> None:
    script = ROOT / "launch" / "examples" / "what_a_recording_holds.py"
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "SYNTHETIC" in done.stdout
    unique = {line.split()[0]: float(line.split()[-1]) for line in done.stdout.splitlines() if " unique r² " in line}
    assert max(unique, key=unique.__getitem__) == "MTG"
    assert unique["MTG"] > 0.02 > abs(unique["calcarine"])
