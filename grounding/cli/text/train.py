"""``grounding text train``: word vectors from text files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from tyro.conf import subcommand

from grounding.text.static.fasttext import FastText, FastTextSettings
from grounding.text.static.glove import GloVe, GloVeSettings
from grounding.text.static.one_hot import OneHot, OneHotSettings
from grounding.text.static.ppmi import PPMI, PPMISettings
from grounding.text.static.word2vec import Word2Vec, Word2VecSettings

if TYPE_CHECKING:
    from grounding.text.corpus import Corpus

Model = (
    Annotated[Word2VecSettings, subcommand("word2vec", description="skip-gram or CBOW (Mikolov et al. 2013)")]
    | Annotated[FastTextSettings, subcommand("fasttext", description="with subwords (Bojanowski et al. 2017)")]
    | Annotated[GloVeSettings, subcommand("glove", description="co-occurrence fit (Pennington et al. 2014)")]
    | Annotated[PPMISettings, subcommand("ppmi", description="PPMI and truncated SVD (Levy and Goldberg 2015)")]
    | Annotated[OneHotSettings, subcommand("one-hot", description="an axis a word: the dull baseline")]
)

CLASSES: dict[type, Any] = {kind.Settings: kind for kind in (Word2Vec, FastText, GloVe, PPMI, OneHot)}  # type: ignore[misc]


@tyro.conf.configure(tyro.conf.OmitArgPrefixes)
@dataclass(frozen=True)
class Train:
    """Train word vectors on text files: `grounding text train word2vec --text books/*.txt.gz --run runs/words`.

    The text is read and encoded once, into `corpus` of the run. Type the same command again to go on after a kill.
    """

    model: Model
    """What to train, and how."""
    text: tuple[str, ...] = ()
    """Files, folders and patterns of UTF-8 text, plain or .gz; at least one."""
    run: Path = Path("runs/words")
    """Folder for the corpus, checkpoints and vectors."""
    unit: Literal["line", "file"] = "line"
    """A document is a line or a file; windows do not reach across."""
    phrases: int = 0
    """How many times to join frequent pairs of words, such as new_york, before training."""
    seed: int = 0
    """Seed of all that is random."""


def run(settings: Train) -> None:
    """Trains, and says what came of it."""
    from rich.console import Console

    from grounding.errors import InputError
    from grounding.text.corpus import Corpus

    if settings.seed < 0:
        raise InputError(f"seed: {settings.seed} found, expected a number of at least 0")
    if not settings.text:
        raise InputError("train: no text found; give files, folders or patterns, such as --text books/*.txt.gz")
    if settings.phrases < 0:
        raise InputError(f"phrases: {settings.phrases} found, expected 0 or more passes")
    _check_run(settings)
    console = Console(stderr=True)
    corpus = Corpus.build(settings.text, settings.run / "corpus", unit=settings.unit, progress=console.is_terminal)
    corpus = _with_phrases(corpus, settings.phrases)
    console.print(f"{len(corpus.tokens):,} words, {len(corpus.vocabulary):,} different, {len(corpus):,} documents")
    train = CLASSES[type(settings.model)].train
    embedding = train(corpus, settings.model, settings.seed, settings.run, console.is_terminal)
    console.print(f"{len(embedding):,} vectors of width {embedding.width:,} are in {settings.run}")


def _check_run(settings: Train) -> None:
    """Refuse to write over the vectors of another kind."""
    from grounding.errors import DataError
    from grounding.settings import read_settings
    from grounding.text.static.embedding import Header

    header, wanted = settings.run / "embedding.toml", CLASSES[type(settings.model)].__name__
    if header.is_file() and (kind := read_settings(Header, header).kind) != wanted:
        raise DataError(f"{settings.run}: {kind} vectors found, expected none or {wanted}; choose another --run folder")


def _with_phrases(corpus: "Corpus", passes: int) -> "Corpus":
    from grounding.text.phrases import ENGLISH_CONNECTORS, find_phrases, join_phrases

    for _ in range(passes):
        corpus = join_phrases(corpus, find_phrases(corpus, connectors=ENGLISH_CONNECTORS))
    return corpus
