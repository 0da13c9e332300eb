"""The simulated world: a Panda arm, generated objects and tasks told in words, as gymnasium environments.

Importing this package registers an environment for every name in :data:`TASK_NAMES`, as ``grounding/OpenDrawer-v0``;
see :class:`sims.environment.ManipulationEnv` for their arguments.

>>> import gymnasium, sims
>>> env = gymnasium.make("grounding/OpenDrawer-v0", split="novel-shape", obs=("points",))
>>> observation, info = env.reset(seed=0)
"""

import gymnasium

SINGLE_TASKS = (
    "OpenDrawer",
    "PressButton",
    "TurnKnob",
    "PlaceInBin",
    "FlipSwitch",
    "SetKnob",
    "PushSlider",
    "UseAppliance",
    "PlaceBeside",
    "Stack",
    "PushToRegion",
    "InsertPeg",
    "HangRing",
    "Pour",
    "Sweep",
)
"""Tasks of one request."""
LONG_TASKS = ("StoreInDrawer", "PutInCupboard", "BuildTower", "ClearTable", "PrepareStove", "Workbench")
"""Tasks of several requests in a row, in one scene: each reports which of its sub-goals were met."""
TASK_NAMES = (*SINGLE_TASKS, *LONG_TASKS)

for _name in TASK_NAMES:
    gymnasium.register(
        f"grounding/{_name}-v0",
        entry_point="sims.environment:ManipulationEnv",
        kwargs={"task": _name},
        max_episode_steps=1500 if _name in LONG_TASKS else 300,
    )
