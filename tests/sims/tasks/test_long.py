from types import SimpleNamespace

import numpy as np
import pytest

from sims.tasks.long import LongTask, Step
from sims.tasks.task import Request


class Lamps(LongTask):
    """Lamps that are to be lit in order; of those that last, all must be lit at the end."""

    name = "Lamps"

    def __init__(self, lasts):
        self.lit = [False] * len(lasts)
        self.dark = ""
        self.begin(
            [
                Step(
                    Request("Light", (0, index)),
                    f"Light {index}",
                    lambda index=index: [index],
                    lambda robot, index=index: self.lit[index],
                    [np.array([float(index), 0, 0])],
                    last,
                )
                for index, last in enumerate(lasts)
            ]
        )

    def spoiled(self, robot):
        return self.dark


def test_sub_goals_count_in_order_only():
    lamps = Lamps([False, False, False])
    lamps.lit[1] = True
    assert lamps.outcome(None).subgoals == (False, False, False)
    lamps.lit[0] = True
    found = lamps.outcome(None)
    assert found.subgoals == (True, True, False) and not found.success
    assert lamps.expert() == [2]


def test_a_sub_goal_once_met_stays_met():
    lamps = Lamps([False, False])
    for index in (0, 1):
        lamps.lit = [False, False]
        lamps.lit[index] = True
        found = lamps.outcome(None)
    assert found.success and found.subgoals == (True, True)


def test_what_lasts_is_looked_at_in_the_end_and_mended():
    lamps = Lamps([True, False])
    lamps.lit[0] = True
    lamps.outcome(None)
    lamps.lit = [False, True]
    found = lamps.outcome(None)
    assert found.subgoals == (True, True) and not found.success
    assert lamps.expert() == [0]
    lamps.lit = [True, True]
    assert lamps.outcome(None).success


def test_a_spoiled_task_is_no_success():
    lamps = Lamps([False])
    lamps.lit, lamps.dark = [True], "broke a lamp"
    found = lamps.outcome(None)
    assert not found.success and found.failure == "broke a lamp"


def test_the_shortest_path_passes_every_place():
    assert Lamps([False] * 4).shortest_path(np.array([0.0, 1.0, 0.0])) == pytest.approx(4.0)
    assert Lamps([False]).meaning == "Light 0" and Lamps([False] * 2).meaning == "Light 0; Light 1"
    assert SimpleNamespace(**vars(Lamps([False] * 3))).parts == ((0, 0), (0, 1), (0, 2))
