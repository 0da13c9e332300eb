"""Results of brain analyses as chapters of a report: what was asked, what came of it, figures and tables."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grounding.reports.brain.figures import (
    curves_figure,
    heat_figure,
    scores_figure,
)
from grounding.reports.chapter import Chapter, Grid, Picture

if TYPE_CHECKING:
    from grounding.brain.decoding import Classification, Decoding
    from grounding.brain.geometry import SimilarityAnalysis, ZeroShot
    from grounding.brain.sweeps import LagByLayer, LayerContext, LayerLag

SYNTHETIC = "Synthetic recording: a generator made it, and nothing here says anything about brains."
MEASURES = {"spearman": "Spearman's ρ", "kendall": "Kendall's τ", "pearson": "Pearson's r"}
SHUFFLED = "Shuffled folds: neighbours of test rows were trained on, and every score is inflated."


def layers_chapter(
    sweep: "LayerLag",
    found: "LagByLayer | None",
    controls: Mapping[str, "LagByLayer"],
    channels: str = "all channels",
    chosen: Sequence[str] = (),
) -> Chapter:
    """Which layer predicts when, and whether deeper layers come later.

    Args:
        sweep: layers by channels by lags.
        found: peak lags of the layers; None where there are too few layers to relate depth and lag.
        controls: the same of layers whose order or content was taken away, by name.
        channels: which the peaks were averaged over, in words.
        chosen: their names; all if none is given.
    """
    places = [sweep.channels.index(name) for name in chosen or sweep.channels]
    mean = sweep.scores[:, places].mean(1)
    lags = [f"{1000 * lag:.0f}" for lag in sweep.lags]
    shown = np.unique(np.linspace(0, len(sweep.layers) - 1, min(5, len(sweep.layers))).astype(int))
    curves = {sweep.layers[n]: mean[n] for n in shown}
    rows = [
        [
            name,
            "–" if np.isnan(one.correlation) else f"{one.correlation:.2f}",
            f"{one.p:.2g}",
            ", ".join(f"{1000 * lag:.0f}" for lag in one.lags),
        ]
        for name, one in {"the layers": found, **controls}.items()
        if one is not None
    ]
    grids = [Grid(["features", "r of depth and lag", "p", "peak lags, ms"], rows, "Depth against peak lag")]
    return Chapter(
        "Which layer, when?",
        f"Encoding of {channels} by every layer at every lag after word onset; {sweep.folds}. The peak of each layer "
        "is marked."
        + (
            " Neighbouring layers are alike, so that an order of lags may arise by itself and p is optimistic. "
            "Controls: scrambled layers hold the same vectors without their depth; layers on the straight line from "
            "the first to the last have depth and nothing of what lies between."
            if found is not None
            else ""
        ),
        verdict=_depth_verdict(sweep, mean, found, controls),
        badge=SYNTHETIC if sweep.synthetic else "",
        content=[
            Picture.drawn(
                lambda theme: heat_figure(mean, sweep.layers, lags, theme, labels=("layer", "ms after word onset")),
                f"Correlation of held-out predictions, mean over {len(places)} channels.",
            ),
            Picture.drawn(
                lambda theme: curves_figure(
                    curves, 1000 * sweep.lags, theme, labels=("ms after word onset", "correlation r")
                ),
                "The same as curves" + (", some layers." if len(shown) < len(sweep.layers) else "."),
            ),
            *(grids if found is not None else []),
        ],
    )


def _depth_verdict(
    sweep: "LayerLag", mean: np.ndarray, found: "LagByLayer | None", controls: Mapping[str, "LagByLayer"]
) -> str:
    """Whether deeper layers peak later, no stronger than the controls allow."""
    if found is None:
        layer, lag = np.unravel_index(mean.argmax(), mean.shape)
        return (
            f"Highest: {sweep.layers[layer]} at {1000 * sweep.lags[lag]:.0f} ms, r = {mean[layer, lag]:.3f} (picked "
            "among all, so a little too high)."
        )
    if not np.isfinite(found.correlation):
        return "All layers peak at the same lag."
    told = f"r = {found.correlation:.2f} of depth and peak lag, p = {found.p:.2g} by permutation of layers"
    if found.p >= 0.05:
        return f"No relation of depth and peak lag is shown ({told})."
    order = "later" if found.correlation > 0 else "earlier"
    # A control that shows the same order makes it no finding about the layers.
    rivals = [
        f"{name} (r = {one.correlation:.2f})"
        for name, one in controls.items()
        if one.p < 0.05 and one.correlation * found.correlation > 0
    ]
    but = f"; but so do {' and '.join(rivals)}, so that it says little about the layers between" if rivals else ""
    return f"Deeper layers peak {order} ({told}){but}."


def context_chapter(grid: "LayerContext") -> Chapter:
    """How layers and lengths of context predict, mean over targets."""
    mean = grid.scores.mean(2)
    layer, context = np.unravel_index(mean.argmax(), mean.shape)
    return Chapter(
        "How much context, which layer?",
        f"Encoding of {len(grid.targets)} targets by every layer with every length of context; {grid.folds}. The best "
        "cell was found on the rows that it is scored on, so its score is a little too high.",
        verdict=f"Highest: {grid.layers[layer]} with {grid.contexts[context]}, r = {mean[layer, context]:.3f}.",
        badge=SYNTHETIC if grid.synthetic else "",
        content=[
            Picture.drawn(
                lambda theme: heat_figure(mean, grid.layers, grid.contexts, theme, labels=("layer", "context")),
                "Correlation of held-out predictions, mean over targets.",
            )
        ],
    )


def decoding_chapter(title: str, explanation: str, found: Mapping[str, "Decoding"]) -> Chapter:
    """What can be told from the recording, by decoder and dull control.

    Args:
        title: the question.
        explanation: what was decoded, and from what.
        found: by name, the decoder that matters first, then its controls.
    """
    rows = []
    for name, one in found.items():
        for measure, rate in one.rates.items():
            p = "–" if np.isnan(rate.p) else f"{rate.p:.2g}"
            rows.append(
                [name, measure, f"{rate.value:.3f}", f"{rate.low:.3f} to {rate.high:.3f}", f"{rate.chance:.3f}", p]
            )
    first = next(iter(found.values()))
    rate = first.rates["pairwise"]
    return Chapter(
        title,
        f"{explanation}\n\n{first.folds}; {len(first.rank)} patterns among {first.candidates.mean():.0f} candidates; "
        f"intervals over {first.resampled}s.",
        verdict=f"Pairwise accuracy {rate} with {first.decoder}.",
        badge=badge(first),
        content=[Grid(["decoder", "measure", "rate", "95 % interval", "chance", "p"], rows)],
    )


def zero_shot_chapter(where: str, vectors: str, control: str, found: "ZeroShot", tokens: int) -> Chapter:
    """Maps between word vectors and patterns, over words never trained with.

    Args:
        where: whose recording.
        vectors: what the words' vectors are.
        control: what the static vectors of the result are.
        found: scores both ways.
        tokens: how many words were averaged into the patterns.
    """
    rows = [
        [
            direction,
            control if method == "static vectors" else method,
            name,
            f"{one.estimate.value:.3f}",
            f"{one.estimate.low:.3f} to {one.estimate.high:.3f}",
            f"{one.chance:.3f}",
            "–" if one.p is None or np.isnan(one.p) else f"{one.p:.2g}",
        ]
        for direction, methods in found.scores.items()
        for method, scores in methods.items()
        for name, one in scores.items()
    ]
    # Where most answers are among the k best by chance, being among them says nothing.
    rows = [row for row in rows if not (row[2].startswith("top") and float(row[5]) > 0.5)]
    area = found.scores["word to brain"]["map"]["roc auc"]
    gain = found.difference("word to brain")
    low, high = found.candidates
    notes = [Grid(["what to know before believing it"], [[note] for note in found.notes])] if found.notes else []
    return Chapter(
        f"Words never trained with, {where}",
        f"{tokens:,} words of {found.words} types; vectors: {vectors}; {found.folds}. Each word competes with the "
        f"{low} to {high} of its fold. “Nearest training word” answers with the pattern of the training word that is "
        "nearest in word space: a map that is no better copies, it does not interpolate (Goldstein et al., 2024).",
        verdict=(
            f"ROC-AUC of predicted patterns {area.estimate.value:.3f} ({area.estimate.low:.3f} to "
            f"{area.estimate.high:.3f}), chance 0.5; its lead over copying the nearest training word is "
            f"{gain.value:.3f} ({gain.low:.3f} to {gain.high:.3f})."
        ),
        badge=SYNTHETIC if found.synthetic else "",
        content=[Grid(["direction", "method", "score", "value", "95 % interval", "chance", "p"], rows), *notes],
    )


def classification_chapter(title: str, found: "Classification") -> Chapter:
    """Which of a few categories, with the table of confusions."""
    shares = found.confusion / np.maximum(found.confusion.sum(1, keepdims=True), 1)
    return Chapter(
        title,
        f"{found.classifier}; {found.folds}; {len(found.actual)} patterns.",
        verdict=f"Accuracy {found.accuracy}.",
        badge=badge(found),
        content=[
            Picture.drawn(
                lambda theme: heat_figure(
                    shares, found.categories, found.categories, theme, labels=("seen", "predicted"), value="share"
                ),
                "Share of each category's patterns that were taken for each category; a row's most frequent answer is "
                "marked.",
            )
        ],
    )


def similarity_chapter(what: str, found: Mapping[str, "SimilarityAnalysis"], synthetic: bool) -> Chapter:
    """Models against the dissimilarities of one or more regions.

    Args:
        what: what was compared, in words.
        found: by region.
        synthetic: whether a generator made the recording.
    """
    models = list(next(iter(found.values())).models)
    scores = {m: np.array([one.models[m].score.value for one in found.values()]) for m in models}
    bounds = {
        m: (
            np.array([one.models[m].score.low for one in found.values()]),
            np.array([one.models[m].score.high for one in found.values()]),
        )
        for m in models
    }
    first = next(iter(found.values()))
    measure = MEASURES.get(first.method, first.method)
    ceiling = None if first.ceiling is None else np.array([one.ceiling[0] for one in found.values() if one.ceiling])
    rows = []
    for region, analysis in found.items():
        for name, one in analysis.models.items():
            reach = "–" if analysis.ceiling is None else f"{analysis.ceiling[0]:.3f} to {analysis.ceiling[1]:.3f}"
            score = [f"{one.score.value:.3f}", f"{one.score.low:.3f} to {one.score.high:.3f}"]
            rows.append([region, name, *score, f"{one.p_corrected:.2g}", reach])
    best = {region: max(one.models.items(), key=lambda pair: pair[1].score.value) for region, one in found.items()}
    verdict = "; ".join(
        f"{region}: {name} {one.score.value:.3f} (p = {one.p_corrected:.2g}, corrected over models)"
        for region, (name, one) in best.items()
    )
    return Chapter(
        "Does the brain tell things apart as a model does?",
        f"{what}. Dissimilarities of {first.conditions} conditions compared by {measure}; 95 % "
        f"intervals over {first.resampled}; p-values by permuting conditions, corrected over the models of a region"
        f"{f', not over {len(found)} regions' if len(found) > 1 else ''}.".replace(
            "correlation correlation", "correlation"
        ),
        verdict=f"Highest: {verdict}.",
        badge=SYNTHETIC if synthetic else "",
        content=[
            Picture.drawn(
                lambda theme: scores_figure(
                    scores, list(found), theme, intervals=bounds, ceiling=ceiling, label=measure
                ),
                "Agreement of each model with each region, with 95 % intervals"
                + ("; the line is the lower noise ceiling." if ceiling is not None else "."),
            ),
            Grid(["region", "model", measure, "95 % interval", "p", "noise ceiling"], rows),
        ],
    )


def badge(result: Any) -> str:
    """What must stand above a result: that the recording is synthetic, or the folds shuffled."""
    return " ".join(text for text, said in ((SYNTHETIC, result.synthetic), (SHUFFLED, result.shuffled)) if said)
