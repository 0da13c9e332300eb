"""A result as plain rows, as JSON and as files."""

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grounding.brain.encoding.names import EMBEDDING, FULL, OTHERS
from grounding.brain.significance import Significance
from grounding.files import atomic, write_atomically

if TYPE_CHECKING:
    from grounding.brain.encoding.result import EncodingResult
    from grounding.brain.encoding.subjects import SubjectsResult


def target_rows(result: "EncodingResult") -> list[dict[str, object]]:
    """One row of plain values for each target: every model's scores, ceiling, unique variance, p-values, folds."""
    columns = {f"{model} {score}": result.score(model, score) for model in result.scores for score in ("r", "r2")}
    columns["unique r2"] = result.unique
    for name, interval in (("embedding r", result.interval()), ("unique r2", result.interval("unique"))):
        columns |= {f"{name} low": interval.low, f"{name} high": interval.high}
    for name, test in (("r", result.significance), ("unique r2", result.unique_significance)):
        columns |= {} if test is None else _p_columns(name, test)
    normalised = result.normalised_r()
    if result.ceiling is not None and normalised is not None:
        columns |= {"ceiling of r": result.ceiling, "embedding r / ceiling": normalised}
    # Penalties differ by orders of magnitude, so their mean is geometric.
    columns["alpha"] = np.exp(np.log(result.alphas).mean(0))
    return _as_rows(result, columns)


def subject_rows(result: "SubjectsResult") -> list[dict[str, object]]:
    """One row of plain values for each target that all subjects have: means, intervals and tests over subjects."""
    columns: dict[str, np.ndarray] = {}
    for model, score in (*((model, score) for model in (*result.parts, OTHERS, FULL) for score in ("r", "r2")),
                         ("unique", "r2")):  # fmt: skip
        interval, test = result.interval(model, score), result.test(model, score)
        columns[f"{model} {score}"] = interval.estimate
        columns |= {f"{model} {score} low": interval.low, f"{model} {score} high": interval.high}
        if model in (EMBEDDING, "unique") and test is not None:
            columns |= _p_columns(f"{model} {score}", test)
    return _as_rows(result, columns)


def _p_columns(name: str, test: Significance) -> dict[str, np.ndarray]:
    return {
        f"p of {name}": test.p,
        f"p of {name}, family-wise": test.family_wise,
        f"p of {name}, false discovery rate": test.false_discovery_rate,
    }


def _as_rows(result: "EncodingResult | SubjectsResult", columns: dict[str, np.ndarray]) -> list[dict[str, object]]:
    marks = {"folds": result.folds, "shuffled": result.shuffled, "synthetic": result.synthetic}
    return [
        {"target": target, **{name: _plain(values[place]) for name, values in columns.items()}, **marks}
        for place, target in enumerate(result.targets)
    ]


def plain(result: "EncodingResult") -> dict[str, object]:
    """Everything but predictions as values that JSON can hold."""
    return {
        "label": result.label,
        "features": result.name,
        "kind": result.kind,
        "synthetic": result.synthetic,
        "shuffled": result.shuffled,
        "folds": result.folds,
        "rows": len(result.tested),
        "models": {name: list(parts) for name, parts in result.parts.items()},
        "means": {
            model: {score: interval_dict(result.mean_interval(model, score)) for score in ("r", "r2")}
            for model in result.scores
        },
        "unique": interval_dict(result.mean_interval("unique")),
        "p of r": _significance(result.significance),
        "p of unique": _significance(result.unique_significance),
        "ceiling": result.ceiling_method or None,
        "share of penalties at the edge": _plain(result.at_edge),
        "excluded": dict(result.excluded),
        "warnings": list(result.warnings),
        "verdict": result.verdict,
        "targets": target_rows(result),
    }


def plain_subjects(result: "SubjectsResult") -> dict[str, object]:
    """Everything but predictions as values that JSON can hold."""
    return {
        "label": result.label,
        "features": result.name,
        "subjects": list(result.results),
        "synthetic": result.synthetic,
        "shuffled": result.shuffled,
        "models": {name: list(parts) for name, parts in result.parts.items()},
        "means": {
            model: {score: interval_dict(result.mean_interval(model, score)) for score in ("r", "r2")}
            for model in (*result.parts, OTHERS, FULL)
        },
        "unique": interval_dict(result.mean_interval("unique")),
        "r of each subject": dict(zip(result.results, map(_plain, result.means()), strict=True)),
        "unique of each subject": dict(zip(result.results, map(_plain, result.means("unique")), strict=True)),
        "warnings": list(result.warnings),
        "verdict": result.verdict,
        "targets": result.table() if result.targets else [],
    }


def save_subjects(result: "SubjectsResult", folder: Path) -> None:
    """Write ``result.json``, ``scores.csv`` and a folder a subject."""
    for name, one in result.results.items():
        save(one, folder / name)
    if result.targets:
        write_csv(folder / "scores.csv", result.table())
    write_json(folder / "result.json", plain_subjects(result))


def interval_dict(interval: Any) -> dict[str, object]:
    """An interval of one number as plain values."""
    return {
        "estimate": _plain(interval.estimate),
        "low": _plain(interval.low),
        "high": _plain(interval.high),
        "interval": interval.description,
    }


def save(result: "EncodingResult", folder: Path) -> None:
    """Write ``scores.csv``, ``scores.npz`` and ``result.json``."""
    write_csv(folder / "scores.csv", target_rows(result))
    arrays = {f"{model} {key}": getattr(scores, key) for model, scores in result.scores.items() for key in ("r", "r2")}
    arrays |= {f"{model} predictions": values for model, values in result.predictions.items()}
    arrays |= {
        "targets": np.array(result.targets),
        "alphas": result.alphas,
        "actual": result.actual,
        "places": result.places,
        "run": result.tested.run,
        "index": result.tested.index,
        "unique": result.unique_by_fold,
    }
    if result.ceiling is not None:
        arrays["ceiling"] = result.ceiling
    for name, significance in (("r", result.significance), ("unique", result.unique_significance)):
        if significance is not None:
            arrays |= {f"{name} p": significance.p, f"{name} p family-wise": significance.family_wise}
    with atomic(folder / "scores.npz") as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)
    write_json(folder / "result.json", plain(result))


def write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    """Rows with the same columns as a table; what is not finite is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue())


def write_json(path: Path, content: dict[str, object]) -> None:
    """As JSON that any reader takes, without NaN."""
    write_atomically(path, json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def _significance(significance: Significance | None) -> dict[str, object] | None:
    if significance is None:
        return None
    return {
        "targets below 0.05": int((significance.p < 0.05).sum()),
        "targets below 0.05, family-wise": int((significance.family_wise < 0.05).sum()),
        "test": significance.description,
    }


def _plain(value: Any) -> float | None:
    number = float(np.squeeze(value))
    return number if math.isfinite(number) else None
