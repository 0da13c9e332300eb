"""From an evaluation to what its report shows: the lead, the map of the space and the filmstrips."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from grounding.policies.evaluation import Job
from grounding.policies.results import ALL, Episode, summarise
from grounding.reports.content import Filmstrip, SpaceMap

FRAMES = 6
MOST_FAILURES = 6


def lead(episodes: Sequence[Episode], demonstrations: int) -> str:
    """What ran and what came of it, in plain sentences."""
    success = summarise(episodes)["success"]
    if list(success) == ["expert"]:
        return (
            "A simulated robot arm did what it was told in words, led by scripted experts that know the scene: what "
            "follows is a ceiling for policies that only see it."
        )
    found = [
        f"{_percent(tasks[ALL]['rate'])} of {tasks[ALL]['n']} attempts on {_SPLIT_WORDS.get(split, split)}"
        for split, tasks in success.get("ours", {}).items()
    ]
    opening = (
        "A simulated robot arm was told in words what to do with an object it had never met. It searched "
        f"{demonstrations} demonstrations through one embedding space of words, pictures, point clouds and "
        "trajectories, fitted the best motion to the part it took the words to mean, and carried it out."
    )
    return f"{opening}\n\nIt succeeded in {' and '.join(found)}." if found else opening


_SPLIT_WORDS = {
    "train": "objects like those of the demonstrations",
    "novel-instance": "objects in combinations of kind, colours and size not demonstrated, told in new wordings",
    "novel-shape": "objects whose very shapes were in no demonstration",
    "novel-category": "objects of another category than any demonstrated",
}


def space_map(vectors: Mapping[str, np.ndarray], tasks: Sequence[str], seed: int = 0) -> SpaceMap:
    """The space laid flat by t-SNE (van der Maaten and Hinton 2008) of cosine distances.

    Args:
        vectors: modality -> (n, dim) unit vectors of the same n held-out demonstrations.
        tasks: the task of each demonstration.
        seed: of the projection.
    """
    from sklearn.manifold import TSNE

    stacked = np.concatenate(list(vectors.values()))
    perplexity = min(30.0, (len(stacked) - 1) / 3)
    flat = TSNE(metric="cosine", init="random", perplexity=perplexity, random_state=seed).fit_transform(stacked)
    return SpaceMap(
        positions=np.asarray(flat, np.float64),
        tasks=list(tasks) * len(vectors),
        modalities=[name for name in vectors for _ in tasks],
        caption=(
            f"{len(tasks)} held-out demonstrations, each once a modality, laid flat by t-SNE of cosine distances. "
            "Where different marks of one colour lie together, the space has joined words, pictures, clouds and "
            "motions."
        ),
    )


def worth_filming(episodes: Iterable[Episode]) -> list[Job]:
    """The episodes of "ours" to show: the first success of every task and split, and up to six failures."""
    seen: set[tuple[str, str]] = set()
    successes, failures = [], []
    for episode in sorted((one for one in episodes if one.method == "ours"), key=lambda one: one.key):
        job = Job(*episode.key, film=True)
        if not episode.success:
            failures.append((episode.failure, job))
        elif (episode.task, episode.split) not in seen:
            seen.add((episode.task, episode.split))
            successes.append(job)
    return successes + _varied(failures)


def filmstrips(jobs: Iterable[Job], play: Callable[[Job], tuple[Episode, list[np.ndarray]]]) -> list[Filmstrip]:
    """Plays the jobs once more, which gives the same episodes, and keeps a few pictures of each."""
    strips = []
    for job in jobs:
        episode, frames = play(job)
        kept = [frames[index] for index in np.linspace(0, len(frames) - 1, FRAMES).round().astype(int)]
        ending = "" if episode.success else f" Failed: {episode.failure}."
        motion = f" Motion of {episode.retrieved}." if episode.retrieved else ""
        caption = f"{job.task}, {job.split}: “{episode.instruction}”.{motion}{ending}"
        strips.append(Filmstrip(kept, caption, episode.success))
    return strips


def _varied(failures: list[tuple[str | None, Job]]) -> list[Job]:
    """Up to six failures, first one of every task and reason."""
    first: dict[Any, Job] = {}
    for reason, job in failures:
        first.setdefault((job.task, reason), job)
    chosen = list(first.values())
    return (chosen + [job for _, job in failures if job not in chosen])[:MOST_FAILURES]


def _percent(rate: float) -> str:
    return f"{100 * rate:.0f} %"
