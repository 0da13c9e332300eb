"""``grounding evaluate``: how often, how fast and how directly a run's policy succeeds, beside its baselines."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grounding.library import Library
    from grounding.policies.evaluation import Player
    from grounding.policies.results import Episode


@dataclass(frozen=True)
class Evaluate:
    """Play episodes on objects never demonstrated, with the policy and its baselines, and write a report.

    Run again after an interruption, it plays only what is missing.
    """

    run: Path = Path("runs/demo")
    """Folder of a trained and indexed run."""
    out: Path | None = None
    """Folder for episodes.jsonl, summary.json and report.html; the folder evaluation in the run's if not given."""
    tasks: tuple[str, ...] = ("OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin")
    """Tasks to play."""
    splits: tuple[str, ...] = ("novel-instance", "novel-shape")
    """Objects to meet: train, novel-instance, novel-shape."""
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


def run(settings: Evaluate) -> None:
    """Plays, prints the summary and writes the report."""
    import time

    evaluate(settings, began=time.monotonic(), before=0.0)


def evaluate(settings: Evaluate, began: float, before: float) -> None:
    """Plays what is missing and writes the report; ``before`` seconds were spent ahead of ``began``."""
    import time

    from rich.console import Console

    from grounding.cli.index import load_library
    from grounding.datasets.lerobot import read
    from grounding.policies.evaluation import Player
    from grounding.reports import Report, print_summary, write_report
    from grounding.reports.assembly import filmstrips, lead, worth_filming

    wordings = read_wordings(settings.wordings, settings.tasks)
    out = settings.out or settings.run / "evaluation"
    library = load_library(settings.run)
    player = Player(settings.run, load_library, wordings)
    episodes = _play_missing(settings, player, out, _identity(settings, wordings, library))
    retrieval: dict[str, Any] = {}
    laid_flat = None
    if settings.heldout is not None:
        retrieval, laid_flat = _retrieval(library, read(settings.heldout))
    films = filmstrips(worth_filming(episodes), player.play)
    report = Report(
        title="A robot told in words, acting on objects it has never seen",
        lead=lead(episodes, len(library)),
        episodes=episodes,
        seconds=before + time.monotonic() - began,
        demonstrations=len(library),
        retrieval=retrieval,
        space_map=laid_flat,
        filmstrips=films,
        settings={"evaluate": asdict(settings), "wordings": dict(wordings) or "test"},
        seeds={"first evaluation scene": settings.seed},
    )
    path = write_report(out, report)
    console = Console()
    print_summary(console, report.summary())
    console.print(f"report: {path}")


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
        raise InputError(f"{path}: cannot be read as TOML ({error}); expected lines like OpenDrawer = [...]") from error
    check_wordings(wordings, tasks)
    return wordings


def _identity(settings: Evaluate, wordings: Mapping[str, list[str]], library: "Library") -> dict[str, Any]:
    """What must be the same for episodes played before to count now."""
    return {
        "seed": settings.seed,
        "wordings": dict(wordings),
        "space": library.space.fingerprint(),
        "library": len(library),
    }


def _play_missing(settings: Evaluate, player: "Player", out: Path, identity: dict[str, Any]) -> list["Episode"]:
    import json

    from rich.progress import Progress

    from grounding.files import atomic
    from grounding.policies.evaluation import jobs, play_all
    from grounding.policies.results import append_episode, read_episodes

    counts = {name: settings.episodes if name == "ours" else settings.baseline_episodes for name in settings.methods}
    planned = jobs(counts, settings.splits, settings.tasks, settings.seed)
    log, origin = out / "episodes.jsonl", out / "evaluation.json"
    if not origin.exists() or json.loads(origin.read_text()) != identity:
        log.unlink(missing_ok=True)
        out.mkdir(parents=True, exist_ok=True)
        with atomic(origin) as temporary:
            temporary.write_text(json.dumps(identity))
    done = {episode.key for episode in read_episodes(log)}
    missing = [job for job in planned if job.key not in done]
    with Progress() as progress:
        bar = progress.add_task("evaluating", total=len(planned), completed=len(planned) - len(missing))
        for episode, _ in play_all(missing, player, settings.workers if missing else 1):
            append_episode(log, episode)
            progress.advance(bar)
    wanted = {job.key for job in planned}
    return [episode for episode in read_episodes(log) if episode.key in wanted]


def _retrieval(library: "Library", demonstrations: list[Any]) -> tuple[dict[str, Any], Any]:
    from grounding.library.samples import samples
    from grounding.reports.assembly import space_map
    from grounding.space import evaluate as evaluate_space

    whole = [one for one in samples(demonstrations) if len(one) == 5]
    table = evaluate_space(library.space, whole).as_dict()  # type: ignore[arg-type]
    data: dict[str, list[Any]] = {
        "text": [one["text"][0] for one in whole],
        "image": [one["image"][0] for one in whole],
        "points": [one["points"] for one in whole],
        "trajectory": [one["trajectory"] for one in whole],
    }
    return table, space_map(library.space.encode(**data), [one["id"].partition(" ")[0] for one in whole])
