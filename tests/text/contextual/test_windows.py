import numpy as np
import pytest

from grounding.errors import InputError
from grounding.text.contextual import Context
from grounding.text.contextual.windows import plan, subwords
from grounding.text.contextual.words import Alignment


def alignment_of(lengths: list[int], lead: int = 0) -> Alignment:
    """Words of so many subwords, each behind as many of white space as `lead` says."""
    stop = np.cumsum(np.array(lengths) + lead)
    return Alignment(np.arange(stop[-1]), stop - lengths, stop, stop - lengths - lead)


@pytest.fixture
def alignment(generator: np.random.Generator) -> Alignment:
    return alignment_of(generator.integers(1, 5, size=100).tolist())


def seen(windows, count):
    """First and last word that each word sees in its window, and that each is asked for once."""
    found = {}
    for window in windows:
        for word in range(window.first, window.last):
            assert word not in found and window.start <= word < window.stop
            found[word] = (window.start, window.stop - 1)
    assert set(found) == set(range(count))
    return [found[word] for word in range(count)]


def test_exact_windows_show_the_last_words(alignment):
    for word, (start, stop) in enumerate(seen(plan(alignment, Context(7), causal=False, room=None), 100)):
        assert (start, stop) == (max(0, word - 6), word)
    for word, (start, _) in enumerate(seen(plan(alignment, Context(7), causal=True, room=None), 100)):
        assert start == max(0, word - 6)


def test_causal_windows_with_the_same_beginning_are_one(alignment):
    assert len(plan(alignment, Context(7), causal=True, room=None)) == 100 - 6
    assert len(plan(alignment, Context(100), causal=True, room=None)) == 1
    assert len(plan(alignment, Context(7), causal=False, room=None)) == 100


@pytest.mark.parametrize(("words", "step"), [(1, 1), (8, 8), (8, 3), (3, 8), (64, 64)])
def test_stepped_windows_show_at_least_so_many_words_and_fewer_than_a_step_more(alignment, words, step):
    for word, (start, _) in enumerate(seen(plan(alignment, Context(words, step=step), causal=True, room=None), 100)):
        assert word - start + 1 >= min(words, word + 1)
        if start > 0:
            assert words <= word - start + 1 < words + step


@pytest.mark.parametrize("step", [1, 5])
def test_bidirectional_windows_show_the_future_that_was_asked_for(alignment, step):
    context = Context(8, step=step, future=3)
    for word, (start, stop) in enumerate(seen(plan(alignment, context, causal=False, room=None), 100)):
        assert stop == 99 or 3 <= stop - word < 3 + step
        assert start == 0 or 8 <= word - start + 1 < 8 + step


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("lead", [0, 1])
def test_long_documents_are_cut_to_what_fits(causal, lead, generator):
    alignment = alignment_of(generator.integers(1, 5, size=200).tolist(), lead)
    room = 60
    windows = plan(alignment, Context(), causal=causal, room=room)
    spans = seen(windows, 200)
    assert all(subwords(alignment, one).stop - subwords(alignment, one).start <= room for one in windows)
    # A word's share of context, give or take a word's subwords.
    share = room // 2 if causal else room // 4
    for word, (start, stop) in enumerate(spans):
        assert start == 0 or alignment.lead[word] - alignment.lead[start] >= share - 6
        if not causal:
            assert stop == 199 or alignment.stop[stop] - alignment.stop[word] >= share - 6
    assert len(windows) <= 2 * len(alignment.ids) / room + 3
    assert len(plan(alignment, Context(), causal=causal, room=None)) == 1
    assert len(plan(alignment, Context(), causal=causal, room=len(alignment.ids))) == 1


def test_contexts_that_do_not_fit_are_refused_with_the_place(alignment):
    with pytest.raises(InputError, match=r"the 30 words up to word \d+ have \d+ subwords, but the model takes 40"):
        plan(alignment, Context(30), causal=True, room=40)
    with pytest.raises(InputError, match="word 1: 50 subwords found, but the model takes 40"):
        plan(alignment_of([3, 50, 2]), Context(), causal=True, room=40)


def test_contexts_that_a_model_cannot_have_are_refused(alignment):
    with pytest.raises(InputError, match="never sees later words"):
        plan(alignment, Context(8, future=1), causal=True, room=None)
    with pytest.raises(InputError, match="earlier ones would see up to"):
        plan(alignment, Context(8, step=8), causal=False, room=None)


@pytest.mark.parametrize("bad", [{"words": 0}, {"words": 2.5}, {"words": 3, "step": 0}, {"words": 3, "future": -1},
                                 {"step": 4}, {"future": 1}])  # fmt: skip
def test_impossible_contexts_are_refused(bad):
    with pytest.raises(InputError, match="context: "):
        Context(**bad)


@pytest.mark.parametrize("causal", [True, False])
def test_a_word_that_fits_is_never_refused_for_its_length(causal):
    alignment = alignment_of([1] * 60 + [61] + [1] * 60)
    windows = plan(alignment, Context(), causal=causal, room=94)
    seen(windows, 121)
    assert all(subwords(alignment, one).stop - subwords(alignment, one).start <= 94 for one in windows)
    with pytest.raises(InputError, match="word 60: 61 subwords found, but the model takes 60"):
        plan(alignment, Context(), causal=causal, room=60)
