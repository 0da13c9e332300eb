"""The gymnasium environment shared by all tasks."""

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from sims import TASK_NAMES, actions, experts, kinematics, language
from sims.camera import Camera, render_picture
from sims.instruction_space import InstructionSpace
from sims.observation import CAMERAS, OBSERVATIONS, Observer
from sims.rendering.randomisation import Randomisation
from sims.robot import MOST_FORCE, Panda, at_joint_limit
from sims.splits import SPLITS
from sims.state import State
from sims.tasks import make_task
from sims.world import CONTROL_RATE, World

_FILM_CAMERA = Camera((0.27, -0.95, 0.68), (0.55, 0.0, 0.11), 41.0, 224, 224)
_SETTLING = 24


class ManipulationEnv(gymnasium.Env):
    """A Panda at a table with one task, told in words.

    Observation (a dict; the camera keys are those chosen by ``obs``):
        instruction: str.
        proprioception: float32 (15,): 7 joint angles (rad), tool x y z (m), tool qx qy qz qw, finger opening (0..1).
        image: uint8 (2, 192, 192, 3), two cameras in front of the table, left and right of the robot.
        depth: float32 (2, 192, 192), m along the optical axis.
        segmentation: int32 (2, 192, 192): number of the segment seen, 0 for table, robot and nothing. The numbers are
            shuffled in every episode and say nothing of what a segment is.
        intrinsics, extrinsics: float32 (C, 3, 3) and (C, 4, 4), the cameras' calibration, for "calibration" in ``obs``:
            pixel from camera, and world from camera (x right, y down, z forward).
        points: float32 (8192, 3) fused cloud of the segments in the world frame (m), with colors: uint8 (8192, 3) and
            segments: int32 (8192,) in the same order.

    Action: float32 (8,): target of the tool, x y z (m, world) qx qy qz qw gripper (0 closed ... 1 open), for the next
    1/20 s; other modes are told in :func:`sims.actions.action_space`. The joints turn no faster than those of a real
    Panda, so that a target far away is approached, not met. Reward is 1 on success, else 0. ``terminated`` on success
    or on a failure that cannot be undone.

    ``info`` holds success, failure (a reason, "" while there is none), seconds (simulated), path_length and
    shortest_path (m, of the tool), ik_failures (steps whose target no posture within joint limits near the present one
    meets within 5 mm and 3 degrees; the nearest is aimed at), subgoals (of each request in order, whether it was met),
    joint_violations (steps that end with a joint at its limit), force_violations (steps that end with contact forces on
    the robot of more than 100 N in all) and peak_force (N, the greatest of these). At reset it also holds what a
    teacher knows and a policy must not: meaning, meanings (by segment), parts (to act on), instructions (all wordings),
    logical_form and logical_forms (what they mean), sub_instructions (of a long task, one a request) and part_frame
    (4, 4) of the part acted on first.

    Args:
        task: a name in :data:`sims.TASK_NAMES`.
        split: "train", "novel-instance", "novel-shape" or "novel-category"; see :mod:`sims.splits`.
        obs: camera observations wanted, some of "image", "depth", "segmentation", "points",
            "calibration"; () looks at nothing.
        refresh: "step" looks at every step; "reset" shows the picture of the episode's start throughout, which is all
            that an open-loop policy needs and much faster.
        instructions: "train", "test" or "composed" wordings, or templates of one's own with the task's slots; see
            :func:`sims.language.utterances`.
        render_mode: "rgb_array", "human" (a window of PyBullet's, which needs a display) or None.
        cameras: what looks at the scene, any number, all with pictures of one size; see :class:`sims.camera.Camera`.
        renderer: "raster", or PyBullet's own "tiny" or "egl"; see :class:`sims.observation.Observer`.
        randomise: what to draw anew in every episode beside the scene; see
            :class:`sims.rendering.randomisation.Randomisation`.
        instruct: "whole" shows the instruction of all that is to be done; "stepwise" shows that of the first sub-goal
            of a long task that is not met, as CALVIN does.
        action: what actions mean, "pose", "delta" or "joint"; see :func:`sims.actions.action_space`.

    Raises:
        ValueError: an argument is not one of these. Templates are tried at :meth:`reset`, where their slots are known.
    """

    metadata = {"render_modes": ["rgb_array", "human"], "render_fps": CONTROL_RATE}

    def __init__(
        self,
        task: str,
        split: str = "train",
        obs: Sequence[str] = ("image", "depth", "segmentation", "points"),
        refresh: str = "step",
        instructions: str | Sequence[str] = "train",
        render_mode: str | None = None,
        cameras: Sequence[Camera] = CAMERAS,
        renderer: str = "raster",
        randomise: Randomisation | None = None,
        instruct: str = "whole",
        action: str = "pose",
    ) -> None:
        _check(task, TASK_NAMES, "task")
        _check(split, SPLITS, "split")
        _check(refresh, ("step", "reset"), "refresh")
        _check(render_mode, (None, *self.metadata["render_modes"]), "render_mode")
        _check(instruct, ("whole", "stepwise"), "instruct")
        _check(action, actions.ACTIONS, "action")
        if isinstance(obs, str):
            raise ValueError(f"obs is the text {obs!r}: expected a sequence of names, such as ({obs!r},)")
        for name in obs:
            _check(name, OBSERVATIONS, "observation")
        self.task = make_task(task)
        self.split, self.obs, self.refresh, self.render_mode = split, tuple(obs), refresh, render_mode
        self.instruct, self.action = instruct, action
        if isinstance(instructions, str):
            _check(instructions, (*language.WORDING_SETS, "a list of templates"), "set of wordings")
        elif not instructions:
            raise ValueError(f"no instruction templates for {task}: give at least one")
        self._words = instructions if isinstance(instructions, str) else "train"
        self._templates = None if isinstance(instructions, str) else tuple(instructions)
        self._arguments = {
            "task": task,
            "split": split,
            "obs": self.obs,
            "instructions": self._templates or self._words,
            "cameras": tuple(cameras),
            "renderer": renderer,
            "randomise": randomise,
            "action": action,
        }
        self._observer = Observer(self.obs, cameras, renderer, randomise)
        self.action_space = actions.action_space(action)
        self.observation_space = spaces.Dict(_spaces_of_state(self._templates or ()) | self._observer.spaces())
        self._seen: dict[str, np.ndarray] = {}
        self._scene: int | None = None
        self.world = World(window=render_mode == "human")
        try:
            self._observer.prepare(self.world)
        except ValueError:
            self.world.close()
            raise

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict, dict]:
        """Builds a new scene; the same seed, task and split give the same scene, bit by bit."""
        super().reset(seed=seed)
        self._begin(int(self.np_random.integers(2**62)))
        self._seen = self._observer.look()
        return self._observation(), self._info(False) | self._teaching()

    def _begin(self, scene: int) -> None:
        """Builds the scene of a number, in which nothing has been done yet."""
        self._scene = None
        generator = np.random.default_rng([scene, *self.split.encode()])
        self.world.clear()
        self.robot = Panda(self.world)
        self.task.build(self.world, generator, self.split)
        self._observer.begin(self.world, self.robot, generator)
        speaker = np.random.default_rng(generator.integers(2**62))
        self._utterances = language.utterances(self.task, self._templates, speaker, self._words)
        self._utterance = self._utterances[int(speaker.integers(len(self._utterances)))]
        self._steps_said = self._say_steps(speaker)
        self.world.step(_SETTLING)
        self._scene = scene
        self._done: list[np.ndarray] = []
        self._path, self._ik_failures = 0.0, 0
        self._force_violations, self._joint_violations, self._peak_force = 0, 0, 0.0
        self._outcome = self.task.outcome(self.robot)
        self._joints = self.robot.joints()
        self._tool, _ = kinematics.forward(self._joints)
        self._shortest = self.task.shortest_path(self._tool[:3, 3])

    def step(self, action: np.ndarray) -> tuple[dict, float, bool, bool, dict]:
        """Does as the action says for 1/20 s.

        Raises:
            ValueError: the action has another shape, holds NaN or infinity, or a quaternion of no length.
        """
        self._act(actions.checked(action, self.action))
        if self.refresh == "step":
            self._seen = self._observer.look()
        outcome = self._outcome
        finished = outcome.success or bool(outcome.failure)
        return self._observation(), float(outcome.success), finished, False, self._info(outcome.success)

    def _act(self, action: np.ndarray) -> None:
        """One control step, and what is counted of it."""
        self._ik_failures += not actions.perform(self.robot, action, self.action)
        self.world.step()
        self._done.append(action)
        self._joints = self.robot.joints()
        tool, _ = kinematics.forward(self._joints)
        self._path += float(np.linalg.norm(tool[:3, 3] - self._tool[:3, 3]))
        self._tool = tool
        force = self.robot.contact_force()
        self._peak_force = max(self._peak_force, force)
        self._force_violations += force > MOST_FORCE
        self._joint_violations += at_joint_limit(self._joints)
        self._outcome = self.task.outcome(self.robot)

    def expert_trajectory(self, noise: float = 0.0, generator: np.random.Generator | None = None) -> np.ndarray:
        """float32 (T, 8) that does the task (of a long one: what is to be done next) from the scene as it stands.

        From what the simulator knows, as poses whatever the mode of the actions is; ``noise`` and ``generator`` as in
        :func:`sims.experts.trajectory`, for demonstrations that stray and recover.
        """
        start = self.robot.tool_pose()
        return experts.trajectory(start, self.task.expert(), self.robot.target, noise, generator)

    def save_state(self) -> State:
        """The moment in which the episode stands; see :class:`sims.state.State`.

        Raises:
            ValueError: no episode has begun, or the environment is closed.
        """
        self._check_open()
        if self._scene is None:
            raise ValueError("no episode has begun: call reset() before save_state()")
        sampler = self._observer.sampler.bit_generator.state
        return State(self._arguments, self._scene, tuple(self._done), dict(self._seen), sampler)

    def restore_state(self, state: State) -> dict[str, Any]:
        """Returns to a moment of this or another episode, bit by bit, and gives its observation.

        What was done to the world without :meth:`step` is not done again. Wrappers, such as one that counts steps, are
        not told.

        Raises:
            ValueError: the state is of an environment with other arguments, or this one is closed.
        """
        self._check_open()
        state.check(self._arguments)
        self._begin(state.scene)
        for action in state.actions:
            self._act(action)
        self._seen = dict(state.seen)
        self._observer.sampler.bit_generator.state = state.sampler
        return self._observation()

    def _check_open(self) -> None:
        if not self.world.bullet.isConnected():
            raise ValueError("the environment is closed: make another one")

    def render(self) -> np.ndarray | None:
        """uint8 (224, 224, 3) picture from a camera that no policy sees, if ``render_mode`` is "rgb_array"."""
        if self.render_mode != "rgb_array":
            return None
        return render_picture(self.world, _FILM_CAMERA)

    def close(self) -> None:
        """Ends the simulation."""
        self._observer.close()
        self.world.close()

    def look(self) -> dict[str, Any]:
        """The observation as the scene stands now, whatever ``refresh`` says; shown from here on."""
        self._seen = self._observer.look()
        return self._observation()

    def _info(self, success: bool) -> dict[str, Any]:
        return {
            "success": success,
            "failure": self._outcome.failure,
            "subgoals": self._outcome.subgoals or (success,),
            "seconds": len(self._done) / CONTROL_RATE,
            "path_length": self._path,
            "shortest_path": self._shortest,
            "ik_failures": self._ik_failures,
            "joint_violations": self._joint_violations,
            "force_violations": self._force_violations,
            "peak_force": self._peak_force,
        }

    def _teaching(self) -> dict[str, Any]:
        """What a teacher knows of the scene: kept out of the observation."""
        labels = self._observer.labels
        return {
            "meaning": self.task.meaning,
            "meanings": {labels[part]: meaning for part, meaning in self.task.meanings.items()},
            "parts": tuple(labels[part] for part in self.task.parts),
            "instructions": tuple(utterance.text for utterance in self._utterances),
            "logical_form": self._utterance.form,
            "logical_forms": tuple(utterance.form for utterance in self._utterances),
            "sub_instructions": tuple(utterance.text for utterance in self._steps_said),
            "part_frame": self.task.part_frame(),
        }

    def _say_steps(self, speaker: np.random.Generator) -> list[language.Utterance]:
        """One utterance for each request of a long task; none for a task of one."""
        if len(self.task.requests) == 1:
            return []
        said = []
        for number in range(len(self.task.requests)):
            choices = language.utterances(self.task, None, speaker, self._words, number)
            said.append(choices[int(speaker.integers(len(choices)))])
        return said

    def _instruction(self) -> str:
        done = self._outcome.subgoals
        if self.instruct == "whole" or not self._steps_said:
            return self._utterance.text
        return self._steps_said[min(done.index(False) if False in done else len(done), len(self._steps_said) - 1)].text

    def _observation(self) -> dict[str, Any]:
        tool = np.concatenate([self._tool[:3, 3], experts.quaternion(self._tool[:3, :3])])
        proprioception = np.concatenate([self._joints, tool, [self.robot.opening()]]).astype(np.float32)
        seen = {name: values.copy() for name, values in self._seen.items()}
        return {"instruction": self._instruction(), "proprioception": proprioception, **seen}


def _spaces_of_state(templates: Sequence[str]) -> dict[str, spaces.Space]:
    printable = {chr(code) for code in range(32, 127)}
    # Wordings of one's own may hold other letters.
    letters = "".join(sorted(printable.union(*map(str, templates))))
    return {
        "instruction": InstructionSpace(language.LONGEST, charset=letters),
        "proprioception": spaces.Box(-10, 10, (15,), np.float32),
    }


def _check(value: object, allowed: Iterable[str | None], what: str) -> None:
    if value not in tuple(allowed):
        known = ", ".join(str(name) for name in allowed)
        raise ValueError(f"unknown {what} {value!r}: expected one of {known}")
