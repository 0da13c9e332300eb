"""Pictures of point clouds: lit, coloured splats, so that a sampled surface looks closed."""

import numpy as np

from grounding.errors import InputError

BACKGROUND = 235  # a light grey, darker than white things and lighter than most others
AMBIENT = 0.45  # the light that reaches a surface whatever its direction; the rest comes from a lamp near the camera
LAMP = (0.35, 0.5, 1.0)  # towards the lamp: right, up and towards the camera
COVER = 1.6  # radius of a splat in distances between neighbours: smaller leaves holes, larger swells thin things
NEIGHBOUR = 3  # of a point, the one whose distance says how densely the surface is sampled there
CONE = 0.35  # how far a splat sinks from its middle to its rim, in radii: neighbours then meet half-way between them
STEEPEST = 0.05  # cosine between a disc's normal and the direction to the camera that is still told apart from 0
LARGEST = 0.1  # radius of a splat at most, in sides of the picture, for clouds of very few points
DEPTHS = 30_000  # steps of depth over the side of the picture


def render_views(
    points: np.ndarray, normals: np.ndarray, colors: np.ndarray, directions: np.ndarray, size: int = 96
) -> np.ndarray:
    """Draw a point cloud from several sides.

    Each point is drawn as a small disc that lies in its surface (a surface splat; Zwicker et al., 2001), in parallel
    projection and with a depth buffer, lit from both sides. The cube from -1 to 1 just fits into the picture; z is up.

    Args:
        points: float (N, 3), within the unit sphere.
        normals: float (N, 3), unit length.
        colors: float (N, 3), 0 to 1.
        directions: float (V, 3), from the object towards the camera; of any length but 0, and not straight up or
            down.
        size: pixels a side.

    Returns:
        uint8 (V, size, size, 3).

    Raises:
        InputError: shapes do not fit, a number is not finite, or a direction is straight up, straight down or zero.

    Example:
        >>> render_views(cloud.points, cloud.normals, cloud.colors, view_directions(4)).shape
        (4, 96, 96, 3)
    """
    points, normals, colors, directions = (
        np.asarray(array, dtype=np.float32) for array in (points, normals, colors, directions)
    )
    _check(points, normals, colors, directions, size)
    # A disc of less than a pixel could fall between the middles of pixels.
    radius = max(size * min(COVER * _spacing(points) / 2, LARGEST), 0.71)
    reach = int(np.ceil(radius))
    window = np.arange(-reach, reach + 1)
    offsets = np.stack(np.meshgrid(window, window), axis=-1).reshape(-1, 2)
    # A point lies up to half a pixel's diagonal from the middle of its pixel.
    offsets = offsets[np.hypot(*offsets.T) <= radius + 0.71].astype(np.float32)
    return np.stack([_view(points, normals, colors, axes, size, radius, offsets) for axes in _cameras(directions)])


def view_directions(
    count: int, generator: np.random.Generator | None = None, elevations: tuple[float, float] = (10.0, 50.0)
) -> np.ndarray:
    """Directions towards cameras around an upright object, float32 (count, 3), unit length.

    Args:
        count: how many.
        generator: draws azimuth and elevation evenly; without one, azimuths are equally spaced, beginning between
            the x and the y axis, at the middle elevation.
        elevations: lowest and highest, in degrees above the horizon.
    """
    low, high = np.radians(elevations)
    if generator is None:
        azimuth = np.pi / 4 + np.arange(count) * 2 * np.pi / max(count, 1)
        elevation = np.full(count, (low + high) / 2)
    else:
        azimuth = generator.uniform(0, 2 * np.pi, count)
        elevation = generator.uniform(low, high, count)
    flat = np.cos(elevation)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=1).astype(np.float32)


def _spacing(points: np.ndarray) -> float:
    """How far apart points are on the surface."""
    from scipy.spatial import cKDTree

    if len(points) <= NEIGHBOUR:
        return 1.0
    distances, _ = cKDTree(points).query(points, k=[NEIGHBOUR + 1])
    return float(np.median(distances))


