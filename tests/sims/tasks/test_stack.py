import numpy as np

from tests.sims.acting import follow_waypoints, seeds_where


def put(env, which, on):
    """Lays one thing on another and lets it come to rest."""
    table = env.task.table
    height = table.items[on].height + table.items[which].height / 2 + 0.001
    place = [*table.center(on)[:2], height]
    env.world.bullet.resetBasePositionAndOrientation(table.bodies[which], place, (0, 0, 0, 1))
    env.world.step(60)


def other_base(task):
    """A thing that is neither target nor base, on which the target can stand."""
    items = task.table.items
    fits = (k for k in range(1, 4) if k != task.base and items[k].flat and items[k].width > items[0].width)
    return next(fits, None)


def test_lying_on_the_named_base_is_success(make):
    env = make("Stack", obs=())
    env.reset(seed=0)
    assert env.task.outcome(env.robot) == type(env.task.outcome(env.robot))()
    put(env, 0, env.task.base)
    assert env.task.outcome(env.robot).success


def test_another_base_and_another_thing_are_failures(make):
    env = make("Stack", obs=())
    (seed,) = seeds_where(env, other_base)
    put(env, 0, other_base(env.task))
    assert env.task.outcome(env.robot).failure == "stacked it on another thing"
    env.reset(seed=seed)
    third = next(k for k in range(1, 4) if k != env.task.base)
    put(env, third, env.task.base)
    assert env.task.outcome(env.robot).failure == "stacked another thing"


def test_beside_the_base_or_still_falling_is_neither(make):
    env = make("Stack", obs=())
    env.reset(seed=0)
    table, base = env.task.table, env.task.base
    beside = table.center(base) + (0, table.items[base].reach + table.items[0].reach, 0)
    beside[2] = table.items[0].height / 2
    for place in (beside, table.center(base) + (0, 0, 0.15)):
        env.world.bullet.resetBasePositionAndOrientation(table.bodies[0], place.tolist(), (0, 0, 0, 1))
        env.world.step(3)
        found = env.task.outcome(env.robot)
        assert not found.success and not found.failure


def test_held_on_the_base_it_is_not_let_go(make):
    env = make("Stack", obs=())
    env.reset(seed=0)
    # Down to just above the base, then onto it with the fingers closed.
    *way, above, release, _ = env.task.expert()
    held = type(release)(release.pose, 0.0, 0.5)
    info = follow_waypoints(env, [*way, above, held])
    top = env.task.table.center(0)[2] - env.task.table.items[0].height / 2
    assert np.isclose(top, env.task.table.items[env.task.base].height, atol=0.01)
    assert not info["success"] and not info["terminated"]
