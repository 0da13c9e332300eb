"""The simulated world: a Panda arm, generated objects and tasks told in words, as gymnasium environments.

Importing this package registers ``grounding/OpenDrawer-v0``, ``grounding/PressButton-v0``, ``grounding/TurnKnob-v0``
and ``grounding/PlaceInBin-v0``; see :class:`sims.environment.ManipulationEnv` for their arguments.

>>> import gymnasium, sims
>>> env = gymnasium.make("grounding/OpenDrawer-v0", split="novel-shape", obs=("points",))
>>> observation, info = env.reset(seed=0)
"""

import gymnasium

TASK_NAMES = ("OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin")

for _name in TASK_NAMES:
    gymnasium.register(
        f"grounding/{_name}-v0",
        entry_point="sims.environment:ManipulationEnv",
        kwargs={"task": _name},
        max_episode_steps=300,
    )
