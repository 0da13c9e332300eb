"""Brain embeddings: for each word one vector of what a set of electrodes, sensors or voxels did after it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from grounding.brain.recording import Epochs, Recording, Responses, Run
from grounding.brain.rows import Rows, word_type
from grounding.errors import DataError, InputError

Channels = Sequence[str] | Mapping[str, Sequence[str]]
"""Names of channels, or regions: names of channels by the region's name."""


def brain_embedding(epochs: Epochs, *, first: float, last: float, channels: Channels | None = None) -> Responses:
    """The mean over a window after each word, for each channel or region (Goldstein et al. 2024).

    Args:
        epochs: n words by C channels by L lags.
        first: start of the window, in seconds after the word's onset, included.
        last: its end, included.
        channels: which channels, in this order, or regions, each of which becomes the mean of its channels; None for
            all channels. An electrode set chosen for how well it follows the stimulus must have been chosen from other
            rows than those that are tested.

    Returns:
        data (n, width) float32, with the channels or regions as targets.

    Raises:
        InputError: no lag in the window, or a channel that the epochs have not.

    Example:
        >>> frontal = brain_embedding(epochs, first=0.0, last=0.2, channels={"IFG": ["LF1", "LF2"]})
    """
    return select_channels(epochs.mean(first, last), channels)


def word_responses(recording: Recording, *, first: float, last: float, channels: Channels | None = None) -> Responses:
    """The mean of the samples between two delays after each word's onset, within the word's own run; for fMRI.

    The response to a word peaks 4 to 6 s after it, and the responses to neighbouring words overlap there: what this
    gives of running speech is the mean response to a stretch of words. Of separate trials it is the usual estimate
    where no general linear model was fitted.

    Args:
        recording: runs with transcripts.
        first: seconds after the onset, included.
        last: seconds after the onset, included.
        channels: as of `brain_embedding`.

    Returns:
        One row a word; ``rows.index`` is its place in the transcript. Words whose window holds no sample of the run,
        or reaches beyond the run's end, are left out.

    Raises:
        DataError: a run without a transcript, a channel with NaN, or no word left in any run.
    """
    parts, rows = [], []
    for run in recording.runs:
        if run.transcript is None:
            raise DataError(f"run {run.name!r}: no transcript found, expected one with the onsets of the words")
        if (bad := np.flatnonzero(~np.isfinite(run.data).all(axis=0))).size:
            raise DataError(
                f"run {run.name!r}: channel {recording.channels[bad[0]]!r} has NaN or infinity ({bad.size} channels "
                "have); leave such channels out"
            )
        begin, end = _windows(run, first, last)
        kept = np.flatnonzero(end > begin)
        if not len(kept):
            continue
        sums = np.vstack([np.zeros(run.data.shape[1]), np.cumsum(run.data, axis=0, dtype=np.float64)])
        parts.append((sums[end[kept]] - sums[begin[kept]]) / (end[kept] - begin[kept])[:, None])
        words = [run.transcript.words[i] for i in kept]
        times = run.transcript.onsets[kept]
        rows.append(Rows.of_run(run.name, times, index=kept, story=run.story, subject=run.subject, word=words))
    if not rows:
        raise DataError(f"recording: no word has samples {first} to {last} s after its onset; check the runs' starts")
    data = np.concatenate(parts).astype(np.float32)
    whole = Responses(
        data, Rows.joined(rows), recording.channels, recording.kind, recording.synthetic, recording.excluded
    )
    return select_channels(whole, channels)


def _windows(run: Run, first: float, last: float) -> tuple[np.ndarray, np.ndarray]:
    """For each word the first sample of its window and the one behind its last; equal where the run has it not."""
    assert run.transcript is not None
    if not first <= last:
        raise InputError(f"window: {first} to {last} s, expected the first delay in front of the last")
    # A word's onset that falls on a sample must count whichever way the division rounded.
    onsets = run.transcript.onsets - run.start
    begin = np.ceil((onsets + first) * run.rate - 1e-6).astype(np.int64)
    end = np.floor((onsets + last) * run.rate + 1e-6).astype(np.int64) + 1
    inside = (begin >= 0) & (end <= len(run.data))
    return np.where(inside, begin, 0), np.where(inside, end, 0)


def select_channels(responses: Responses, channels: Channels | None) -> Responses:
    """These channels of the responses in this order, or the means over these regions.

    Raises:
        InputError: a channel that there is not, none at all, or a region without any.
    """
    if channels is None:
        return responses
    regions = channels if isinstance(channels, Mapping) else {name: [name] for name in channels}
    if not regions:
        raise InputError("channels: none found, expected at least one")
    places = {name: place for place, name in enumerate(responses.targets)}
    columns = []
    for region, members in regions.items():
        if isinstance(members, str) or not len(members):
            raise InputError(f"channels: region {region!r} has {members!r}, expected a list of channels")
        if missing := [name for name in members if name not in places]:
            raise InputError(f"channels: {missing[0]!r} is not there; there are {', '.join(responses.targets[:20])}")
        columns.append(responses.data[:, [places[name] for name in members]].mean(axis=1))
    data = np.stack(columns, axis=1).astype(np.float32)
    return replace(responses, data=data, targets=tuple(regions))


def average_repetitions(responses: Responses, *, at_least: int = 1) -> tuple[Responses, np.ndarray]:
    """One row for each word type and subject: the mean over all its tokens, in any case, with any punctuation.

    Runs are lost; `grounding.brain.decoding.averaged` keeps them apart, so that they can be held out.

    Args:
        responses: word-locked rows.
        at_least: types with fewer tokens are left out.

    Returns:
        The means, whose words are `word_type`s in alphabetical order, one run a subject named "types SUBJECT";
        and how many tokens each is the mean of, int64.

    Raises:
        InputError: rows that are no words, or no type with so many tokens.
    """
    if responses.rows.word is None:
        raise InputError("average over repetitions: the rows are no words; use word-locked responses")
    words = np.array([word_type(word) for word in responses.rows.word.tolist()])
    data, rows, counts = [], [], []
    for subject in dict.fromkeys(responses.rows.subject.tolist()):
        of_subject = np.flatnonzero(responses.rows.subject == subject)
        types, group, count = np.unique(words[of_subject], return_inverse=True, return_counts=True)
        sums = np.zeros((len(types), responses.data.shape[1]))
        np.add.at(sums, group, responses.data[of_subject])
        kept = np.flatnonzero(count >= at_least)
        if not len(kept):
            continue
        data.append(sums[kept] / count[kept, None])
        counts.append(count[kept])
        name = f"types {subject}".strip()
        rows.append(Rows.of_run(name, np.arange(len(kept)), subject=subject, word=types[kept].tolist()))
    if not rows:
        raise InputError(f"average over repetitions: no word occurs {at_least} times; ask for fewer")
    means = np.concatenate(data).astype(np.float32)
    return replace(responses, data=means, rows=Rows.joined(rows)), np.concatenate(counts)
