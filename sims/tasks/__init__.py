"""The task families, by name."""

from collections.abc import Callable

from sims.tasks.open_drawer import OpenDrawer
from sims.tasks.place_in_bin import PlaceInBin
from sims.tasks.press_button import PressButton
from sims.tasks.task import Task
from sims.tasks.turn_knob import TurnKnob

TASKS: dict[str, Callable[[], Task]] = {task.name: task for task in (OpenDrawer, PressButton, TurnKnob, PlaceInBin)}
