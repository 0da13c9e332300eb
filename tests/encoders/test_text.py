"""The bag of words."""

import pytest
import torch

from grounding.encoders import BagOfWords
from grounding.errors import InputError

TEXTS = ["open the top drawer", "Pull the handle, then the drawer!", "Öffne die Schublade"]


@pytest.fixture
def encoder() -> BagOfWords:
    torch.manual_seed(0)
    return BagOfWords.of(TEXTS, width=16)


def test_the_order_of_words_and_the_rest_of_the_batch_do_not_matter_and_counts_do(encoder: BagOfWords) -> None:
    first = encoder(["open the drawer", "pull"])
    torch.testing.assert_close(encoder(["drawer the OPEN"]), first[:1])
    assert (encoder(["open the the drawer"]) - first[:1]).abs().max() > 1e-4
    assert encoder(TEXTS).shape == (3, encoder.width)


def test_it_is_the_mean_of_the_vectors_of_words(encoder: BagOfWords) -> None:
    vectors = encoder.mean.weight[[encoder.places["open"], encoder.places["the"], len(encoder.places)]]
    torch.testing.assert_close(encoder(["open the unheard"])[0], encoder.whole(vectors.mean(0)))


def test_unknown_words_share_one_bucket(encoder: BagOfWords) -> None:
    torch.testing.assert_close(encoder(["open sesame"]), encoder(["open barley"]))
    assert (encoder(["open sesame"]) - encoder(["open"])).abs().max() > 1e-4
    assert torch.isfinite(encoder(["sesame"])).all()


def test_the_vocabulary_is_what_occurs_often_enough() -> None:
    assert list(BagOfWords.of(TEXTS, minimum_count=2).places) == ["drawer", "the"]
    with pytest.raises(InputError, match="none of 10 words occurs 4 times"):
        BagOfWords.of(TEXTS, minimum_count=4)


def test_the_description_counts_words(encoder: BagOfWords) -> None:
    target = encoder.reconstruction_target(["the the drawer sesame barley", "open"])
    assert target.shape == (2, len(encoder.places) + 1) and not target.requires_grad
    found = {word: target[0, place].item() for word, place in encoder.places.items() if target[0, place] > 0}
    assert found == pytest.approx({"the": 2 / 3, "drawer": 1 / 3})
    assert target[0, -1] == pytest.approx(2 / 3) and target[1].max() == 1


def test_wrong_input_is_named(encoder: BagOfWords) -> None:
    for wrong, message in (
        (["open", " "], "text 1: no words"),
        (["?!"], "text 0: no words"),
        ("open", "expected a list"),
        ([], "at least one"),
        (["open", 3], "text 1: int"),
    ):
        with pytest.raises(InputError, match=message):
            encoder(wrong)
    for vocabulary, message in (
        ((), "at least one word"),
        ("open", "at least one word"),
        (("Open",), "'Open' found 1 times"),
        (("top drawer",), "'top drawer'"),
        (("open", "open"), "'open' found 2 times"),
    ):
        with pytest.raises(InputError, match=message):
            BagOfWords(vocabulary)
    with pytest.raises(InputError, match="several"):
        BagOfWords.of("open")
