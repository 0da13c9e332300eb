"""Training of a `CharacterLM` on a corpus, from scratch, that survives being killed."""

import hashlib
import json
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from grounding.errors import DataError
from grounding.files import unwritable, write_atomically
from grounding.text.contextual.character_lm import CharacterLM, CharacterLMSettings
from grounding.text.contextual.two_way_lstm import DIRECTIONS, Dropout
from grounding.text.corpus import Corpus

log = logging.getLogger(__name__)

FORMAT = "grounding-character-lm-1"
LARGEST_GRADIENT = 1.0
ORDER, DROPOUT = range(2)


def train(
    corpus: Corpus,
    settings: CharacterLMSettings = CharacterLMSettings(),
    *,
    run: Path | str,
    seed: int = 0,
) -> CharacterLM:
    """Train a `CharacterLM` to predict each word of a corpus from those before it, and from those after it.

    Documents are cut into segments, each read as a text of its own. The loss is the mean over words and both
    directions of −log p(word | what was read); Adam (Kingma and Ba, 2015) with warm-up, a cosine to zero, and
    gradients of norm 1 at most.

    The folder `run` gets what `CharacterLM.load` reads, `trainer.safetensors` (weights, Adam's means, step) and
    `metrics.jsonl`: mean perplexity a word since the last line, forward and backward, and words a second. Called again
    with the same arguments after a kill at any moment, it goes on from the last checkpoint to the same weights as an
    uninterrupted run (bit-equal with one thread); a finished run is read back.

    Raises:
        DataError: a damaged checkpoint, a folder with a run on other data or settings, or a loss that is not finite.
        StorageError: the folder cannot be written; the last checkpoint is kept.
    """
    model = CharacterLM(corpus.vocabulary, settings, seed=seed)
    batches = Batches(corpus, settings, seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, fused=True)
    state = _Checkpoint(Path(run), model, optimizer, _identity(corpus, settings, seed))
    step = state.resume()
    if step < len(batches):
        # At once, so that a word that the file cannot hold is told before hours of training.
        model.words.save(state.run / "words.tsv")
        with _Progress(state.run, step, batches, settings.save_every) as progress:
            _loop(model, batches, optimizer, settings, seed, step, state, progress)
    return model.eval()


class Batches:
    """Which words of a corpus each step sees: a pure function of the seed and the step.

    Every epoch visits all segments in a new random order, in batches of segments of similar length.

    Args:
        corpus: what is read.
        settings: the size of segments and batches, and how many epochs.
        seed: of the order.
    """

    def __init__(self, corpus: Corpus, settings: CharacterLMSettings, seed: int) -> None:
        self.corpus = corpus
        self.settings = settings
        self.seed = seed
        self.starts, self.lengths = _segments(corpus.starts, settings.segment)
        self.steps = math.ceil(len(self.starts) / settings.batch)
        self._epoch = -1
        self._order: list[np.ndarray] = []

    def __len__(self) -> int:
        return self.steps * self.settings.epochs

    def __getitem__(self, step: int) -> list[list[str]]:
        """The texts of a step."""
        epoch, place = divmod(step, self.steps)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._ordered(epoch)
        words = self.corpus.vocabulary.words
        chosen = self._order[place]
        pairs = zip(self.starts[chosen].tolist(), self.lengths[chosen].tolist(), strict=True)
        return [[words[token] for token in self.corpus.tokens[start : start + length]] for start, length in pairs]

    def _ordered(self, epoch: int) -> list[np.ndarray]:
        """The segments of each batch of an epoch."""
        random = np.random.default_rng([self.seed, ORDER, epoch])
        order = random.permutation(len(self.starts))
        # Stable, so that segments of one length stay in random order.
        order = order[np.argsort(self.lengths[order], kind="stable")]
        batches = [order[start : start + self.settings.batch] for start in range(0, len(order), self.settings.batch)]
        return [batches[place] for place in random.permutation(len(batches))]


