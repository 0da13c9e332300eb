"""``grounding demo``: everything from nothing to a report, in one command."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Demo:
    """Collect demonstrations, train the space, index, evaluate on unseen objects and write the report.

    A chapter of the report holds embeddings against brain recordings: synthetic ones, and a real one where
    GROUNDING_DATA names the folder of real data sets.

    Run again after an interruption, it goes on where it stopped.
    """

    run: Path = Path("runs/demo")
    """Folder for everything; report.html ends up in it."""
    demonstrations: tuple[int, ...] = (100, 100, 100, 240)
    """Demonstrations of OpenDrawer, PressButton, TurnKnob and PlaceInBin, or one number for all."""
    heldout: int = 30
    """Held-out demonstrations of each task, for the retrieval table."""
    steps: int = 300
    """Training steps."""
    episodes: int = 80
    """Episodes a split for ours."""
    baseline_episodes: int = 40
    """Episodes a split for each other method."""
    wordings: Path | None = None
    """TOML file of instruction templates in place of the test wordings."""
    seed: int = 0
    """Of demonstrations, training and evaluation."""
    workers: int = 2
    """Parallel processes."""


EVALUATION_SEEDS = 100_000
HELDOUT_SEEDS = 50_000


def run(settings: Demo) -> None:
    """Runs the stages; each one skips what is done."""
    from grounding.cli import collect, evaluate, index, train
    from grounding.cli.brain.chapters import brain_chapters

    data, heldout = settings.run / "demonstrations", settings.run / "heldout"
    evaluation = evaluate.Evaluate(
        run=settings.run,
        out=settings.run,
        episodes=settings.episodes,
        baseline_episodes=settings.baseline_episodes,
        wordings=settings.wordings,
        heldout=heldout,
        seed=settings.seed + EVALUATION_SEEDS,
        workers=settings.workers,
    )
    # Minutes pass before these are used.
    evaluate.plan(evaluation)
    evaluate.read_wordings(settings.wordings, evaluation.tasks)
    clock = _Clock(settings.run / "seconds.json")
    with clock.stage("collect"):
        collect.run(
            collect.Collect(data=data, episodes=settings.demonstrations, seed=settings.seed, workers=settings.workers)
        )
        collect.run(
            collect.Collect(
                data=heldout,
                episodes=(settings.heldout,),
                split="novel-instance",
                wordings="test",
                missing_image=0.0,
                missing_cloud=0.0,
                seed=settings.seed + HELDOUT_SEEDS,
                workers=settings.workers,
            )
        )
    with clock.stage("train"):
        train.run(train.Train(data=data, run=settings.run, steps=settings.steps, seed=settings.seed))
    with clock.stage("index"):
        index.run(index.Index(run=settings.run))
    with clock.stage("brain"):
        chapters = brain_chapters(settings.run, settings.seed)
    with clock.stage("evaluate") as seconds:
        evaluate.evaluate(evaluation, seconds, chapters)


class _Clock:
    """Seconds spent on each stage, kept on disk so that a demo run again still tells how long its work took."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _read(self) -> dict[str, float]:
        import json

        from grounding.errors import DataError

        try:
            return {name: float(spent) for name, spent in json.loads(self.path.read_text()).items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DataError(
                f"{self.path}: cannot be read ({error}); expected the seconds of each stage as JSON; delete the file, "
                "the stages done so far then count as having taken no time"
            ) from error

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[Callable[[], float]]:
        """Times a stage; yields what tells the seconds of all stages so far, this one included."""
        import json
        import time

        from grounding.files import write_atomically

        began = time.monotonic()

        def spent() -> dict[str, float]:
            seconds = self._read()
            # A stage that was finished before takes next to no time and must not hide what it took then.
            return {**seconds, name: max(seconds.get(name, 0.0), time.monotonic() - began)}

        # A file that cannot be read is to be known before the work, not after it.
        spent()
        yield lambda: sum(spent().values())
        write_atomically(self.path, json.dumps(spent()))
