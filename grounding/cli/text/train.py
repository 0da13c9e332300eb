"""``grounding text train``: word vectors from text files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tyro.conf import subcommand

from grounding.text.static.fasttext import FastTextSettings
from grounding.text.static.glove import GloVeSettings
from grounding.text.static.one_hot import OneHotSettings
from grounding.text.static.ppmi import PPMISettings
from grounding.text.static.word2vec import Word2VecSettings

if TYPE_CHECKING:
    from grounding.text.corpus import Corpus

Model = (
    Annotated[Word2VecSettings, subcommand("word2vec", description="skip-gram or CBOW (Mikolov et al. 2013)")]
    | Annotated[FastTextSettings, subcommand("fasttext", description="with subwords (Bojanowski et al. 2017)")]
    | Annotated[GloVeSettings, subcommand("glove", description="co-occurrence fit (Pennington et al. 2014)")]
    | Annotated[PPMISettings, subcommand("ppmi", description="PPMI and truncated SVD (Levy and Goldberg 2015)")]
    | Annotated[OneHotSettings, subcommand("one-hot", description="an axis a word: the dull baseline")]
)


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
    from grounding.text.static.fasttext import FastText
    from grounding.text.static.glove import GloVe
    from grounding.text.static.one_hot import OneHot
    from grounding.text.static.ppmi import PPMI
    from grounding.text.static.word2vec import Word2Vec

    if not settings.text:
        raise InputError("train: no text found; give files, folders or patterns, such as --text books/*.txt.gz")
    if settings.phrases < 0:
        raise InputError(f"phrases: {settings.phrases} found, expected 0 or more passes")
    console = Console(stderr=True)
    corpus = Corpus.build(settings.text, settings.run / "corpus", unit=settings.unit, progress=console.is_terminal)
    corpus = _with_phrases(corpus, settings.phrases)
    console.print(f"{len(corpus.tokens):,} words, {len(corpus.vocabulary):,} different, {len(corpus):,} documents")
    for kind in (Word2Vec, FastText, GloVe):
        if isinstance(settings.model, kind.Settings):
            made = kind.train(corpus, settings.model, settings.seed, settings.run, console.is_terminal)
    for kind in (PPMI, OneHot):
        if isinstance(settings.model, kind.Settings):
            made = kind.train(corpus, settings.model, settings.seed)
    made.save(settings.run)
    console.print(f"{len(made):,} vectors of width {made.width:,} are in {settings.run}")


def _with_phrases(corpus: "Corpus", passes: int) -> "Corpus":
    from grounding.text.phrases import ENGLISH_CONNECTORS, find_phrases, join_phrases

    for _ in range(passes):
        corpus = join_phrases(corpus, find_phrases(corpus, connectors=ENGLISH_CONNECTORS))
    return corpus
