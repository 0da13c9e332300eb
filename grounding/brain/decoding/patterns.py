"""What is decoded: averages of repetitions, standardised runs, and what the order of trials alone tells."""

from dataclasses import replace

import numpy as np

from grounding.brain.recording import Epochs, Responses
from grounding.brain.rows import Rows
from grounding.errors import DataError, InputError


def flattened(epochs: Epochs) -> Responses:
    """Epochs (n, C, L) as patterns (n, C L): every channel at every lag."""
    targets = tuple(f"{channel} {lag:+.3f} s" for channel in epochs.channels for lag in epochs.lags.tolist())
    data = epochs.data.reshape(len(epochs.data), -1)
    return Responses(data, epochs.rows, targets, epochs.kind, epochs.synthetic, epochs.excluded)


def standardised(patterns: Responses) -> Responses:
    """Each channel with mean 0 and standard deviation 1 over the rows of its run.

    It takes out what differs between runs and subjects whatever the stimulus. It looks at no label and at no other
    run; of a subject that is held out it uses that subject's own unlabelled patterns, as is usual.

    Raises:
        DataError: a channel is constant or not finite in a run.
    """
    data = np.empty(patterns.data.shape, dtype=np.float32)
    for run, places in patterns.rows.runs().items():
        values = patterns.data[places].astype(np.float64)
        mean, spread = values.mean(0), values.std(0)
        if (bad := np.flatnonzero(~(np.isfinite(spread) & (spread > 0)))).size:
            raise DataError(
                f"run {run!r}: {patterns.targets[bad[0]]!r} is constant or not finite, "
                f"one of {len(bad)} such; leave these channels out"
            )
        data[places] = (values - mean) / spread
    return replace(patterns, data=data)


def averaged(patterns: Responses, parts: int = 1) -> Responses:
    """The mean pattern of each word, as it is spelt, in each of ``parts`` consecutive stretches of a run.

    Runs stay apart; for one mean of each word type over all runs of a subject see
    `grounding.brain.geometry.average_repetitions`.

    The rows of a stretch form a run of their own, named "RUN, part 1" where there are several, with the words in
    alphabetical order; ``rows.time`` is the mean of the rows that were averaged. Averages of different stretches share
    no trial, so whole stretches can be held out.

    Raises:
        InputError: rows that are no words, or fewer rows in a run than parts.

    Example:
        >>> folds = Within(LeaveOneOut("run"))
        >>> decode(averaged(standardised(trials), parts=5), vectors, folds)
    """
    rows = patterns.rows
    if rows.word is None:
        raise InputError("averaged: the rows are no words; expected rows with words to average over")
    data, made = [], []
    for run, places in rows.runs().items():
        if not 1 <= parts <= len(places):
            raise InputError(f"parts: {parts} found, expected 1 to {len(places)}, the rows of run {run!r}")
        for number, stretch in enumerate(np.array_split(places, parts), start=1):
            words, group, counts = np.unique(rows.word[stretch], return_inverse=True, return_counts=True)
            sums = np.zeros((len(words), patterns.data.shape[1]))
            np.add.at(sums, group, patterns.data[stretch])
            times = np.bincount(group, rows.time[stretch]) / counts
            data.append((sums / counts[:, None]).astype(np.float32))
            made.append(
                Rows.of_run(
                    run if parts == 1 else f"{run}, part {number}",
                    times,
                    story=str(rows.story[stretch[0]]),
                    subject=str(rows.subject[stretch[0]]),
                    word=words.tolist(),
                )
            )
    return replace(patterns, data=np.concatenate(data), rows=Rows.joined(made))


def order_only(patterns: Responses, powers: int = 3) -> Responses:
    """The same rows with nothing but their place in the run: powers of time, from -1 to 1 over the run.

    What can be decoded from it owes nothing to the brain: the order of the trials told it.
    """
    data = np.empty((len(patterns.rows), powers), dtype=np.float32)
    for places in patterns.rows.runs().values():
        time = patterns.rows.time[places]
        middle, half = (time.min() + time.max()) / 2, max(np.ptp(time) / 2, np.finfo(np.float64).tiny)
        data[places] = ((time - middle) / half)[:, None] ** np.arange(1, powers + 1)
    targets = tuple(f"time ** {power}" for power in range(1, powers + 1))
    return replace(patterns, data=data, targets=targets)
