"""``grounding evaluate``: how often, how fast and how directly a run's policy succeeds, beside its baselines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grounding.library import Library
    from grounding.policies.evaluation import Job, Player
    from grounding.policies.results import Episode
    from grounding.reports import Chapter, SpaceMap


@dataclass(frozen=True)
class Evaluate:
    """Play episodes on objects never demonstrated, with the policy and its baselines, and write a report.

    Run again after an interruption, it plays only what is missing. The expert alone can be played without a run.
    """

    run: Path = Path("runs/demo")
    """Folder of a trained and indexed run, which every method but the expert needs."""
    out: Path | None = None
    """Folder for episodes.jsonl, summary.json and report.html; the folder evaluation in the run's if not given."""
    tasks: tuple[str, ...] = ("OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin")
    """Tasks to play; all for every one there is."""
    splits: tuple[str, ...] = ("novel-instance", "novel-shape")
    """Objects to meet: train, novel-instance, novel-shape, novel-category; or all."""
    methods: tuple[str, ...] = ("ours", "expert", "random", "text", "points", "image")
    """Methods to compare."""
    episodes: int = 80
    """Episodes a split for ours, over all tasks."""
    baseline_episodes: int = 40
    """Episodes a split for each other method."""
    wordings: Path | None = None
    """TOML file of instruction templates, task = [templates], in place of the test wordings."""
    heldout: Path | None = None
    """Data set of demonstrations that were not trained on, for the retrieval table and the map."""
    seed: int = 100_000
    """Seed of the first scene of each task."""
    workers: int = 2
    """Parallel processes."""
    dask: str | None = None
    """Address of a Dask scheduler whose workers play instead, as launch/dask.sh prints it; all must see the run."""


def run(settings: Evaluate) -> None:
    """Plays, prints the summary and writes the report."""
    import time

    began = time.monotonic()
    evaluate(settings, lambda: time.monotonic() - began)


def evaluate(settings: Evaluate, seconds: Callable[[], float], chapters: "Sequence[Chapter]" = ()) -> None:
    """Plays what is missing and writes the report, which says how many ``seconds`` all of it took.

    Args:
        settings: what to play.
        seconds: how long everything took so far.
        chapters: further ones for the report.
    """
    from rich.console import Console

    from grounding.cli.index import load_library
    from grounding.cli.train import Train
    from grounding.policies.evaluation import Player
    from grounding.reports import Report, print_summary, write_report
    from grounding.reports.assembly import filmstrips, lead, worth_filming
    from grounding.settings import read_settings

    # What can be wrong with the settings comes first: playing takes minutes.
    planned = plan(settings)
    tasks = tuple(dict.fromkeys(job.task for job in planned))
    wordings = read_wordings(settings.wordings, tasks)
    heldout = None if settings.heldout is None else _complete_samples(settings.heldout)
    out = settings.out or settings.run / "evaluation"
    needs_run = set(settings.methods) != {"expert"} or heldout is not None
    library = load_library(settings.run) if needs_run else None
    training = read_settings(Train, settings.run / "config.toml") if needs_run else None
    player = Player(settings.run, load_library, wordings)
    episodes = _play_missing(settings, planned, player, out, _identity(settings, wordings, library))
    retrieval, laid_flat = ({}, None) if library is None or heldout is None else _retrieval(library, heldout)
    films = filmstrips(worth_filming(episodes), player.play)
    demonstrations = 0 if library is None else len(library)
    seeds = {"first evaluation scene of each task": settings.seed}
    report = Report(
        title="A robot told in words, acting on objects it has never seen",
        lead=lead(episodes, demonstrations),
        episodes=episodes,
        seconds=seconds(),
        demonstrations=demonstrations,
        retrieval=retrieval,
        space_map=laid_flat,
        filmstrips=films,
        chapters=chapters,
        settings={
            "train": {} if training is None else asdict(training),
            "evaluate": asdict(settings),
            "wordings": dict(wordings) or "test",
        },
        seeds=seeds if training is None else {"training": training.seed, **seeds},
    )
    path = write_report(out, report)
    console = Console()
    print_summary(console, report.summary())
    console.print(f"report: {path}")


