"""How soon the right item is found among candidates, beside chance, with intervals and a permutation test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grounding.brain.decoding.intervals import intervals
from grounding.brain.folds import Folds
from grounding.brain.rows import Rows
from grounding.brain.significance.kept import kept_p
from grounding.errors import InputError
from grounding.text.evaluation.estimates import Estimate

CUTS = (1, 5)


@dataclass(frozen=True)
class Rate(Estimate):
    """A mean over the tested rows with its 95 % interval.

    Attributes:
        chance: what guessing is expected to reach.
        p: one-sided, of the permutation test; NaN where there is none.
    """

    chance: float
    p: float

    def __str__(self) -> str:
        p = "" if np.isnan(self.p) else f", p = {self.p:.3g}"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}), chance {self.chance:.3f}{p}"


@dataclass(frozen=True)
class Decoding:
    """Retrieval: each tested pattern ranks the candidates of its fold.

    Candidates are the different items of the fold's test rows: with zero-shot folds the words that were held out, so
    that nothing competes which training has seen.

    The p-values permute which item is the right one, with the trained decoders as they are, and allow for what folds
    share by having trained one another (`grounding.brain.significance.kept`). An item is permuted alike in all its
    repetitions and in all folds that have it, such as those of several subjects, even if each of them lacks some
    others: what subjects share in their responses to a word would otherwise let arbitrary vectors pass. The intervals
    resample subjects and items
    at once (`grounding.brain.decoding.intervals`).

    Attributes:
        decoder: which, in words.
        folds: how rows were held out.
        rates: "top-1", "top-5" (left out with 5 candidates or fewer) and "pairwise", the share of wrong candidates
            that the right one beats.
        rank: (n,) float64, of the right candidate, 1 being perfect; equal ones share their mean rank, and a rate takes
            what they would have if ties were broken by lot.
        candidates: (n,) int64, among how many.
        rows: the tested ones, in the order of the recording.
        resampled: "subjects and items", or "items" of a single subject.
        shuffled: whether folds parted neighbouring rows at random, which inflates every rate.
        synthetic: whether a generator made the recording.
    """

    decoder: str
    folds: str
    rates: Mapping[str, Rate]
    rank: np.ndarray
    candidates: np.ndarray
    rows: Rows
    resampled: str
    shuffled: bool = False
    synthetic: bool = False

    @property
    def median_rank(self) -> float:
        """Of the right candidate."""
        return float(np.median(self.rank))

    def by_subject(self) -> dict[str, float]:
        """Pairwise accuracy of each subject."""
        beaten = _pairwise(self.rank, self.candidates)
        return {
            name: float(beaten[self.rows.subject == name].mean()) for name in dict.fromkeys(self.rows.subject.tolist())
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: "top-1", "top-1 low", "top-1 high", "top-1 chance", "top-1 p" and so on."""
        table: dict[str, Any] = {"decoder": self.decoder, "folds": self.folds}
        for name, rate in self.rates.items():
            table[name] = rate.value
            table |= {f"{name} low": rate.low, f"{name} high": rate.high, f"{name} chance": rate.chance}
            table[f"{name} p"] = None if np.isnan(rate.p) else rate.p
        return table | {
            "median rank": self.median_rank,
            "candidates": float(self.candidates.mean()),
            "n": len(self.rank),
            "resampled": self.resampled,
            "shuffled": self.shuffled,
            "synthetic": self.synthetic,
        }

    def __str__(self) -> str:
        marks = ", SHUFFLED FOLDS" * self.shuffled + ", SYNTHETIC" * self.synthetic
        lines = [f"{self.decoder}; {self.folds}; {len(self.rank)} patterns among {self.candidates.mean():.0f}{marks}"]
        lines += [f"  {name:<9} {rate}" for name, rate in self.rates.items()]
        return "\n".join([*lines, f"  median rank {self.median_rank:g}; intervals over {self.resampled}"])


@dataclass(frozen=True)
class Scored:
    """One fold: how alike each test row and each candidate are.

    Attributes:
        test: (m,) places of the rows.
        items: c names of the candidates.
        similarity: (m, c), higher is more alike.
    """

    test: np.ndarray
    items: Sequence[str]
    similarity: np.ndarray


