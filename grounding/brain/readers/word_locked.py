"""Stretches of a recording around the onsets of words."""

from collections.abc import Mapping, Sequence

import numpy as np

from grounding.brain.readers.sentences import word_type
from grounding.brain.recording import Epochs, Recording, Run
from grounding.brain.rows import Rows
from grounding.errors import DataError, InputError


def word_epochs(
    recording: Recording,
    first: float = -0.2,
    last: float = 0.8,
    *,
    baseline: tuple[float, float] | None = None,
    reject: float | None = None,
    bad: Mapping[str, Sequence[tuple[float, float]]] | None = None,
) -> Epochs:
    """Cut a window around each word's onset, out of the word's own run.

    The N400 is then ``word_epochs(recording, baseline=(-0.1, 0)).mean(0.3, 0.5)``. The onset falls on the nearest
    sample, so lags are true to half a sample.

    Args:
        first: seconds from the onset to the window's first lag; negative before it.
        last: to its last.
        baseline: take off each channel's mean over these lags, both included.
        reject: drop a word whose window has a channel that spans more than this from trough to peak, in the
            recording's units (100e-6 for 100 µV). Measured before the baseline is taken off, which changes no span.
        bad: stretches by run, in seconds on the transcript's clock; a word whose window touches one is dropped.

    Returns:
        Epochs; ``rows.word`` are the words without the marks around them, and ``dropped`` counts the words left out
        because their window leaves the run, is rejected, or touches a bad stretch.

    Raises:
        DataError: a run without transcript, or no word left; the counts by reason are told.
        InputError: an empty window, runs of different rates, or a baseline outside the window.

    Example:
        >>> epochs = word_epochs(read_bids("study"), baseline=(-0.1, 0.0), reject=100e-6)
        >>> epochs.mean(0.3, 0.5).data.shape     # words by channels
    """
    rates = sorted({run.rate for run in recording.runs})
    if len(rates) > 1:
        raise InputError(f"epochs: runs at {rates[0]:g} and {rates[-1]:g} samples a second; bring them to one rate")
    if not first < last:
        raise InputError(f"epochs: window {first:g} to {last:g} s, expected the first before the last")
    steps = np.arange(round(first * rates[0]), round(last * rates[0]) + 1)
    lags = steps / rates[0]
    baselined = None if baseline is None else _baseline(lags, baseline)
    parts, rows = [], []
    dropped: dict[str, int] = {}
    for run in recording.runs:
        if run.transcript is None:
            raise DataError(f"run {run.name!r}: it has no transcript, expected word onsets; see with_transcripts")
        data, kept, reasons = _of_run(run, steps, reject, () if bad is None else bad.get(run.name, ()))
        for reason, count in reasons.items():
            dropped[reason] = dropped.get(reason, 0) + count
        if baselined is not None:
            data -= data[:, :, baselined].mean(axis=2, keepdims=True)
        if len(kept):
            parts.append(data)
            words = [word_type(run.transcript.words[place]) for place in kept.tolist()]
            rows.append(
                Rows.of_run(
                    run.name,
                    run.transcript.onsets[kept],
                    index=kept,
                    story=run.story,
                    subject=run.subject,
                    word=words,
                )
            )
    if not parts:
        why = "; ".join(f"{count} {reason}" for reason, count in dropped.items()) or "the transcripts are empty"
        raise DataError(f"epochs: no word is left ({why})")
    return Epochs(
        data=np.concatenate(parts),
        lags=lags,
        rows=Rows.joined(rows),
        channels=recording.channels,
        kind=recording.kind,
        synthetic=recording.synthetic,
        positions=recording.positions,
        dropped=dropped,
        excluded=recording.excluded,
    )


def _of_run(
    run: Run, steps: np.ndarray, reject: float | None, bad: Sequence[tuple[float, float]]
) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """(n, C, L) float32, places (n,) of the words in the transcript, and how many were dropped by reason."""
    assert run.transcript is not None
    at = np.round((run.transcript.onsets - run.start) * run.rate).astype(np.int64)
    kept = np.flatnonzero((at + steps[0] >= 0) & (at + steps[-1] < len(run.data)))
    dropped = {"the window leaves the run": len(at) - len(kept)}
    touched = np.zeros(len(kept), dtype=bool)
    for begin, end in bad:
        from_lag, to_lag = ((at[kept] + step) / run.rate + run.start for step in (steps[0], steps[-1]))
        touched |= (from_lag <= end) & (to_lag >= begin)
    dropped["the window touches a bad stretch"] = int(touched.sum())
    kept = kept[~touched]
    data = np.empty((len(kept), run.data.shape[1], len(steps)), dtype=np.float32)
    for row, place in enumerate(at[kept].tolist()):
        data[row] = run.data[place + steps[0] : place + steps[-1] + 1].T
    if reject is not None:
        too_wide = (np.ptp(data, axis=2) > reject).any(axis=1)
        dropped[f"a channel spans more than {reject:g}"] = int(too_wide.sum())
        data, kept = data[~too_wide], kept[~too_wide]
    return data, kept, {reason: count for reason, count in dropped.items() if count}


def _baseline(lags: np.ndarray, baseline: tuple[float, float]) -> np.ndarray:
    chosen = (lags >= baseline[0] - 1e-9) & (lags <= baseline[1] + 1e-9)
    if not chosen.any() or baseline[0] < lags[0] - 1e-9 or baseline[1] > lags[-1] + 1e-9:
        raise InputError(
            f"epochs: baseline {baseline[0]:g} to {baseline[1]:g} s, expected within the window, {lags[0]:g} to "
            f"{lags[-1]:g} s"
        )
    return chosen
