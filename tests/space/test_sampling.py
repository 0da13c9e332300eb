"""Which samples a step sees."""

from collections import Counter

import numpy as np
import pytest
import torch

from grounding.errors import InputError
from grounding.space.catalogue import Catalogue
from grounding.space.sampling import Sampler, seed_of
from tests.space.small import small_samples, small_space

SIGNAL = np.zeros(6, np.float32)


def catalogue(**data: list[dict[str, object]]) -> Catalogue:
    return Catalogue(small_space(), data)


def test_a_step_is_a_function_of_seed_and_step() -> None:
    samples = catalogue(small=small_samples(60))
    sampler = Sampler(samples, batch=8, extra=3, seed=0)
    draw = sampler(5)
    assert len(draw.codes) == len(sampler(40).codes)
    for again in (sampler(5), Sampler(samples, batch=8, extra=3, seed=0)(5)):
        assert again.batch.ids == draw.batch.ids and torch.equal(again.codes, draw.codes)
        assert torch.equal(again.batch.fields["text"].data.values, draw.batch.fields["text"].data.values)  # type: ignore[union-attr]
    assert Sampler(samples, batch=8, extra=3, seed=1)(5).batch.ids != draw.batch.ids


def test_every_sample_is_visited_once_a_pass() -> None:
    samples = [{"id": str(i), "text": "x", "signal": SIGNAL} for i in range(10)]
    sampler = Sampler(catalogue(a=samples), batch=4, extra=4, seed=0)
    visited = [name for step in range(5) for name in sampler(step).batch.ids]
    assert Counter(visited) == {str(i): 2 for i in range(10)}


def test_fewer_samples_than_a_batch() -> None:
    assert len(Sampler(catalogue(a=small_samples(9)), batch=100, extra=100, seed=0)(0).codes) == 9


def test_one_rendering_is_drawn_a_visit() -> None:
    signals = tuple(np.full(6, value, np.float32) for value in range(3))
    samples = [{"id": str(i), "text": ("one", "two"), "signal": signals} for i in range(300)]
    seen: Counter[float] = Counter()
    together: Counter[tuple[float, float]] = Counter()
    sampler = Sampler(catalogue(a=samples), batch=300, extra=0, seed=0)
    for step in range(3):
        fields = sampler(step).batch.fields
        drawn = fields["signal"].data[:, 0].tolist()  # type: ignore[index,union-attr]
        seen.update(drawn)
        together.update(zip(drawn, fields["text"].data.values[:, 0].tolist(), strict=True))  # type: ignore[union-attr]
    assert all(250 < seen[value] < 350 for value in range(3))
    # The choice in one modality does not depend on that in another.
    assert len(together) == 6 and all(110 < count < 190 for count in together.values())


def test_the_batch_holds_what_the_samples_have() -> None:
    samples = small_samples(48)
    draw = Sampler(catalogue(small=samples), batch=30, extra=4, seed=3)(0)
    for name, rows in draw.rows.items():
        assert torch.equal(draw.batch.fields[name].rows, rows) and rows.tolist() == sorted(rows.tolist())
    signals = draw.batch.fields["signal"]
    for values, row in zip(signals.data, signals.rows.tolist(), strict=True):  # type: ignore[arg-type]
        matches = [one for one in samples if "signal" in one and np.array_equal(one["signal"], values.numpy())]
        assert matches[0]["id"] == draw.batch.ids[row]


def test_data_sets_are_mixed_by_weight() -> None:
    data = {name: [{"id": f"{name}{i}", "text": "x", "signal": SIGNAL} for i in range(40)] for name in "ab"}
    sampler = Sampler(catalogue(**data), batch=20, extra=0, seed=0, mix={"a": 3, "b": 1})
    for step in range(4):
        assert Counter(name[0] for name in sampler(step).batch.ids) == {"a": 15, "b": 5}
    assert len({name for step in range(8) for name in sampler(step).batch.ids if name[0] == "b"}) == 40
    rare = Sampler(catalogue(**data), batch=20, extra=0, seed=0, mix={"a": 1000, "b": 1})
    assert Counter(name[0] for name in rare(0).batch.ids)["b"] == 1
    for mix in ({"a": 1.0}, {"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 1.0, "c": 1.0}):
        with pytest.raises(InputError, match="mix: .* expected a weight above 0 for each of"):
            Sampler(catalogue(**data), batch=20, extra=0, seed=0, mix=mix)


def test_modality_dropout_never_drops_all() -> None:
    samples = [{"id": str(i), "text": "x", "signal": SIGNAL, "points": np.ones((4, 3))} for i in range(200)]
    chosen = Sampler(catalogue(a=samples), batch=200, extra=0, seed=0, modality_dropout=0.7)(0)
    kept = np.zeros((200, 3), bool)
    for place, name in enumerate(("points", "signal", "text")):
        kept[chosen.rows[name], place] = True
    assert kept.any(axis=1).all()
    assert (kept.sum(axis=1) == 1).mean() > 0.5 and (kept.sum(axis=1) == 3).any()
    assert 0.3 < kept.mean() < 0.5
    alone = Sampler(catalogue(a=[*samples, {"id": "z", "text": "x"}]), batch=2, extra=1, seed=0, modality_dropout=0.99)
    assert all(2 in alone(step).rows["text"].tolist() for step in range(30))


def test_what_is_matched_by_id_only_comes_with_a_partner() -> None:
    words = [{"id": str(i), "text": f"word{i}"} for i in range(300)]
    signals = [{"id": str(i % 250), "signal": SIGNAL + i} for i in range(500)]
    whole = [{"id": f"w{i}", "text": "x", "signal": SIGNAL} for i in range(100)]
    sampler = Sampler(catalogue(words=words, signals=signals, whole=whole), batch=85, extra=5, seed=0)
    partners: dict[str, set[float]] = {}
    for step in range(30):
        draw = sampler(step)
        # 100 of 850 that have a match have it in themselves; 750 have it elsewhere; 50 words have none.
        assert len(draw.codes) == 10 + 2 * 38 + 5
        held = {name: [draw.batch.ids[row] for row in rows.tolist()] for name, rows in draw.rows.items()}
        unmatched = [one for one in held["text"] if one not in held["signal"]]
        assert len(unmatched) == 5 and all(int(one) >= 250 for one in unmatched)
        values = draw.batch.fields["signal"].data[:, 0].tolist()  # type: ignore[index,union-attr]
        for name, value in zip(held["signal"], values, strict=True):
            partners.setdefault(name, set()).add(value)
    assert sum(len(found) == 2 for name, found in partners.items() if name[0] != "w") > 150


def test_a_modality_trained_with_itself_needs_no_other() -> None:
    samples = catalogue(a=[{"id": str(i), "text": "x"} for i in range(4)])
    assert len(Sampler(samples, batch=4, extra=0, seed=0, intra=("text",))(0).codes) == 4


def test_seeds_of_neighbours_differ() -> None:
    seeds = {seed_of(seed, step, purpose) for seed in range(5) for step in range(50) for purpose in range(4)}
    assert len(seeds) == 1000 and all(0 <= seed < 2**63 for seed in seeds)
