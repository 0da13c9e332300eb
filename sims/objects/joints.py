"""What holds the joints of an object when no hand does."""

from sims.world import Part, World


def hold_by_friction(world: World, part: Part, force: float) -> None:
    """The joint of ``part`` stays where it is left, and gives way to more than ``force`` (N, or N m of a hinge)."""
    world.bullet.setJointMotorControl2(*part, world.bullet.VELOCITY_CONTROL, targetVelocity=0, force=force)


def hold_by_spring(world: World, part: Part, force: float) -> None:
    """The joint of ``part`` goes back to zero when let go, with at most ``force`` (N, or N m of a hinge)."""
    world.bullet.setJointMotorControl2(*part, world.bullet.POSITION_CONTROL, targetPosition=0, force=force)
