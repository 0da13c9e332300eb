"""The forms that data of a modality come in."""

import numpy as np
import pytest
import torch

from grounding.encoders import Features, Padded
from grounding.encoders.data import Data, contents, gather, select, to_device, unpad
from grounding.errors import DataError, InputError

RAGGED = [np.full((n, 2), n, np.float32) for n in (3, 5, 4)]
FORMS: dict[str, Data] = {
    "text": ["one", "two", "three"],
    "array": torch.arange(6.0).view(3, 2),
    "padded": gather("x", RAGGED),
    "features": Features(torch.arange(6.0).view(3, 2)),
    "parts": gather("x", [{"signal": value, "subject": f"S{len(value)}"} for value in RAGGED]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("positions", [[2, 0], slice(1, 3)])
def test_what_is_selected_has_the_same_contents(form: str, positions: list[int] | slice) -> None:
    whole = list(contents(FORMS[form]))
    places = range(3)[positions] if isinstance(positions, slice) else positions
    chosen = select(FORMS[form], positions)
    assert list(contents(chosen)) == [whole[place] for place in places]
    assert len(set(whole)) == 3 and type(chosen) is type(FORMS[form])
    assert list(contents(to_device(chosen, torch.device("cpu")))) == list(contents(chosen))


def test_ragged_arrays_are_padded_with_a_mask() -> None:
    data = FORMS["padded"]
    assert isinstance(data, Padded) and data.values.shape == (3, 5, 2) and data.mask.sum(1).tolist() == [3, 5, 4]
    assert not data.values[~data.mask].any()
    values, mask = unpad(torch.ones(2, 4, 3))
    assert mask.shape == (2, 4) and mask.all() and values.shape == (2, 4, 3)


def test_padding_is_not_content_and_shape_and_parts_are() -> None:
    alone = gather("x", RAGGED[:1])
    assert list(contents(alone))[0] == list(contents(FORMS["padded"]))[0]
    assert list(contents(torch.ones(1, 2, 3))) != list(contents(torch.ones(1, 3, 2)))
    one, two = ({"a": ["x"], "b": [name]} for name in ("y", "xy"))
    assert list(contents(one)) != list(contents(two))


def test_what_does_not_fit_together_is_named() -> None:
    for values, words in (
        (["a", np.ones(3)], "x: strings and other data are mixed"),
        ([np.ones((2, 3)), np.ones((2, 4))], r"x: .*\(2, 3\).*\(2, 4\)"),
        ([{"a": "b"}, {"c": "d"}], r"x: parts \['a'\] found in some samples only"),
    ):
        with pytest.raises(DataError, match=words):
            gather("x", values)
    with pytest.raises(InputError, match="list found, expected arrays of numbers"):
        unpad(["words"])  # type: ignore[arg-type]