def _cameras(directions: np.ndarray) -> np.ndarray:
    """Rows right, up and towards the camera, (V, 3, 3)."""
    toward = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    right = np.cross(np.array([0, 0, 1], dtype=np.float32), toward)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack([right, np.cross(toward, right), toward], axis=1)


def _view(
    points: np.ndarray,
    normals: np.ndarray,
    colors: np.ndarray,
    axes: np.ndarray,
    size: int,
    radius: float,
    offsets: np.ndarray,
) -> np.ndarray:
    """One picture; `offsets` (K, 2) are the pixels that a disc may cover, in steps right and up from its middle's."""
    x, y, depth = axes @ points.T * np.float32(size / 2) + np.array([[size / 2], [size / 2], [0]], dtype=np.float32)
    facing = axes @ normals.T
    facing *= np.where(facing[2] < 0, -1, 1).astype(np.float32)  # open surfaces are seen from both sides
    lamp = np.array(LAMP, dtype=np.float32) / np.linalg.norm(LAMP)
    light = AMBIENT + (1 - AMBIENT) * np.clip(lamp @ facing, 0, 1)
    shaded = np.clip(colors * light[:, None] * 255, 0, 255).astype(np.uint8)

    # From each point to the middles of these pixels, (K, N).
    left, low = np.floor(x), np.floor(y)
    right, up = offsets[:, :1] + (left + 0.5 - x), offsets[:, 1:] + (low + 0.5 - y)
    # The disc lies in the plane right * n_x + up * n_y + toward * n_z = 0 through its point.
    steep = np.maximum(facing[2], STEEPEST)
    toward = right * (-facing[0] / steep) + up * (-facing[1] / steep)
    squared = right * right + up * up + toward * toward
    hit = squared <= radius**2
    # A disc seen from its edge may miss the middle of every pixel; it is then drawn in its own.
    hit[(offsets == 0).all(axis=1)] |= facing[2] < 4 * STEEPEST
    step, point = np.nonzero(hit)
    column = (left[point] + offsets[step, 0]).astype(np.intp)
    row = size - 1 - (low[point] + offsets[step, 1]).astype(np.intp)
    near = depth[point] + np.clip(toward[hit], -radius, radius) - CONE * np.minimum(np.sqrt(squared[hit]), radius)
    inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    pixel, point = (row * size + column)[inside], point[inside]
    # Depths as 16-bit numbers, fine enough, are sorted in linear time.
    order = np.argsort((near[inside] * (DEPTHS / size) + DEPTHS).astype(np.uint16), kind="stable")
    picture = np.full((size * size, 3), BACKGROUND, dtype=np.uint8)
    # Of repeated indices the last assignment stays, which is the nearest to the camera.
    picture[pixel[order]] = shaded[point[order]]
    return picture.reshape(size, size, 3)


def _check(points: np.ndarray, normals: np.ndarray, colors: np.ndarray, directions: np.ndarray, size: int) -> None:
    for name, array in (("points", points), ("normals", normals), ("colors", colors), ("directions", directions)):
        if array.ndim != 2 or array.shape[1] != 3 or not len(array):
            raise InputError(f"{name}: shape {array.shape} found, expected (n, 3) with at least one row")
        if not np.isfinite(array).all():
            raise InputError(f"{name}: {int((~np.isfinite(array)).sum())} numbers are NaN or infinite; leave them out")
    if not len(points) == len(normals) == len(colors):
        raise InputError(f"{len(points)} points, {len(normals)} normals and {len(colors)} colors found, expected equal")
    if (np.linalg.norm(directions[:, :2], axis=1) < 1e-6).any():
        raise InputError("directions: one is zero, straight up or straight down; tilt it a little")
    if size < 1:
        raise InputError(f"size: {size} found, expected at least 1 pixel")
