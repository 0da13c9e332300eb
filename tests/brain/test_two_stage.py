"""Two-stage regression: the planted coefficient, what it is not, and its error rate."""

import numpy as np
import pytest

from grounding.brain.folds import Grouped
from grounding.brain.recording import Features, Responses
from grounding.brain.rows import Rows
from grounding.brain.two_stage import mean_of_subjects, two_stage
from grounding.errors import InputError


def readers(effect: float, seed: int = 0, subjects: int = 12, words: int = 80, spread: float = 0.1):
    """Every subject reads the same words; the amplitude follows a control and, by ``effect``, a predictor that the
    control correlates with.
    """
    generator = np.random.default_rng(seed)
    control = generator.normal(size=words)
    predictor = 0.6 * control + 0.8 * generator.normal(size=words)
    scaled = (predictor - predictor.mean()) / predictor.std()
    data, rows = [], []
    stories = np.repeat([f"sentence {number}" for number in range(words // 8)], 8)
    for subject in range(subjects):
        own = effect + spread * generator.normal()
        data.append(2 * control + own * scaled + generator.normal(size=words))
        name = f"s{subject:02d}"
        one = Rows.of_run(name, np.arange(words), subject=name)
        rows.append(Rows(one.run, one.index, one.time, stories, one.subject))
    runs = [f"s{subject:02d}" for subject in range(subjects)]
    responses = Responses(np.concatenate(data)[:, None].astype("f"), Rows.joined(rows), ("N400",), "eeg", True)
    return responses, *(
        Features(name, dict.fromkeys(runs, values[:, None].astype("f")))
        for name, values in (("surprisal", predictor), ("frequency", control))
    )


def test_the_planted_coefficient_lies_in_its_interval_and_predicts_held_out_rows():
    (found,) = two_stage(*readers(-0.5))
    assert found.coefficient.low < -0.5 < found.coefficient.high < 0
    assert found.gain.low > 0 and found.gain.p < 0.01
    assert found.folds == "10 folds of whole groups by story" and len(found.subjects) == 12
    assert found.as_dict()["coefficient"] == found.coefficient.value and "surprisal on N400" in str(found)


def test_coefficients_are_those_of_least_squares_with_the_control_held():
    responses, predictor, control = readers(0.3)
    (found,) = two_stage(responses, predictor, control)
    x, c = predictor.runs["s03"][:, 0].astype(float), control.runs["s03"][:, 0].astype(float)
    design = np.column_stack([np.ones(80), c, (x - x.mean()) / x.std()])
    y = responses.data[responses.rows.subject == "s03", 0]
    assert found.coefficients[3] == pytest.approx(np.linalg.lstsq(design, y, rcond=None)[0][2], rel=1e-4)


def test_a_control_s_effect_is_not_the_predictor_s():
    found = [two_stage(*readers(0.0, seed, subjects=6), folds=Grouped(3, by="story"))[0] for seed in range(60)]
    assert (
        sum(one.coefficient.p <= 0.05 for one in found) <= 8
    )  # Binomial(60, 0.05) is above that with probability 0.003
    assert np.mean([one.gain.value for one in found]) < 0


def test_the_mean_mean_of_subjects_is_student_s():
    found = mean_of_subjects(np.array([1.0, 2.0, 3.0]))
    assert (found.value, found.low, found.high) == pytest.approx((2.0, -0.4841, 4.4841), abs=1e-3)


def test_bad_input_is_refused():
    responses, predictor, control = readers(0.0, subjects=2)
    with pytest.raises(InputError, match="column: 1 found, expected 0 to 0 of 'surprisal'"):
        two_stage(responses, predictor, control, column=1)
    with pytest.raises(InputError, match="'frequency' is constant or explained by the controls in subject 's00'"):
        two_stage(responses, control, control)
    bad = Features("surprisal", {run: np.full_like(values, np.nan) for run, values in predictor.runs.items()})
    with pytest.raises(InputError, match="'surprisal' is not finite"):
        two_stage(responses, bad, control)
    one = Responses(responses.data[:80], responses.rows.take(np.arange(80)), ("N400",), "eeg")
    with pytest.raises(InputError, match="1 subject found"):
        two_stage(one, predictor, control)
    short = Responses(responses.data[::40], responses.rows.take(np.arange(160) % 40 == 0), ("N400",), "eeg")
    with pytest.raises(InputError, match="explained by the controls|training rows for 3 columns"):
        two_stage(short, predictor, control, folds=Grouped(2, by="story"))
