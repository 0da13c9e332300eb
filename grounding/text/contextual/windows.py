"""How much of its document a word sees: the windows of words that a model is run on."""

from dataclasses import dataclass

import numpy as np

from grounding.errors import InputError
from grounding.text.contextual.words import Alignment


@dataclass(frozen=True)
class Context:
    """What a word sees of its document.

    - `Context()`: its whole document. One longer than the model takes is cut into windows, and a word then has about
      half of the model's maximum before it (causal), or at least about a quarter on either side (bidirectional).
    - `Context(words=64)`: exactly the last 64 words, itself among them; at the document's start what there is.
    - `Context(words=64, step=64)`: at least the last 64 words and fewer than 64 + 64.
    - `Context(words=64, future=8)`: exactly the last 64 words, itself among them, and the next 8.

    States of every layer depend on where the window begins, so a window that moves with every word must be computed
    anew for every word: that is mathematics, not implementation. A step shares one window among so many words; for
    encoding models of the brain the difference between 64 words and 64 to 127 rarely matters, the cost does. A causal
    model sees nothing of the future anyway; a bidirectional one sees `future` words of it and nothing more (with a
    step: at least `future` and fewer than `future + step`), so the default shows it the past alone, as the sliding
    sequences of Toneva and Wehbe (2019) do.

    Context by sentence is a document a sentence. Every window has the special tokens that the model expects.

    Attributes:
        words: how many words back, the word itself among them; None for the whole document.
        step: how many words share a window.
        future: how many words ahead, for bidirectional models.

    Raises:
        InputError: a number out of range, or `step` or `future` without `words`.
    """

    words: int | None = None
    step: int = 1
    future: int = 0

    def __post_init__(self) -> None:
        for name, value, least in (("words", self.words, 1), ("step", self.step, 1), ("future", self.future, 0)):
            if value is not None and (not isinstance(value, int | np.integer) or value < least):
                raise InputError(f"context: {name} is {value!r}; expected a whole number of at least {least}")
        if self.words is None and (self.step, self.future) != (1, 0):
            raise InputError("context: step or future without words; they say how a window of so many words moves")


@dataclass(frozen=True)
class Window:
    """Words `start` to `stop` (excluded) of a document are shown, and `first` to `last` (excluded) are asked for."""

    start: int
    stop: int
    first: int
    last: int


def plan(alignment: Alignment, context: Context, *, causal: bool, room: int | None) -> list[Window]:
    """The windows of a document; every word is asked for in exactly one of them.

    Args:
        alignment: the subwords of the words.
        context: what a word is to see.
        causal: whether the model sees the past only.
        room: how many subwords a window may have; None for any number.

    Raises:
        InputError: the context has more subwords than there is room for, or does not suit the model.
    """
    if context.words is None:
        return _whole_document(alignment, causal=causal, room=room)
    if causal and context.future:
        raise InputError(
            f"context: future={context.future} found, but a causal model never sees later words; leave future out"
        )
    if not causal and context.step > 1 and context.future == 0:
        raise InputError(
            f"context: step={context.step} found without future; words that share a window of a bidirectional model "
            "see each other, so earlier ones would see up to step - 1 later ones; give step=1, or a future to allow it"
        )
    windows = _moving(len(alignment), context, causal)
    for window in windows:
        size = subwords(alignment, window)
        if room is not None and size.stop - size.start > room:
            raise InputError(
                f"context: the {window.stop - window.start} words up to word {window.last - 1} have "
                f"{size.stop - size.start} subwords, but the model takes {room}; ask for fewer words or a smaller step"
            )
    return windows


def subwords(alignment: Alignment, window: Window) -> slice:
    """The subwords of a window's words and all between them; those before the first and behind the last at the ends."""
    start = 0 if window.start == 0 else int(alignment.lead[window.start])
    stop = len(alignment.ids) if window.stop == len(alignment) else int(alignment.stop[window.stop - 1])
    return slice(start, stop)


def _moving(count: int, context: Context, causal: bool) -> list[Window]:
    assert context.words is not None
    windows: list[Window] = []
    for first in range(0, count, context.step):
        last = min(first + context.step, count)
        start = max(0, first - context.words + 1)
        stop = last if causal else min(last + context.future, count)
        if causal and start == 0 and windows:
            # Windows that begin with the document differ for a causal model only in where they end.
            windows[-1] = Window(0, stop, 0, last)
        else:
            windows.append(Window(start, stop, first, last))
    return windows


def _whole_document(alignment: Alignment, *, causal: bool, room: int | None) -> list[Window]:
    """One window; in a document too long for that, as few as give words their share of context."""
    count, total = len(alignment), len(alignment.ids)
    if room is None or total <= room:
        return [Window(0, count, 0, count)]
    left, right = (room // 2, 0) if causal else (room // 4, room // 4)
    begin = np.concatenate([[0], alignment.lead[1:], [total]])
    end = np.concatenate([alignment.stop[:-1], [total]])
    windows: list[Window] = []
    first = 0
    while first < count:
        # The earliest word with no more than `left` subwords from it up to the first word that is asked for, fewer if
        # that word is so long that it would not fit behind them.
        start = min(int(np.searchsorted(begin, max(begin[first] - left, end[first] - room))), first)
        stop = int(np.searchsorted(end, begin[start] + room, side="right"))
        last = count if stop == count else int(np.searchsorted(end, end[stop - 1] - right, side="right"))
        if stop <= first:
            raise InputError(
                f"word {first}: {end[first] - begin[first]} subwords found, but the model takes {room} in all; split "
                "the word or leave it out"
            )
        # Before a very long word there may be no room for a full share of what follows.
        last = max(last, first + 1)
        windows.append(Window(start, stop, first, last))
        first = last
    return windows