def summarise(
    decoder: str,
    folds: Folds,
    scored: Sequence[Scored],
    rows: Rows,
    truth: np.ndarray,
    *,
    synthetic: bool,
    permutations: int,
    resamples: int,
    seed: int,
) -> Decoding:
    """Ranks, rates, intervals and p-values of scored folds; ``truth`` (n,) is the item of every row.

    Raises:
        InputError: a fold with a single candidate, or fewer than one resample.
    """
    if resamples < 1 or permutations < 0:
        raise InputError(f"resamples {resamples} and permutations {permutations} found, expected at least 1 and 0")
    found, tested, counts = [], [], []
    for one in scored:
        if len(one.items) < 2:
            raise InputError(
                f"decoding: {len(one.items)} candidate in a fold ({one.items[0]!r}), expected two at least"
            )
        right = _right(one, truth)
        found.append(standing(one.similarity)[:, np.arange(len(one.test)), right])
        tested.append(one.test)
        counts.append(np.full(len(one.test), len(one.items)))
    places = np.concatenate(tested)
    order = np.argsort(places)  # the order of the recording, which the folds may have parted
    (ahead, equal), candidates = np.hstack(found)[:, order], np.concatenate(counts)[order]
    tested_rows = rows.take(places[order])
    names = [f"top-{cut}" for cut in CUTS if cut < candidates.min()] + ["pairwise"]
    values = np.column_stack([_measure(name, ahead, equal, candidates) for name in names])
    bounds, resampled = intervals(values, tested_rows, truth[places[order]], resamples, seed)
    means = values.mean(0)
    p = _p_values(scored, truth, names, means, permutations, seed)
    rates = {
        name: Rate(float(means[k]), float(bounds[k, 0]), float(bounds[k, 1]), _chance(name, candidates), p[k])
        for k, name in enumerate(names)
    }
    return Decoding(
        decoder,
        folds.description,
        rates,
        ahead + (equal + 1) / 2,
        candidates,
        tested_rows,
        resampled,
        folds.shuffled,
        synthetic,
    )


def standing(similarity: np.ndarray) -> np.ndarray:
    """(2, m, c) float64: how many candidates of the row are more alike than each, and how many are as alike, itself
    included; what differs by less than 1e-9 is equal.
    """
    from scipy.stats import rankdata

    rounded = -np.round(similarity.astype(np.float64), 9)
    first, last = (np.asarray(rankdata(rounded, method=method, axis=1)) for method in ("min", "max"))
    return np.stack([first - 1, last - first + 1]).astype(np.float64)


def _right(one: Scored, truth: np.ndarray) -> np.ndarray:
    place = {item: column for column, item in enumerate(one.items)}
    return np.array([place[item] for item in truth[one.test].tolist()])


def _measure(name: str, ahead: np.ndarray, equal: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    if name == "pairwise":
        return _pairwise(ahead + (equal + 1) / 2, candidates)
    return np.clip((int(name.removeprefix("top-")) - ahead) / equal, 0, 1)


def _pairwise(rank: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    return 1 - (rank - 1) / (candidates - 1)


def _chance(name: str, candidates: np.ndarray) -> float:
    return 0.5 if name == "pairwise" else float((int(name.removeprefix("top-")) / candidates).mean())


def _p_values(
    scored: Sequence[Scored],
    truth: np.ndarray,
    names: Sequence[str],
    means: np.ndarray,
    permutations: int,
    seed: int,
) -> list[float]:
    """One-sided; see `grounding.brain.significance.kept`."""
    tables: dict[tuple[str, ...], np.ndarray] = {}
    for one in scored:
        key = tuple(one.items)
        tables[key] = tables.get(key, 0) + _table(one, truth, names)
    generator = np.random.default_rng(seed)
    null = np.zeros((permutations, len(names)))
    for family in families(list(tables)):
        union = sorted(set().union(*family))
        places = {items: np.searchsorted(union, list(items)) for items in family}
        back = np.zeros(len(union), dtype=np.int64)
        for number in range(permutations):
            order = generator.permutation(len(union))
            for items, own in places.items():
                back[own] = np.arange(len(own))
                null[number] += tables[items][:, np.arange(len(own)), back[within(order, own)]].sum(1)
    total = sum(len(one.test) for one in scored)
    return kept_p(null / total, means).tolist()


def families(sets: Sequence[tuple[str, ...]]) -> list[list[tuple[str, ...]]]:
    """Sets of items that hang together by shared items, such as those of subjects of whom some lack a word."""
    found: list[list[tuple[str, ...]]] = []
    for one in sets:
        shares = [family for family in found if any(not set(one).isdisjoint(other) for other in family)]
        found = [family for family in found if family not in shares]
        found.append([one, *(other for family in shares for other in family)])
    return found


def within(order: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Where a permutation takes each of the chosen places if what leads out of them is followed until it returns.

    It is a permutation of the chosen places, as random as ``order`` is; for nearly the same places it is nearly the
    same.

    Args:
        order: (n,) a permutation.
        chosen: (m,) places.
    """
    outside = np.ones(len(order), dtype=bool)
    outside[chosen] = False
    image = order[chosen]
    while (away := outside[image]).any():
        image[away] = order[image[away]]
    return image


def _table(one: Scored, truth: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """(measures, items, items): the sum over the rows whose item is i of each measure, had j been the right one."""
    (ahead, equal), right = standing(one.similarity), _right(one, truth)
    table = np.zeros((len(names), len(one.items), len(one.items)))
    for k, name in enumerate(names):
        np.add.at(table[k], right, _measure(name, ahead, equal, np.array(len(one.items))))
    return table
