import itertools
import math

import pytest
import torch
from torch import Tensor

from grounding.errors import InputError
from grounding.text.training import (
    CosineSimilarity,
    InBatchNegatives,
    Matryoshka,
    Triplet,
    cosine_similarity_loss,
    in_batch_negatives,
    triplet,
)


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


def test_values_are_those_of_sentence_transformers() -> None:
    losses = pytest.importorskip("sentence_transformers.sentence_transformer.losses")
    za, zb, hard = drawn(5, 8), drawn(6, 8)[:5], drawn(5, 2, 8)
    scores = torch.linspace(0, 1, 5, dtype=torch.float64)
    peer = losses.CosineSimilarityLoss(None).compute_loss_from_embeddings([za, zb], scores)
    torch.testing.assert_close(cosine_similarity_loss(za, zb, scores), peer)
    both = {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction", "scale": 12.0}
    peer = losses.MultipleNegativesRankingLoss(None, **both)
    found = in_batch_negatives(za, zb, scale=12.0)
    torch.testing.assert_close(found, peer.compute_loss_from_embeddings([za, zb], None))
    found = in_batch_negatives(za, zb, hard, scale=12.0)
    torch.testing.assert_close(found, peer.compute_loss_from_embeddings([za, zb, hard[:, 0], hard[:, 1]], None))
    for name, metric in (("cosine", "COSINE"), ("euclidean", "EUCLIDEAN")):
        metric = getattr(losses.TripletDistanceMetric, metric)
        peer = losses.TripletLoss(None, distance_metric=metric, triplet_margin=0.7)
        found = triplet(za, zb, hard[:, 0], margin=0.7, distance=name)
        # torch's own distance adds 1e-6 to every difference.
        torch.testing.assert_close(
            found, peer.compute_loss_from_embeddings([za, zb, hard[:, 0]], None), rtol=0, atol=1e-5
        )


def test_same_sentences_are_no_negatives() -> None:
    """Row by row, with every softmax written out: numbers are sentences, and equal ones are never pushed apart."""
    texts = torch.tensor([[0, 1, 7], [2, 1, 8], [0, 3, 1], [4, 5, 9], [5, 6, 2]])
    count = len(texts)
    sentences = torch.nn.functional.normalize(drawn(10, 8), dim=1)
    za, zb, zn = (sentences[texts[:, column]] for column in range(3))
    found = in_batch_negatives(za, zb, zn[:, None], texts=texts, scale=3.0)
    partners = {frozenset(pair) for pair in texts[:, :2].tolist()}

    def term(row: int, anchor: int, partner: int, others: list[int]) -> float:
        kept = [other for other in others if other != anchor and frozenset((anchor, other)) not in partners]
        logits = [3 * float(sentences[anchor] @ sentences[other]) for other in (partner, *kept)]
        return math.log(sum(map(math.exp, logits))) - logits[0]

    a, b, n = texts.T.tolist()
    forth = [term(row, a[row], b[row], [*b[:row], *b[row + 1 :], *n]) for row in range(count)]
    back = [term(row, b[row], a[row], [*a[:row], *a[row + 1 :]]) for row in range(count)]
    assert float(found) == pytest.approx((sum(forth) + sum(back)) / count / 2)
    assert float(found) < float(in_batch_negatives(za, zb, zn[:, None], scale=3.0))


@pytest.mark.parametrize("alone", [0, 1])
def test_a_batch_without_negatives_has_no_loss(alone: int) -> None:
    texts = torch.tensor([[0, 1], [0, 1]][alone:])
    za, zb = drawn(2, 4)[alone:].requires_grad_(), drawn(2, 4)[alone:]
    loss = in_batch_negatives(za, zb, texts=texts)
    loss.backward()
    assert float(loss.detach()) == 0 and not za.grad.any()


def test_gradients_are_those_of_finite_differences() -> None:
    za, zb, zn = (drawn(4 + extra, 3)[:4].requires_grad_() for extra in range(3))
    texts = torch.tensor([[0, 1, 6], [2, 1, 7], [3, 4, 8], [5, 9, 1]])
    for loss in (
        lambda: InBatchNegatives(scale=4.0)([za, zb, zn], texts, None),
        lambda: Triplet(margin=3.0)([za, zb, zn], texts, None),
        lambda: Triplet(margin=9.0, distance="euclidean")([za, zb, zn], texts, None),
        lambda: Matryoshka(CosineSimilarity(), (3, 2))([za, zb], texts, torch.rand(4, dtype=torch.float64)),
    ):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            gradients = torch.autograd.grad(loss(), (za, zb))
        for tensor, gradient in zip((za, zb), gradients, strict=True):
            for place in itertools.product(range(4), range(3)):
                values = []
                for step in (1e-6, -1e-6):
                    with torch.random.fork_rng(), torch.no_grad():
                        torch.manual_seed(0)
                        tensor[place] += step
                        values.append(float(loss()))
                        tensor[place] -= step
                assert (values[0] - values[1]) / 2e-6 == pytest.approx(float(gradient[place]), abs=1e-6)


def test_matryoshka_is_the_mean_over_sizes() -> None:
    za, zb = drawn(5, 8), drawn(6, 8)[:5]
    texts = torch.arange(10).view(5, 2)
    wanted = [in_batch_negatives(za[:, :size], zb[:, :size]) for size in (8, 3)]
    found = Matryoshka(InBatchNegatives(), (8, 3))([za, zb], texts, None)
    torch.testing.assert_close(found, torch.stack(wanted).mean())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cosine_similarity_loss(drawn(3, 4), drawn(2, 4), torch.ones(3)), r"\(3, 4\) and \(2, 4\)"),
        (lambda: cosine_similarity_loss(drawn(3, 4), drawn(3, 4), torch.ones(2)), r"scores: \(2,\)"),
        (lambda: in_batch_negatives(drawn(3, 4), drawn(3, 4), drawn(3, 1, 5)), r"negatives: \(3, 1, 5\)"),
        (lambda: in_batch_negatives(drawn(3, 4), drawn(3, 4), texts=torch.ones(3, 3)), r"texts: \(3, 3\)"),
        (lambda: triplet(*[drawn(2, 2)] * 3, distance="cosinus"), "'cosinus' found, expected cosine or euclidean"),
        (lambda: CosineSimilarity()([drawn(2, 2)] * 2, torch.ones(2, 2), None), r"expected \(a, b, score\)"),
        (lambda: InBatchNegatives()([drawn(2, 2)] * 2, torch.ones(2, 2), torch.ones(2)), "with a score"),
        (lambda: Triplet()([drawn(2, 2)] * 2, torch.ones(2, 2), None), "2 sentences each"),
        (lambda: InBatchNegatives(scale=0), "scale: 0"),
        (lambda: Matryoshka(Triplet(), (4, 4)), "sizes"),
        (lambda: Matryoshka(InBatchNegatives(), (4,))([drawn(2, 2)] * 2, torch.ones(2, 2), None), "at most 2"),
    ],
)
def test_bad_input_is_named(call, message) -> None:
    with pytest.raises(InputError, match=message):
        call()
