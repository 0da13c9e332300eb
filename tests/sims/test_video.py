import av
import gymnasium
import numpy as np
import pytest

import sims  # noqa: F401  (registers the environments)
from sims.video import RecordVideo

HOLD = np.array([0.3, 0, 0.6, 1, 0, 0, 0, 1], np.float32)


def frames(path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == 20
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def filmed(folder) -> gymnasium.Env:
    env = gymnasium.make("grounding/PressButton-v0", obs=(), render_mode="rgb_array", disable_env_checker=True)
    return RecordVideo(env, folder)


def test_every_episode_is_a_film_of_all_its_frames(tmp_path):
    env = filmed(tmp_path)
    env.reset(seed=0)
    shown = env.render()
    for _ in range(4):
        env.step(HOLD)
    # Nothing bears a film's name before it is whole.
    assert not list(tmp_path.glob("*.mp4"))
    env.reset(seed=1)
    env.step(HOLD)
    env.close()
    env.close()
    films = sorted(tmp_path.iterdir())
    assert [film.name for film in films] == ["episode-000000.mp4", "episode-000001.mp4"]
    assert [len(frames(film)) for film in films] == [5, 2]
    first = frames(films[0])[0]
    assert first.shape == shown.shape and np.abs(first.astype(int) - shown).mean() < 6


def test_a_film_ends_with_its_episode_or_with_a_step_that_fails(tmp_path):
    env = filmed(tmp_path)
    env.reset(seed=0)
    env.step(HOLD)
    with pytest.raises(ValueError, match="expected finite numbers"):
        env.step(HOLD * np.nan)
    assert len(frames(tmp_path / "episode-000000.mp4")) == 2
    env.close()
    # A second recorder goes on counting.
    again = filmed(tmp_path)
    again.reset(seed=0)
    for action in again.unwrapped.expert_trajectory():
        if again.step(action)[2]:
            break
    assert len(frames(tmp_path / "episode-000001.mp4")) > 5
    again.close()


def test_only_pictures_can_be_filmed(tmp_path):
    env = gymnasium.make("grounding/PressButton-v0", obs=(), disable_env_checker=True)
    with pytest.raises(ValueError, match=r"render_mode is None: films need an environment with 'rgb_array'"):
        RecordVideo(env, tmp_path)
    env.close()
