"""Films of episodes, one MP4 file each."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np


class RecordVideo(gymnasium.Wrapper):
    """Films every episode with what ``env.render()`` gives: at the reset and after every step.

    A file is whole as soon as it bears its name, ``NAME-000000.mp4`` and so on, which it gets when its episode ends,
    the next one begins, the environment is closed, or a step fails. Files that are there already are counted on from.

    >>> env = gymnasium.make("grounding/OpenDrawer-v0", render_mode="rgb_array")
    >>> env = RecordVideo(env, "films")

    Args:
        env: with ``render_mode="rgb_array"``, and frames of an even number of rows and columns.
        folder: for the files; made if it is not there.
        name: what the files are called.
        rate: frames a second; the environment's own ``render_fps`` if not given.

    Raises:
        ValueError: the environment has another render mode, or tells no rate and none is given; at the first reset,
            its pictures are of odd size.
    """

    def __init__(self, env: gymnasium.Env, folder: str | Path, name: str = "episode", rate: int | None = None) -> None:
        if env.render_mode != "rgb_array":
            raise ValueError(f"render_mode is {env.render_mode!r}: films need an environment with 'rgb_array'")
        rate = rate or env.metadata.get("render_fps")
        if not rate:
            raise ValueError("the environment tells no render_fps: give the rate of the films")
        super().__init__(env)
        self.folder, self.name, self.rate = Path(folder), name, int(rate)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._film: _Film | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Ends the film of the last episode and begins that of the next."""
        self._end()
        observation, info = self.env.reset(seed=seed, options=options)
        number = len(list(self.folder.glob(f"{self.name}-[0-9]*.mp4")))
        picture = self._picture()
        self._film = _Film(self.folder / f"{self.name}-{number:06d}.mp4", self.rate, picture.shape)
        self._film.add(picture)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Films what the step led to."""
        try:
            observation, reward, terminated, truncated, info = self.env.step(action)
            if self._film is not None:
                self._film.add(self._picture())
        except BaseException:
            self._end()
            raise
        if terminated or truncated:
            self._end()
        return observation, reward, terminated, truncated, info

    def close(self) -> None:
        """Ends the film that is being made, and closes the environment."""
        self._end()
        super().close()

    def _picture(self) -> np.ndarray:
        picture = self.env.render()
        if not isinstance(picture, np.ndarray) or picture.ndim != 3 or picture.shape[0] % 2 or picture.shape[1] % 2:
            found = picture.shape if isinstance(picture, np.ndarray) else type(picture).__name__
            raise ValueError(f"the environment renders {found}: films need (H, W, 3) pictures with even H and W")
        return picture

    def _end(self) -> None:
        film, self._film = self._film, None
        if film is not None:
            film.close()


class _Film:
    """One MP4 file in the making, under another name until it is closed."""

    def __init__(self, path: Path, rate: int, shape: tuple[int, ...]) -> None:
        import av

        self._path, self._part = path, path.with_suffix(".part")
        self._container = av.open(str(self._part), "w", format="mp4")
        self._stream = self._container.add_stream("libx264", rate=rate)
        self._stream.height, self._stream.width = shape[:2]
        self._stream.pix_fmt = "yuv420p"

    def add(self, picture: np.ndarray) -> None:
        """One frame, uint8 (H, W, 3)."""
        import av

        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Ends the file and gives it its name."""
        self._container.mux(self._stream.encode())
        self._container.close()
        self._part.replace(self._path)