def plan(settings: Evaluate) -> list["Job"]:
    """All episodes of an evaluation.

    Raises:
        InputError: settings that cannot be played.
    """
    from grounding.errors import InputError
    from grounding.policies.evaluation import jobs, task_names
    from grounding.policies.results import ALL, SPLITS

    if settings.workers < 1:
        raise InputError(f"workers: {settings.workers} found, expected at least 1")
    counts = {name: settings.episodes if name == "ours" else settings.baseline_episodes for name in settings.methods}
    splits = SPLITS if settings.splits == (ALL,) else settings.splits
    tasks = task_names() if settings.tasks == (ALL,) else settings.tasks
    return jobs(counts, splits, tasks, settings.seed)


def read_wordings(path: Path | None, tasks: tuple[str, ...]) -> dict[str, list[str]]:
    """Instruction templates by task from a TOML file; none for no file.

    Raises:
        InputError: the file is missing, no TOML, or holds templates that do not fit.
    """
    import tomllib

    from grounding.errors import InputError
    from grounding.policies.evaluation import check_wordings

    if path is None:
        return {}
    try:
        wordings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read as TOML ({error}); expected lines like OpenDrawer = [...]; mend "
            "the file or its path"
        ) from error
    try:
        check_wordings(wordings, tasks)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return wordings


def _identity(settings: Evaluate, wordings: Mapping[str, list[str]], library: "Library | None") -> dict[str, Any]:
    """What must be the same for episodes played before to count now."""
    from dataclasses import fields

    from grounding.policies.results import Episode

    return {
        "seed": settings.seed,
        "wordings": dict(wordings),
        "space": None if library is None else library.space.fingerprint(),
        "library": 0 if library is None else len(library),
        "fields": [field.name for field in fields(Episode)],
    }


def _play_missing(
    settings: Evaluate, planned: list["Job"], player: "Player", out: Path, identity: dict[str, Any]
) -> list["Episode"]:
    import json

    from rich.progress import Progress

    from grounding.files import write_atomically
    from grounding.policies.evaluation import play_all
    from grounding.policies.results import append_episode, read_episodes

    log, origin = out / "episodes.jsonl", out / "evaluation.json"
    if _recorded(origin) != identity:
        _put_aside(log)
        write_atomically(origin, json.dumps(identity))
    done = {episode.key for episode in read_episodes(log)}
    missing = [job for job in planned if job.key not in done]
    with Progress() as progress:
        bar = progress.add_task("evaluating", total=len(planned), completed=len(planned) - len(missing))
        played = play_all(missing, player, settings.workers, settings.dask) if missing else ()
        for episode, _ in played:
            append_episode(log, episode)
            progress.advance(bar)
    wanted = {job.key for job in planned}
    return [episode for episode in read_episodes(log) if episode.key in wanted]


def _put_aside(log: Path) -> None:
    """Renames episodes of other settings, so that a new evaluation in the same folder loses none."""
    import itertools

    if log.exists():
        free = (log.with_name(f"episodes.{number}.jsonl") for number in itertools.count(1))
        kept = next(path for path in free if not path.exists())
        log.rename(kept)
        print(f"episodes of an evaluation with other settings are kept in {kept}")


def _recorded(origin: Path) -> Any:
    """What the episodes played before were played with; None where there are none."""
    import json

    from grounding.errors import DataError

    try:
        return json.loads(origin.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(
            f"{origin}: cannot be read ({error}); expected what the episodes beside it were played with, as JSON; "
            "delete the file to play them all again"
        ) from error


def _complete_samples(folder: Path) -> list[dict[str, Any]]:
    """The samples of a data set that have every modality."""
    from grounding.datasets.lerobot import read
    from grounding.errors import DataError
    from grounding.library.samples import samples

    demonstrations = read(folder)
    whole = [one for one in samples(demonstrations) if {"text", "image", "points", "trajectory"} <= one.keys()]
    if not whole:
        raise DataError(
            f"{folder}: none of {len(demonstrations)} demonstrations has both pictures and a cloud; expected some to "
            "compare modalities on; collect them with --missing-image 0 --missing-cloud 0"
        )
    return whole


def _retrieval(library: "Library", whole: list[dict[str, Any]]) -> tuple[dict[str, Any], "SpaceMap"]:
    from grounding.reports.assembly import space_map
    from grounding.space import evaluate as evaluate_space

    table = evaluate_space(library.space, whole).as_dict()  # type: ignore[arg-type]
    data: dict[str, list[Any]] = {
        "text": [one["text"][0] for one in whole],
        "image": [one["image"][0] for one in whole],
        "points": [one["points"] for one in whole],
        "trajectory": [one["trajectory"] for one in whole],
    }
    return table, space_map(library.space.encode(**data), [one["id"].partition(" ")[0] for one in whole])