def _segments(starts: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Where segments begin, and their lengths: each document in equal parts of at most `longest` words."""
    words = np.diff(starts)
    parts = -(-words // longest)
    document = np.repeat(np.arange(len(words)), parts)
    part = np.arange(len(document)) - np.repeat(np.cumsum(parts) - parts, parts)
    begins, ends = (words[document] * edge // parts[document] for edge in (part, part + 1))
    return starts[document] + begins, ends - begins


def _loop(
    model: CharacterLM,
    batches: Batches,
    optimizer: torch.optim.Optimizer,
    settings: CharacterLMSettings,
    seed: int,
    start: int,
    state: "_Checkpoint",
    progress: "_Progress",
) -> None:
    for step in range(start, len(batches)):
        model.train()
        words = batches[step]
        number = int(np.random.SeedSequence([seed, DROPOUT, step]).generate_state(1, np.uint64)[0] >> 1)
        dropout = Dropout(settings.dropout, number) if settings.dropout else None
        losses = model.losses(words, model.texts(words), dropout).mean(1)
        if not bool(torch.isfinite(losses).all()):
            raise DataError(
                f"{state.run}: loss {losses.tolist()} found at step {step + 1}, expected finite numbers; start a new "
                f"run with a learning rate below {settings.learning_rate}"
            )
        optimizer.zero_grad(set_to_none=True)
        losses.mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), LARGEST_GRADIENT)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _schedule(step, settings.warmup, len(batches))
        optimizer.step()
        done = step + 1
        progress.add(sum(map(len, words)), losses.detach())
        if done % settings.save_every == 0 or done == len(batches):
            progress.write(done, optimizer.param_groups[0]["lr"])
            state.save(done)


def _schedule(step: int, warmup: int, steps: int) -> float:
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def _identity(corpus: Corpus, settings: CharacterLMSettings, seed: int) -> str:
    """What must be the same for a run to go on."""
    digest = hashlib.sha256(np.ascontiguousarray(corpus.tokens).tobytes())
    digest.update(corpus.starts.tobytes())
    digest.update("\n".join(corpus.vocabulary.words).encode("utf-8", "surrogatepass"))
    return json.dumps(asdict(settings) | {"seed": seed, "corpus": digest.hexdigest()[:32]}, sort_keys=True)


@dataclass
class _Checkpoint:
    """The state of a run on disk; `trainer.safetensors` alone decides where to go on."""

    run: Path
    model: CharacterLM
    optimizer: torch.optim.Optimizer
    identity: str

    @property
    def file(self) -> Path:
        return self.run / "trainer.safetensors"

    def save(self, step: int) -> None:
        from safetensors.torch import save

        tensors = dict(self._tensors())
        about = {"format": FORMAT, "step": str(step), "identity": self.identity}
        write_atomically(self.file, save(tensors, about))
        self.model.save(self.run)

    def resume(self) -> int:
        """The step to go on from, with everything as it was then; 0 when there is no checkpoint."""
        from safetensors import SafetensorError, safe_open

        if not self.file.is_file():
            return 0
        remedy = f"delete {self.file} to train from the start"
        try:
            with safe_open(self.file, "pt") as stored:
                about = stored.metadata() or {}
                if about.get("format") == FORMAT and about.get("identity") == self.identity:
                    self._restore({name: stored.get_tensor(name) for name in stored.keys()})
                    step = int(about["step"])
                else:
                    step = -1
        except (OSError, SafetensorError, RuntimeError, KeyError, ValueError) as error:
            raise DataError(f"{self.file}: damaged, not readable as a checkpoint ({error}); {remedy}") from error
        if step < 0:
            raise DataError(
                f"{self.file}: a run on other data or settings found, {about.get('identity')}, expected "
                f"{self.identity}; use another run folder, the same settings, or {remedy}"
            )
        # A kill between the two writes of a checkpoint leaves the model one checkpoint behind.
        self.model.save(self.run)
        log.info("%s: going on from step %d", self.file, step)
        return step

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for name, parameter in self.model.named_parameters():
            yield f"weights.{name}", parameter.detach()
            for key, value in self.optimizer.state[parameter].items():
                yield f"{key}.{name}", value

    def _restore(self, tensors: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(tensors[f"weights.{name}"])
                keys = ("step", "exp_avg", "exp_avg_sq")
                self.optimizer.state[parameter] = {key: tensors[f"{key}.{name}"].clone() for key in keys}


class _Progress:
    """A bar with words a second and perplexities, and `metrics.jsonl`; lines after `step` are dropped."""

    def __init__(self, run: Path, step: int, batches: Batches, every: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.file = run / "metrics.jsonl"
        if self.file.is_file():
            lines = self.file.read_bytes().splitlines(keepends=True)
            write_atomically(self.file, b"".join(lines[: step // every]))
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[numbers]}"),
            refresh_per_second=2,
        )
        self._task = self._bar.add_task("training", total=len(batches), completed=step, numbers="")
        self._restart()

    def _restart(self) -> None:
        self._began, self._words, self._losses = time.monotonic(), 0, torch.zeros(2, dtype=torch.float64)

    def __enter__(self) -> "_Progress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def add(self, words: int, losses: Tensor) -> None:
        """Take in a step."""
        self._words += words
        self._losses += words * losses
        self._bar.advance(self._task)

    def write(self, step: int, learning_rate: float) -> None:
        """Write and show the numbers since the last line."""
        perplexities = (self._losses / self._words).exp().tolist()
        rate = self._words / max(time.monotonic() - self._began, 1e-9)
        numbers = {
            "step": step,
            **{f"perplexity/{direction}": value for direction, value in zip(DIRECTIONS, perplexities, strict=True)},
            "learning rate": learning_rate,
            "words per second": rate,
        }
        forward, backward = perplexities
        shown = f"perplexity {forward:.0f}, {backward:.0f}; {rate:,.0f} words/s"
        self._bar.update(self._task, numbers=shown)
        try:
            with self.file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(numbers) + "\n")
        except OSError as error:
            raise unwritable(self.file, error) from error
        self._restart()
