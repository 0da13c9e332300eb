"""Linear and contrastive decoders find what was planted, nothing in noise, and refuse what cannot be decoded."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grounding.brain.decoding import (
    NewSubjectNewWord,
    Within,
    averaged,
    decode,
    decode_contrastively,
    order_only,
    standardised,
    train_decoder,
)
from grounding.brain.folds import ByWordType, Grouped, LeaveOneOut
from grounding.brain.recording import Epochs, Responses
from grounding.errors import InputError
from grounding.space import FitSettings
from tests.brain.decoding.planted import WORDS, patterns, vectors

# Planted signals are so clear that no penalty at all is best.
pytestmark = pytest.mark.filterwarnings("ignore::grounding.brain.ridge.checks.AlphaEdgeWarning")

SHORT = FitSettings(steps=20, batch=96, learning_rate=3e-3, warmup=5)
ONE_HOT = dict(zip(WORDS, np.eye(len(WORDS)), strict=True))


@pytest.mark.parametrize("folds", [ByWordType(4), NewSubjectNewWord(4), LeaveOneOut("subject"), Within(ByWordType(4))])
def test_planted_words_are_found_however_rows_are_held_out(folds):
    found = decode(standardised(patterns()), vectors(), folds, inner=ByWordType(3), permutations=99)
    assert found.rates["pairwise"].low > 0.8 and found.rates["top-1"].p == 0.01
    assert found.synthetic and not found.shuffled


def test_templates_find_words_in_new_subjects_but_not_in_noise_nor_in_the_order_of_trials():
    folds, inner = LeaveOneOut("subject"), Grouped(2, "subject")
    planted = decode(averaged(patterns()), ONE_HOT, folds, inner=inner, permutations=99).rates
    assert planted["top-1"].low > 0.15 and planted["pairwise"].low > 0.75 and planted["top-1"].p == 0.01
    for dull in (averaged(patterns(signal=0.0)), averaged(order_only(patterns()))):
        found = decode(dull, ONE_HOT, folds, inner=inner, permutations=99)
        assert abs(found.rates["pairwise"].value - 0.5) < 0.15 and found.rates["pairwise"].p > 0.01


def test_the_test_rows_of_a_fold_have_no_say_in_its_training():
    given = patterns(subjects=3)
    before = decode(given, vectors(), LeaveOneOut("subject"), inner=ByWordType(3), permutations=0)
    changed = given.data.copy()
    own = given.rows.subject == "s1"
    changed[own] = np.random.default_rng(3).normal(size=changed[own].shape)
    other = Responses(changed, given.rows, given.targets, "eeg")
    after = decode(other, vectors(), LeaveOneOut("subject"), inner=ByWordType(3), permutations=0)
    places = before.rows.subject == "s1"
    # Only other subjects are trained on when s1 is tested; the constant patterns below then meet the same decoder.
    assert not np.array_equal(before.rank[places], after.rank[places])
    flat = given.data.copy()
    flat[own] = given.data[own][0]
    constant = decode(Responses(flat, given.rows, given.targets, "eeg"), vectors(), LeaveOneOut("subject"),
                      inner=ByWordType(3), permutations=0)  # fmt: skip
    first = np.flatnonzero(places)[0]
    assert constant.rank[first] == before.rank[first]


def test_equal_calls_give_equal_results():
    one, other = (decode(patterns(), vectors(), ByWordType(4), permutations=19, seed=5).as_dict() for _ in range(2))
    assert one == other


def test_what_cannot_be_decoded_is_refused():
    given, known = patterns(), vectors()
    with pytest.raises(InputError, match="vectors: none for word00"):
        decode(given, {name: known[name] for name in WORDS[1:]})
    with pytest.raises(InputError, match=r"shapes \[\(4,\), \(5,\)\]"):
        decode(given, known | {"word00": np.zeros(5)})
    with pytest.raises(InputError, match="'word03' is not finite"):
        decode(given, known | {"word03": np.full(4, np.nan)})
    with pytest.raises(InputError, match="all 24 are the same"):
        decode(given, dict.fromkeys(WORDS, np.ones(4)))
    given.data[3, 2] = np.inf
    with pytest.raises(InputError, match="channel 'E2' holds numbers that are not finite"):
        decode(given, known)


def test_a_network_for_all_subjects_finds_words_of_a_subject_never_seen(tmp_path: Path):
    given = standardised(patterns(subjects=2, repetitions=4))
    arguments = {"run": tmp_path, "settings": SHORT, "permutations": 99, "width": 32}
    found = decode_contrastively(given, vectors(), LeaveOneOut("subject"), **arguments)
    assert found.rates["pairwise"].low > 0.75 and found.rates["pairwise"].p == 0.01
    assert found.decoder.startswith("contrastive VoxelEncoder, shared first layer") and found.synthetic
    # A finished training is read back, and gives the same.
    again = decode_contrastively(given, vectors(), LeaveOneOut("subject"), **arguments)
    assert again.as_dict() == found.as_dict()


def test_a_layer_for_each_subject_cannot_encode_a_subject_never_seen(tmp_path: Path):
    with pytest.raises(InputError, match="'subject' found with subjects held out"):
        decode_contrastively(patterns(), vectors(), LeaveOneOut("subject"), run=tmp_path, layers="subject")
    with pytest.raises(InputError, match="layers: 'own' found"):
        train_decoder(patterns(), vectors(), run=tmp_path, layers="own")  # type: ignore[arg-type]


def test_subjects_by_name_must_fit_together(tmp_path: Path):
    whole = patterns(subjects=2)
    first, second = (np.flatnonzero(whole.rows.subject == subject) for subject in ("s0", "s1"))
    one = Responses(whole.data[first], whole.rows.take(first), whole.targets, "eeg")
    other = Responses(whole.data[second, :9], whole.rows.take(second), whole.targets[:9], "eeg")
    with pytest.raises(InputError, match="'s0': 12, 's1': 9}, which differ; expected 'subject'"):
        decode_contrastively({"s0": one, "s1": other}, vectors(), run=tmp_path)
    twin = replace(other, rows=replace(other.rows, run=one.rows.run))
    for wrong, said in (
        ({"s0": one, "s2": other}, "subject 's1' found under 's2'"),
        ({"s0": one, "s1": twin}, "two subjects have a run 's0'"),
        ({}, "no subject"),
    ):
        with pytest.raises(InputError, match=said):
            train_decoder(wrong, vectors(), run=tmp_path, layers="subject")


def test_inner_folds_that_cannot_be_made_are_asked_for():
    halves = averaged(standardised(patterns()), parts=2)
    with pytest.raises(InputError, match="give `inner`"):
        decode(halves, vectors(), Within(LeaveOneOut("run")))


def test_epochs_of_subjects_with_different_channels_share_a_trunk(tmp_path: Path, generator: np.random.Generator):
    """The word is in when a channel rises, not in how much: only an encoder that looks along time can tell."""
    flat = patterns(subjects=2, repetitions=2)
    place = np.array([WORDS.index(word) for word in flat.rows.word])
    lags = np.linspace(0, 0.5, 24)
    bumps = np.exp(-((np.arange(24) - place[:, None]) ** 2) / 8)
    data = (4 * bumps[:, None, :] + 0.3 * generator.normal(size=(len(place), 3, 24))).astype(np.float32)
    given = {}
    for subject, names in (("s0", ("Fz", "Cz", "Pz")), ("s1", ("Fz", "Cz"))):
        own = np.flatnonzero(flat.rows.subject == subject)
        given[subject] = Epochs(data[own, : len(names)], lags, flat.rows.take(own), names, "eeg", synthetic=True)
    when = {word: np.eye(4)[number // 6] for number, word in enumerate(WORDS)}
    settings = FitSettings(steps=25, batch=48, learning_rate=4e-3, warmup=3)
    space = train_decoder(given, when, run=tmp_path, layers="subject", width=32, settings=settings)
    for subject, epochs in given.items():
        signals = [{"signal": epoch, "subject": subject} for epoch in epochs.data]
        found = space.encode(neural=signals, vectors=np.eye(4, dtype=np.float32))
        truth = place[flat.rows.subject == subject] // 6
        assert (np.argmax(found["neural"] @ found["vectors"].T, 1) == truth).mean() > 0.75
