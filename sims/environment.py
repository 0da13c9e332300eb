"""The gymnasium environment shared by all tasks."""

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from sims import camera as cameras
from sims import experts, wordings
from sims.camera import Camera, View
from sims.robot import Panda
from sims.splits import SPLITS
from sims.tasks import TASKS
from sims.world import CONTROL_RATE, Part, World

CLOUD_POINTS = 8192
OBSERVATIONS = ("image", "depth", "segmentation", "points")
_CAMERAS = (
    Camera((0.16, 0.50, 0.66), (0.58, 0.0, 0.05)),
    Camera((0.16, -0.50, 0.66), (0.58, 0.0, 0.05)),
)
_FILM_CAMERA = Camera((0.27, -0.95, 0.68), (0.55, 0.0, 0.11), 41.0, 224)
_ACTION_LOW = np.array([-1, -1, -0.05, -1, -1, -1, -1, 0], np.float32)
_ACTION_HIGH = np.array([1.2, 1, 1.2, 1, 1, 1, 1, 1], np.float32)


class ManipulationEnv(gymnasium.Env):
    """A Panda at a table with one task, told in words.

    Observation (a dict; the camera keys are those chosen by ``obs``):
        instruction: str.
        proprioception: float32 (15,): 7 joint angles (rad), tool x y z (m), tool qx qy qz qw, finger opening (0..1).
        image: uint8 (2, 192, 192, 3), two cameras in front of the table, left and right of the robot.
        depth: float32 (2, 192, 192), m along the optical axis.
        segmentation: int32 (2, 192, 192): number of the segment seen, 0 for table, robot and nothing. The numbers are
            shuffled in every episode and say nothing of what a segment is.
        points: float32 (8192, 3) fused cloud of the segments in the world frame (m), with colors: uint8 (8192, 3) and
            segments: int32 (8192,) in the same order.

    Action: float32 (8,): target of the tool, x y z (m, world) qx qy qz qw gripper (0 closed ... 1 open), for the next
    1/20 s. Reward is 1 on success, else 0. ``terminated`` on success or on a failure that cannot be undone.

    ``info`` holds success, failure (a reason, "" while there is none), seconds (simulated), path_length and
    shortest_path (m, of the tool), ik_failures (steps whose target no posture within joint limits near the present one
    meets within 5 mm and 3 degrees; the nearest is aimed at). At reset it also holds what a teacher knows and a policy
    must not: meaning, meanings (by segment), parts (segments to act on) and instructions (all wordings).

    Args:
        task: a name in :data:`sims.tasks.TASKS`.
        split: "train", "novel-instance" or "novel-shape"; see :mod:`sims.splits`.
        obs: camera observations wanted, some of "image", "depth", "segmentation", "points"; () looks at nothing.
        refresh: "step" looks at every step; "reset" shows the picture of the episode's start throughout, which is all
            that an open-loop policy needs and much faster.
        instructions: "train" or "test" wordings, or templates of one's own with the task's slots.
        render_mode: "rgb_array" or None.

    Raises:
        ValueError: an argument is not one of these. Templates are tried at :meth:`reset`, where their slots are known.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": CONTROL_RATE}

    def __init__(
        self,
        task: str,
        split: str = "train",
        obs: Sequence[str] = OBSERVATIONS,
        refresh: str = "step",
        instructions: str | Sequence[str] = "train",
        render_mode: str | None = None,
    ) -> None:
        _check(task, TASKS, "task")
        _check(split, SPLITS, "split")
        _check(refresh, ("step", "reset"), "refresh")
        _check(render_mode, (None, *self.metadata["render_modes"]), "render_mode")
        if isinstance(obs, str):
            raise ValueError(f"obs is the text {obs!r}: expected a sequence of names, such as ({obs!r},)")
        for name in obs:
            _check(name, OBSERVATIONS, "observation")
        self.task = TASKS[task]()
        self.split, self.obs, self.refresh, self.render_mode = split, tuple(obs), refresh, render_mode
        self.templates = (
            wordings.templates(task, instructions) if isinstance(instructions, str) else tuple(instructions)
        )
        if not self.templates:
            raise ValueError(f"no instruction templates for {task}: give at least one")
        self.world = World()
        self.action_space = spaces.Box(_ACTION_LOW, _ACTION_HIGH)
        self.observation_space = spaces.Dict(_observation_spaces(self.obs, self.templates))
        self._instruction = ""
        self._seen: dict[str, np.ndarray] = {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict, dict]:
        """Builds a new scene; the same seed, task and split give the same scene, bit by bit."""
        super().reset(seed=seed)
        generator = np.random.default_rng([int(self.np_random.integers(2**62)), *self.split.encode()])
        self.world.clear()
        self.robot = Panda(self.world)
        self.task.build(self.world, generator, self.split)
        self._labels = _shuffled_labels(self.world.parts(exclude=[self.robot.body]), generator)
        self._cameras = [camera.jittered(generator) for camera in _CAMERAS]
        template = self.templates[int(generator.integers(len(self.templates)))]
        self._instruction = wordings.fill(template, self.task.slots)
        self._sampler = np.random.default_rng(generator.integers(2**62))
        self.world.step(24)
        self._steps, self._path, self._ik_failures, self._failure = 0, 0.0, 0, ""
        self._tool = self.robot.tool_pose()
        self._shortest = self.task.shortest_path(self._tool[:3, 3])
        self._seen = self._look()
        return self._observation(), self._info(False) | self._teaching()

    def step(self, action: np.ndarray) -> tuple[dict, float, bool, bool, dict]:
        """Moves the tool towards a target for 1/20 s.

        Raises:
            ValueError: the action has another shape, holds NaN or infinity, or a quaternion of no length.
        """
        action = _checked_action(action)
        reached = self.robot.command(experts.pose_matrix(action), float(np.clip(action[7], 0, 1)))
        self._ik_failures += not reached
        self.world.step()
        self._steps += 1
        tool = self.robot.tool_pose()
        self._path += float(np.linalg.norm(tool[:3, 3] - self._tool[:3, 3]))
        self._tool = tool
        outcome = self.task.outcome(self.robot)
        self._failure = outcome.failure
        if self.refresh == "step":
            self._seen = self._look()
        finished = outcome.success or bool(outcome.failure)
        return self._observation(), float(outcome.success), finished, False, self._info(outcome.success)

    def expert_trajectory(self) -> np.ndarray:
        """float32 (T, 8) actions that do the task from the scene as it stands, from what the simulator knows."""
        return experts.trajectory(self.robot.tool_pose(), self.task.expert())

    def render(self) -> np.ndarray | None:
        """uint8 (224, 224, 3) picture from a camera that no policy sees; None without a render mode."""
        if self.render_mode is None:
            return None
        return cameras.render(self.world, _FILM_CAMERA).color

    def close(self) -> None:
        """Ends the simulation."""
        self.world.close()

    def _info(self, success: bool) -> dict[str, Any]:
        return {
            "success": success,
            "failure": self._failure,
            "seconds": self._steps / CONTROL_RATE,
            "path_length": self._path,
            "shortest_path": self._shortest,
            "ik_failures": self._ik_failures,
        }

    def _teaching(self) -> dict[str, Any]:
        """What a teacher knows of the scene: kept out of the observation."""
        labels = self._labels
        return {
            "meaning": self.task.meaning,
            "meanings": {labels[part]: meaning for part, meaning in self.task.meanings.items()},
            "parts": tuple(labels[part] for part in self.task.parts),
            "instructions": tuple(wordings.fill(template, self.task.slots) for template in self.templates),
        }

    def _observation(self) -> dict[str, Any]:
        tool = np.concatenate([self._tool[:3, 3], experts.quaternion(self._tool[:3, :3])])
        proprioception = np.concatenate([self.robot.joints(), tool, [self.robot.opening()]]).astype(np.float32)
        seen = {name: values.copy() for name, values in self._seen.items()}
        return {"instruction": self._instruction, "proprioception": proprioception, **seen}

    def _look(self) -> dict[str, np.ndarray]:
        if not self.obs:
            return {}
        views = [cameras.render(self.world, camera) for camera in self._cameras]
        segments = np.stack([self._segments(view) for view in views])
        seen: dict[str, np.ndarray] = {}
        if "image" in self.obs:
            seen["image"] = np.stack([view.color for view in views])
        if "depth" in self.obs:
            seen["depth"] = np.stack([view.depth for view in views])
        if "segmentation" in self.obs:
            seen["segmentation"] = segments
        if "points" in self.obs:
            seen |= self._cloud(views, segments)
        return seen

    def _segments(self, view: View) -> np.ndarray:
        bodies, links = cameras.split_code(view.ids)
        segments = np.zeros(view.ids.shape, np.int32)
        for (body, link), label in self._labels.items():
            segments[(bodies == body) & (links == link)] = label
        return segments

    def _cloud(self, views: list[View], segments: np.ndarray) -> dict[str, np.ndarray]:
        kept = np.flatnonzero(segments.ravel())
        if len(kept) == 0:
            empty = np.zeros((CLOUD_POINTS, 3), np.float32)
            return {"points": empty, "colors": empty.astype(np.uint8), "segments": np.zeros(CLOUD_POINTS, np.int32)}
        # Too few are repeated whole before any is drawn, so that no seen point is lost needlessly.
        copies = CLOUD_POINTS // len(kept) if len(kept) < CLOUD_POINTS else 0
        drawn = self._sampler.choice(kept, CLOUD_POINTS - copies * len(kept), replace=False)
        chosen = np.concatenate([np.tile(kept, copies), drawn])
        points = np.stack([cameras.unproject(view) for view in views]).reshape(-1, 3)
        colors = np.stack([view.color for view in views]).reshape(-1, 3)
        return {
            "points": points[chosen],
            "colors": colors[chosen],
            "segments": segments.ravel()[chosen],
        }


def _shuffled_labels(parts: list[Part], generator: np.random.Generator) -> dict[Part, int]:
    order = generator.permutation(len(parts)) + 1
    return {part: int(label) for part, label in zip(parts, order, strict=True)}


def _checked_action(action: np.ndarray) -> np.ndarray:
    values = np.asarray(action, np.float64)
    if values.shape != (8,):
        raise ValueError(f"action has shape {values.shape}: expected (8,), x y z qx qy qz qw gripper")
    if not np.isfinite(values).all():
        raise ValueError(f"action is {values.tolist()}: expected finite numbers, x y z qx qy qz qw gripper")
    if np.linalg.norm(values[3:7]) < 1e-6:
        raise ValueError("action has a quaternion (numbers 4 to 7) of no length: give a rotation, such as 1 0 0 0")
    return values


def _observation_spaces(obs: Sequence[str], templates: Sequence[str]) -> dict[str, spaces.Space]:
    size = _CAMERAS[0].size
    shape = (len(_CAMERAS), size, size)
    printable = {chr(code) for code in range(32, 127)}
    # Wordings of one's own may hold other letters.
    letters = "".join(sorted(printable.union(*map(str, templates))))
    found: dict[str, spaces.Space] = {
        "instruction": spaces.Text(wordings.LONGEST, charset=letters),
        "proprioception": spaces.Box(-10, 10, (15,), np.float32),
    }
    if "image" in obs:
        found["image"] = spaces.Box(0, 255, (*shape, 3), np.uint8)
    if "depth" in obs:
        found["depth"] = spaces.Box(0, 2 * cameras.FAR, shape, np.float32)
    if "segmentation" in obs:
        found["segmentation"] = spaces.Box(0, 1000, shape, np.int32)
    if "points" in obs:
        found["points"] = spaces.Box(-10, 10, (CLOUD_POINTS, 3), np.float32)
        found["colors"] = spaces.Box(0, 255, (CLOUD_POINTS, 3), np.uint8)
        found["segments"] = spaces.Box(0, 1000, (CLOUD_POINTS,), np.int32)
    return found


def _check(value: object, allowed: Iterable[str | None], what: str) -> None:
    if value not in tuple(allowed):
        known = ", ".join(str(name) for name in allowed)
        raise ValueError(f"unknown {what} {value!r}: expected one of {known}")
