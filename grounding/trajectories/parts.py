"""The part that a motion acts on: its frame, estimated from a point cloud, and its cloud cut out.

Trajectories are kept in the frame of the part they act on. The frame is never taken from a simulator: it comes from the
same estimate for a demonstration as for the scene at hand, so that what the estimate gets wrong, it gets wrong alike.
"""

import numpy as np

from grounding.errors import InputError

CLOUD_SIZE = 512
SURROUNDINGS = 0.25
FEWEST_POINTS = 8
_NEAR = 0.03
_ELONGATED = 1.25
_EDGE = 2.0  # percentiles dropped at either end: a few stray points must not move the frame


def part_frame(points: np.ndarray, segments: np.ndarray, part: int) -> np.ndarray:
    """The frame of a part: (4, 4) pose in the world, m.

    The origin lies on the face that the part turns outward, in its middle. Of a part that stands on something or on the
    table, that is the top: z is up and x runs along its longer side (for a part about as long as wide, along whichever
    side is nearer to the world's x). Of a part mounted on a wall, it is the face away from the wall: x is the wall's
    outward normal and z is up.

    Args:
        points: (N, 3) cloud of the scene, world, z up, m.
        segments: (N,) segment of each point.
        part: the segment wanted.

    Raises:
        InputError: fewer than 8 points of the part, or NaN among the points.
    """
    own, others = _split(points, segments, part)
    outward = _wall_normal(own, others)
    if outward is None:
        axis = _long_side(_upper(own)[:, :2])
        rotation = np.column_stack([[*axis, 0.0], [-axis[1], axis[0], 0.0], [0.0, 0.0, 1.0]])
        low, high = _extent(own @ rotation)
        local = np.array([*((low + high) / 2)[:2], high[2]])
    else:
        up = np.array([0.0, 0.0, 1.0])
        rotation = np.column_stack([outward, np.cross(up, outward), up])
        low, high = _extent(own @ rotation)
        local = np.array([high[0], *((low + high) / 2)[1:]])
    frame = np.eye(4)
    frame[:3, :3], frame[:3, 3] = rotation, rotation @ local
    return frame


def part_cloud(
    points: np.ndarray, colors: np.ndarray, segments: np.ndarray, part: int, frame: np.ndarray, seed: int = 0
) -> np.ndarray:
    """The cloud of a part with what surrounds it, as the shared space takes it.

    Half of the points are drawn from the part, half from what lies within 0.25 m of the frame's origin.

    Args:
        points: (N, 3) world, m. colors: (N, 3) uint8. segments: (N,). part: the segment wanted.
        frame: (4, 4) from :func:`part_frame`.
        seed: of the draw.

    Returns:
        float32 (512, 7): xyz in the frame (m), rgb (0..1), and 1 for points of the part, 0 for its surroundings.
    """
    generator = np.random.default_rng(seed)
    own = np.flatnonzero(segments == part)
    distance = np.linalg.norm(points - frame[:3, 3], axis=1)
    around = np.flatnonzero((segments != part) & (distance < SURROUNDINGS))
    half = CLOUD_SIZE // 2 if len(around) else 0
    chosen = np.concatenate([_draw(own, CLOUD_SIZE - half, generator), _draw(around, half, generator)])
    local = (points[chosen] - frame[:3, 3]) @ frame[:3, :3]
    return np.column_stack([local, colors[chosen] / 255.0, segments[chosen] == part]).astype(np.float32)


def visible_parts(segments: np.ndarray, fewest: int = FEWEST_POINTS) -> list[int]:
    """The segments of which enough points are seen to act on, in rising order."""
    labels, counts = np.unique(segments[segments > 0], return_counts=True)
    return [int(label) for label, count in zip(labels, counts, strict=True) if count >= fewest]


