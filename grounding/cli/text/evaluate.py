"""``grounding text evaluate``: vectors of words and sentences against what people judged."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grounding.text.static.embedding import StaticEmbedding

Row = dict[str, Any]


@dataclass(frozen=True)
class Evaluate:
    """Hold vectors against tests: word similarity, analogies, sentence similarity, translation."""

    vectors: Path | None = None
    """Word vectors: a folder of `grounding text train`, or a file in word2vec, GloVe or fastText format."""
    similarity: tuple[Path, ...] = ()
    """Files of `word1 word2 score`, such as WordSim-353 and MEN."""
    analogies: tuple[Path, ...] = ()
    """Files of `a b c d`, or one folder of them."""
    vocabulary: int | None = None
    """Ask analogies among so many of the most frequent words; all when left out."""
    encoder: str | None = None
    """A sentence encoder: a name, its folder, or a folder of word vectors, which are then averaged (a
    sentence of unknown words alone counts as unlike any other)."""
    sentences: tuple[Path, ...] = ()
    """Files of `sentence1,sentence2,score`, such as the STS benchmark."""
    parallel: tuple[Path, Path] | None = None
    """Two files of which line i of one translates line i of the other."""
    target: Path | None = None
    """Word vectors of another language, in the same space."""
    dictionary: Path | None = None
    """Translations from the language of `vectors` to that of `target`, one a line."""
    seed: int = 0
    """Seed of the resamples that give the 95 % intervals."""
    json: bool = False
    """Print JSON instead of a table."""


def run(settings: Evaluate) -> None:
    """Prints one table, or a list of the same rows as JSON."""
    from grounding.cli.text.output import scores_table, show
    from grounding.cli.text.vectors import read_vectors
    from grounding.errors import InputError

    of_words = settings.similarity or settings.analogies or settings.dictionary
    of_sentences = settings.sentences or settings.parallel
    if not of_words and not of_sentences:
        raise InputError(
            "evaluate: no test found; give --similarity, --analogies or --dictionary for --vectors, or --sentences or "
            "--parallel for --encoder"
        )
    rows: list[Row] = []
    if of_words:
        if settings.vectors is None:
            raise InputError("evaluate: tests of words found, expected --vectors to hold against them")
        rows += _words(read_vectors(settings.vectors), settings)
    if of_sentences:
        if settings.encoder is None:
            raise InputError("evaluate: tests of sentences found, expected --encoder to hold against them")
        rows += _sentences(settings.encoder, settings)
    show(settings.json, rows, scores_table(rows))


def _words(embedding: "StaticEmbedding", settings: Evaluate) -> Iterator[Row]:
    from grounding.datasets.language import read_analogies, read_word_similarity
    from grounding.text.evaluation import analogies, word_similarity

    for file in settings.similarity:
        found = word_similarity(embedding, read_word_similarity(file), seed=settings.seed)
        yield _row(file.name, "Spearman", found.spearman, found.covered, found.total)
    if settings.analogies:
        several = settings.analogies if len(settings.analogies) > 1 else settings.analogies[0]
        sections = read_analogies(several)
        for method in ("add", "mul"):
            answers = analogies(embedding, sections, method=method, vocabulary=settings.vocabulary, seed=settings.seed)
            measure = f"3Cos{method.capitalize()}"
            for name, part in answers.sections.items():
                if part.covered:
                    yield _row(name, measure, part.share, part.covered, part.total)
            yield _row("all analogies", measure, answers.overall.share, answers.overall.covered, answers.overall.total)
    if settings.dictionary is not None:
        yield from _translations(embedding, settings, settings.dictionary)


def _translations(embedding: "StaticEmbedding", settings: Evaluate, dictionary: Path) -> Iterator[Row]:
    from grounding.cli.text.vectors import read_vectors
    from grounding.datasets.language import read_dictionary
    from grounding.errors import InputError
    from grounding.text.evaluation import dictionary_induction

    if settings.target is None:
        raise InputError("evaluate: --dictionary found, expected --target, vectors of the other language, beside it")
    target = read_vectors(settings.target)
    if target.width != embedding.width:
        raise InputError(
            f"target: vectors of width {target.width} found, expected {embedding.width} as of --vectors; align them "
            "first, see grounding.alignment"
        )
    found = dictionary_induction(
        *(embedding.matrix, target.matrix, embedding.words.index, target.words.index, read_dictionary(dictionary)),
        seed=settings.seed,
    )
    for k, share in found.precision.items():
        yield _row(dictionary.name, f"precision at {k}, CSLS", share, found.covered, found.total)


def _sentences(name: str, settings: Evaluate) -> Iterator[Row]:
    from grounding.datasets.language import read_parallel, read_sentence_similarity
    from grounding.text import SentenceEncoder
    from grounding.text.evaluation import sentence_retrieval, sentence_similarity

    encoder = SentenceEncoder(name, unknown="zeros")
    for file in settings.sentences:
        pairs = read_sentence_similarity(file)
        alike = sentence_similarity(
            encoder.encode(pairs.first), encoder.encode(pairs.second), pairs.scores, seed=settings.seed
        )
        yield _row(file.name, "Pearson", alike.pearson, alike.pairs, alike.pairs)
        yield _row(file.name, "Spearman", alike.spearman, alike.pairs, alike.pairs)
    if settings.parallel is not None:
        first, second = read_parallel(*settings.parallel)
        found = sentence_retrieval(encoder.encode(first), encoder.encode(second), seed=settings.seed)
        names = [file.name for file in settings.parallel]
        for place, share in ((" → ".join(names), found.forward), (" → ".join(names[::-1]), found.backward)):
            yield _row(place, f"precision at 1 (chance {found.chance:.4f})", share, found.pairs, found.pairs)


def _row(test: str, measure: str, estimate: Any, covered: int, total: int) -> Row:
    return {
        "test": test,
        "measure": measure,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "covered": covered,
        "total": total,
    }
