"""The encoding model: an embedding's features to responses, with the audit as part of every result."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from grounding.brain.encoding.controls import confounds, default_controls, default_random
from grounding.brain.encoding.fitting import Alphas
from grounding.brain.encoding.nesting import autocorrelation_margin, inner_folds, outer_folding
from grounding.brain.encoding.one_fold import Competitors, FoldFitter
from grounding.brain.encoding.result import EncodingResult
from grounding.brain.encoding.spaces import Space
from grounding.brain.encoding.targets import as_responses, usable_targets
from grounding.brain.folds import ByWordType, Contiguous, Folding
from grounding.brain.recording import Features, Recording, Responses
from grounding.errors import InputError

Copies = Sequence[Features] | Callable[[int], Features]
# Of random vectors, and of untrained copies where a function makes them.
COPIES = 3


@dataclass(frozen=True)
class EncodingModel:
    """Settings of a linear encoding model and of its audit; `fit` does both.

    Each outer fold is predicted by models that saw none of its rows: means, scales, principal components, the width of
    the autocorrelation model, band weights and penalties are learnt or chosen in the training rows alone, the last
    three by inner folds of the same kind. Beside the embedding, the same is done for everything that could explain its
    score away. The unique variance is what the embedding adds to all of that jointly: r² of banded ridge with the
    embedding less r² of banded ridge without (variance partitioning: Lescroart, Stansbury & Gallant 2015; a penalty for
    each space: Dupré la Tour et al. 2022). The full model may always choose to leave the embedding out, and both try
    the same weights of the other spaces, so that a difference is the embedding's. It may come out negative.

    Attributes:
        features: of the embedding, a row a sample (or a word) of each run, before any delay.
        controls: what varies with any stimulus: word rate, position, sound; a `Space` where one is not to be delayed
            like the embedding. None builds word rate and position from transcripts or words; an empty sequence goes
            without, and the result warns. The runs' confounds always join them.
        random: features with an arbitrary vector for each word, a copy a seed. None builds three, as wide as the
            embedding (or `components`); an empty sequence goes without, and the result warns.
        untrained: features of untrained copies of the model, or a function of a seed that makes them; the default goes
            without, and the result warns.
        delays: samples by which features are moved to later rows, inside each run, such as (1, 2, 3, 4) at a TR of 2 s.
        folds: "contiguous" (five stretches with a gap of the longest delay plus the rows after which responses have
            forgotten themselves), or a folding such as LeaveOneOut("run").
        inner: number of inner folds.
        alphas: penalties to choose from for each target, on the scale of sklearn, or "auto".
        components: principal components of the embedding, the random vectors and the untrained copies, before delays.
        draws: band weights that the joint models try.
        permutations: for p-values; 0 for none.
        seed: of band weights, random vectors and permutations.

    Raises:
        InputError: no delay, one twice, or numbers that are too small.

    Example:
        >>> model = EncodingModel(layer, delays=(1, 2, 3, 4))
        >>> result = model.fit(recording)
        >>> print(result.audit())
    """

    features: Features
    controls: Sequence[Features | Space] | None = None
    random: Sequence[Features] | None = None
    untrained: Copies = ()
    delays: tuple[int, ...] = (0,)
    folds: Folding | Literal["contiguous"] = "contiguous"
    inner: int = 5
    alphas: Alphas = "auto"
    components: int | None = None
    draws: int = 10
    permutations: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.delays or len(set(self.delays)) != len(self.delays):
            raise InputError(f"delays: {self.delays}, expected one or more different numbers of samples, such as (0,)")
        for name, least in (("inner", 2), ("draws", 1), ("permutations", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name}: {getattr(self, name)}, expected at least {least}")
        if 0 < self.permutations < 19:
            raise InputError(f"permutations: {self.permutations}, expected 0 or at least 19, below which no p is 0.05")

    def fit(self, recording: Recording | Responses) -> EncodingResult:
        """Score the embedding and its audit on held-out rows.

        It takes the time of about 10 + 3 · draws ridge regressions a fold, and keeps out-of-fold predictions of three
        models, 12 bytes a row and target.

        Args:
            recording: or responses made from one, such as `Epochs.mean(0.3, 0.5)`.

        Returns:
            Scores of every model for each target that is neither constant nor has NaN; the others are in `excluded`.

        Raises:
            DataError: no usable target, or a transcript that does not fit its run.
            InputError: features that do not fit the runs, or folds that leave nothing to train on.
        """
        from grounding.brain.encoding.assembly import assembled, with_significance

        responses, excluded = as_responses(recording)
        rows = responses.rows
        longest = max(abs(delay) for delay in self.delays)
        limit = max(1, len(rows) // 20)
        margin = autocorrelation_margin(responses.data, rows, limit)
        outer = outer_folding(self.folds, self.delays, margin)
        folds = outer.split(rows)
        kept, unusable = usable_targets(responses, folds)
        data = responses.data if len(kept) == len(responses.targets) else responses.data[:, kept]
        models = self._competitors(recording)
        fits = []
        for fold in folds:
            inner = inner_folds(outer, rows.take(fold.train), self.inner, longest + margin)
            fits.append(FoldFitter(rows, data, fold, inner, self.alphas, self.draws, self.seed).fit(models))
        found = assembled(self.features.name, responses, kept, folds, models, fits)
        notes = (*found.notes, *self._notes(recording, margin, limit))
        result = replace(found, excluded={**excluded, **unusable}, notes=notes)
        return with_significance(result, rows, folds, self.permutations, self.seed) if self.permutations else result

    def _competitors(self, recording: Recording | Responses) -> Competitors:
        controls = default_controls(recording) if self.controls is None else self.controls
        width = min(self.components or self.features.width, self.features.width)
        seeds = [self.seed + copy for copy in range(COPIES)]
        random = default_random(recording, width, seeds) if self.random is None else self.random
        untrained = [self.untrained(seed) for seed in seeds] if callable(self.untrained) else self.untrained
        return Competitors(
            embedding=self._space(self.features),
            controls=(
                *(one if isinstance(one, Space) else Space(one, self.delays) for one in controls),
                *confounds(recording),
            ),
            random=tuple(self._space(one) for one in random),
            untrained=tuple(self._space(one) for one in untrained),
        )

    def _notes(self, recording: Recording | Responses, margin: int, limit: int) -> tuple[str, ...]:
        notes = []
        if self.folds == "contiguous" and margin >= limit:
            notes.append(
                f"responses still remember themselves after {limit} rows, so the gap around test rows may be too "
                "short: clean the runs first (`grounding.brain.readers.cleaned`), or hold out whole runs"
            )
        longest = max(abs(delay) for delay in self.delays)
        if isinstance(self.folds, Contiguous | ByWordType) and self.folds.purge < longest + margin:
            notes.append(
                f"the gap of {self.folds.purge} rows is shorter than the longest delay, {longest}, and the {margin} "
                "rows for which responses remember themselves: test rows share noise with training rows, and every "
                f"score may be inflated; choose purge={longest + margin}, or folds='contiguous'"
            )
        if isinstance(recording, Recording) and 0 < sum(run.confounds is not None for run in recording.runs) < len(
            recording.runs
        ):
            notes.append("confounds of some runs only were found and are not among the controls")
        return tuple(notes)

    def _space(self, features: Features) -> Space:
        return Space(features, self.delays, self.components)