def _split(points: np.ndarray, segments: np.ndarray, part: int) -> tuple[np.ndarray, np.ndarray]:
    if not np.isfinite(points).all():
        bad = int((~np.isfinite(points)).any(axis=1).sum())
        raise InputError(
            f"the point cloud has {bad} points with NaN or infinity; expected finite ones; drop them first"
        )
    mine = segments == part
    if mine.sum() < FEWEST_POINTS:
        raise InputError(
            f"segment {part} has {int(mine.sum())} points; expected at least {FEWEST_POINTS} to place a frame on it"
        )
    points = np.asarray(points, np.float64)
    return points[mine], points[(segments > 0) & ~mine]


def _draw(indices: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    if count == 0:
        return indices[:0]
    return generator.choice(indices, count, replace=len(indices) < count)


def _upper(points: np.ndarray) -> np.ndarray:
    """The points within a centimetre of the top, which is what a hand coming from above takes hold of."""
    top = points[:, 2] > np.percentile(points[:, 2], 100 - _EDGE) - 0.01
    return points[top] if top.sum() >= FEWEST_POINTS else points


def _extent(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.percentile(points, [_EDGE, 100 - _EDGE], axis=0)
    return low, high


def _wall_normal(own: np.ndarray, others: np.ndarray) -> np.ndarray | None:
    """Outward horizontal normal (3,) of the upright surface that the part is mounted on; None where there is none."""
    from scipy.spatial import cKDTree

    inside_box = ((others > own.min(axis=0) - _NEAR) & (others < own.max(axis=0) + _NEAR)).all(axis=1)
    others = others[inside_box]
    if len(others) == 0:
        return None
    distance, _ = cKDTree(own).query(others, distance_upper_bound=_NEAR)
    near = others[np.isfinite(distance)]
    if len(near) < 20:
        return None
    normal, inside = _plane(near)
    if abs(normal[2]) > 0.5:
        return None
    outward = np.array([normal[0], normal[1], 0.0])
    outward /= np.linalg.norm(outward)
    away = own.mean(axis=0) - inside.mean(axis=0)
    return outward if outward @ away > 0 else -outward


def _plane(points: np.ndarray, tries: int = 100, tolerance: float = 0.004) -> tuple[np.ndarray, np.ndarray]:
    """Normal (3,) of the plane that most points lie on, and those points (RANSAC, Fischler and Bolles 1981)."""
    generator = np.random.default_rng(0)
    corners = points[generator.integers(len(points), size=(tries, 3))]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals / np.maximum(lengths, 1e-12)
    offsets = np.einsum("ij,ij->i", normals, corners[:, 0])
    agree = (np.abs(points @ normals.T - offsets) < tolerance) & (lengths[:, 0] > 1e-9)
    inside = points[agree[:, np.argmax(agree.sum(axis=0))]]
    if len(inside) < 3:
        inside = points
    _, _, rows = np.linalg.svd(inside - inside.mean(axis=0), full_matrices=False)
    return rows[2], inside


def _long_side(flat: np.ndarray) -> np.ndarray:
    """Direction (2,) of the longer side of the smallest rectangle around points (N, 2) seen from above."""
    angles = np.deg2rad(np.arange(90.0))
    cosine, sine = np.cos(angles), np.sin(angles)
    along = flat @ np.stack([cosine, sine])
    across = flat @ np.stack([-sine, cosine])
    lengths = np.ptp(np.percentile(along, [_EDGE, 100 - _EDGE], axis=0), axis=0)
    widths = np.ptp(np.percentile(across, [_EDGE, 100 - _EDGE], axis=0), axis=0)
    best = int(np.argmin(lengths * widths))
    angle = angles[best] + (np.pi / 2 if widths[best] > lengths[best] else 0.0)
    longer, shorter = max(lengths[best], widths[best]), min(lengths[best], widths[best])
    # A side has no sign, and of a part about as long as wide neither side counts more: take the one nearest to x.
    period = np.pi if longer > _ELONGATED * shorter else np.pi / 2
    angle = (angle + period / 2) % period - period / 2
    return np.array([np.cos(angle), np.sin(angle)])
