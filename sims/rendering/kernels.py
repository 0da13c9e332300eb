"""The two passes of the rasteriser, compiled: which triangle each pixel sees, and what colour it has there.

Pixels are found with homogeneous edge functions (Olano & Greer, Triangle scan conversion using 2D homogeneous
coordinates, 1997): with camera coordinates a, b, c of the corners and the ray r = (u, v, 1) through a pixel, the
barycentric coordinates are (b x c).r, (c x a).r and (a x b).r; divided by a.(b x c) their sum is one over the depth,
and nothing has to be clipped. Sums are in a fixed order, so the same scene gives the same bytes.
"""

import numba
import numpy as np

from sims.rendering.textures import texture

NEAR = 0.01
"""Nothing nearer to a camera than this (m) is seen."""


def lens(intrinsics: np.ndarray) -> np.ndarray:
    """float64 (3,): what the kernels need of a camera's intrinsics, the focal length and the middle, in pixels."""
    return np.array([intrinsics[0, 0], intrinsics[0, 2], intrinsics[1, 2]])


@numba.njit(cache=True, nogil=True)
def transform(vertices, starts, frames):
    """float64 (V, 3): vertices of links in camera coordinates, from camera-from-link ``frames`` (L, 3, 4)."""
    seen = np.empty((len(vertices), 3))
    for link in range(len(starts) - 1):
        m = frames[link]
        for v in range(starts[link], starts[link + 1]):
            x, y, z = vertices[v]
            seen[v, 0] = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
            seen[v, 1] = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
            seen[v, 2] = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
    return seen


@numba.njit(cache=True, nogil=True)
def visible(vertices, triangles, owners, planes, eyes, lens, inverse, seen):
    """First pass: fills ``seen`` (H, W) with the triangle of each pixel, -1 for none, and ``inverse`` with 1 / depth.

    ``vertices`` (V, 3) are in camera coordinates, ``eyes`` (L, 3) is the camera in the frame of each link, ``lens`` is
    the focal length in pixels and the pixel coordinates of the optical axis. ``inverse`` holds on entry one over
    the farthest depth.
    """
    height, width = inverse.shape
    focal, middle_u, middle_v = lens
    for t in range(len(triangles)):
        eye = eyes[owners[t]]
        if planes[t, 0] * eye[0] + planes[t, 1] * eye[1] + planes[t, 2] * eye[2] <= planes[t, 3]:
            continue
        i, j, k = triangles[t]
        ax, ay, az = vertices[i]
        bx, by, bz = vertices[j]
        cx, cy, cz = vertices[k]
        nearest = min(az, bz, cz)
        if max(az, bz, cz) < NEAR:
            continue
        left, right, top, bottom = 0, width - 1, 0, height - 1
        if nearest > NEAR:
            au, bu, cu = ax / az, bx / bz, cx / cz
            av, bv, cv = ay / az, by / bz, cy / cz
            # Bounds of far-off corners would overflow an integer.
            left = int(np.ceil(max(0.0, min(focal * min(au, bu, cu) + middle_u, float(width)))))
            right = int(np.floor(min(right + 0.0, max(focal * max(au, bu, cu) + middle_u, -1.0))))
            top = int(np.ceil(max(0.0, min(focal * min(av, bv, cv) + middle_v, float(height)))))
            bottom = int(np.floor(min(bottom + 0.0, max(focal * max(av, bv, cv) + middle_v, -1.0))))
            if left > right or top > bottom:
                continue
        # Edge functions of (u, v) in units of the focal length; neighbours compute exactly opposite ones.
        p0, q0, r0 = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
        p1, q1, r1 = cy * az - cz * ay, cz * ax - cx * az, cx * ay - cy * ax
        p2, q2, r2 = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        volume = ax * p0 + ay * q0 + az * r0
        if volume == 0.0:
            continue
        sign = 1.0 if volume > 0 else -1.0
        p0, q0, r0, p1, q1, r1 = sign * p0, sign * q0, sign * r0, sign * p1, sign * q1, sign * r1
        p2, q2, r2 = sign * p2, sign * q2, sign * r2
        scale = 1.0 / abs(volume)
        sum_p, sum_q, sum_r = (p0 + p1 + p2) * scale, (q0 + q1 + q2) * scale, (r0 + r1 + r2) * scale
        for row in range(top, bottom + 1):
            v = (row - middle_v) / focal
            row0, row1, row2, row_sum = q0 * v + r0, q1 * v + r1, q2 * v + r2, sum_q * v + sum_r
            for column in range(left, right + 1):
                u = (column - middle_u) / focal
                if p0 * u + row0 >= 0.0 and p1 * u + row1 >= 0.0 and p2 * u + row2 >= 0.0:
                    near = np.float32(sum_p * u + row_sum)
                    if near > inverse[row, column] and near < 1.0 / NEAR:
                        inverse[row, column] = near
                        seen[row, column] = t


@numba.njit(cache=True, nogil=True)
def colored(
    seen,
    vertices,
    triangles,
    owners,
    normals,
    smooth,
    colors,
    lamps,
    ups,
    light,
    backs,
    surfaces,
    lens,
    background,
    lit,
):
    """Second pass: uint8 (H, W, 3), the light that reaches the surface in each pixel times its colour.

    ``lamps`` and ``ups`` (L, 3) are the directions to the lamp and to the sky in the frame of each link, ``light`` the
    strengths of the ambient light, the sky and the lamp; ``backs`` (L, 3, 4) are link-from-camera, ``surfaces`` (L, 6)
    the texture of each link: see :func:`sims.rendering.textures.texture`. ``lit`` (H, W) is the share of the lamp's
    light that arrives, or of size (0, 0) where nothing casts a shadow.
    """
    height, width = seen.shape
    focal, middle_u, middle_v = lens
    picture = np.empty((height, width, 3), np.uint8)
    shadows = lit.shape[0] > 0
    for row in range(height):
        v = (row - middle_v) / focal
        for column in range(width):
            t = seen[row, column]
            if t < 0:
                for channel in range(3):
                    picture[row, column, channel] = background[channel]
                continue
            link = owners[t]
            textured = surfaces[link, 0] > 0
            nx, ny, nz = normals[t, 0]
            if smooth[t] or textured:
                u = (column - middle_u) / focal
                i, j, k = triangles[t]
                ax, ay, az = vertices[i]
                bx, by, bz = vertices[j]
                cx, cy, cz = vertices[k]
                a = (by * cz - bz * cy) * u + (bz * cx - bx * cz) * v + (bx * cy - by * cx)
                b = (cy * az - cz * ay) * u + (cz * ax - cx * az) * v + (cx * ay - cy * ax)
                c = (ay * bz - az * by) * u + (az * bx - ax * bz) * v + (ax * by - ay * bx)
                total = a + b + c
                a, b, c = a / total, b / total, c / total
                if smooth[t]:
                    n = normals[t]
                    nx = a * n[0, 0] + b * n[1, 0] + c * n[2, 0]
                    ny = a * n[0, 1] + b * n[1, 1] + c * n[2, 1]
                    nz = a * n[0, 2] + b * n[1, 2] + c * n[2, 2]
                    length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
                    nx, ny, nz = nx / length, ny / length, nz / length
            lamp = lamps[link]
            up = ups[link]
            facing = max(0.0, nx * lamp[0] + ny * lamp[1] + nz * lamp[2])
            if shadows:
                facing *= lit[row, column]
            sky = 0.5 + 0.5 * (nx * up[0] + ny * up[1] + nz * up[2])
            strength = light[0] + light[1] * sky + light[2] * facing
            if textured:
                z = a * az + b * bz + c * cz
                back = backs[link]
                x, y = u * z, v * z
                strength *= texture(
                    surfaces[link],
                    back[0, 0] * x + back[0, 1] * y + back[0, 2] * z + back[0, 3],
                    back[1, 0] * x + back[1, 1] * y + back[1, 2] * z + back[1, 3],
                    back[2, 0] * x + back[2, 1] * y + back[2, 2] * z + back[2, 3],
                )
            red, green, blue = colors[t]
            # Too bright a pixel is dimmed as a whole: cutting channels one by one would change its hue.
            strength = 255.0 * min(strength, 1.0 / max(red, green, blue, 1e-6))
            picture[row, column, 0] = int(strength * red + 0.5)
            picture[row, column, 1] = int(strength * green + 0.5)
            picture[row, column, 2] = int(strength * blue + 0.5)
    return picture


@numba.njit(cache=True, nogil=True)
def measured(seen, inverse, owners, codes):
    """Depth (H, W) float32, m, and PyBullet's codes (H, W) int32, -1 for nothing, of what the first pass found."""
    depth = np.empty(seen.shape, np.float32)
    ids = np.empty(seen.shape, np.int32)
    for row in range(seen.shape[0]):
        for column in range(seen.shape[1]):
            t = seen[row, column]
            depth[row, column] = np.float32(1.0) / inverse[row, column]
            ids[row, column] = codes[owners[t]] if t >= 0 else -1
    return depth, ids


@numba.njit(cache=True, nogil=True)
def lit_share(depth, seen, pose, to_lamp, lens, nearest):
    """float32 (H, W), 0 in the lamp's shadow and 1 in its light, softened over nine pixels of the lamp's view.

    ``pose`` (4, 4) is the camera's, world-from-camera, ``to_lamp`` (4, 4) lamp-from-world, ``nearest`` (S, S) one over
    the depth that the lamp sees and ``lens`` (2, 3) the focal length and middle of camera and lamp, in pixels.
    """
    height, width = depth.shape
    size = nearest.shape[0]
    share = np.ones((height, width), np.float32)
    for row in range(height):
        for column in range(width):
            if seen[row, column] < 0:
                continue
            z = depth[row, column]
            x, y = (column - lens[0, 1]) / lens[0, 0] * z, (row - lens[0, 2]) / lens[0, 0] * z
            world_x = pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3]
            world_y = pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3]
            world_z = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3]
            m = to_lamp
            away = m[2, 0] * world_x + m[2, 1] * world_y + m[2, 2] * world_z + m[2, 3]
            u = (m[0, 0] * world_x + m[0, 1] * world_y + m[0, 2] * world_z + m[0, 3]) / away * lens[1, 0] + lens[1, 1]
            v = (m[1, 0] * world_x + m[1, 1] * world_y + m[1, 2] * world_z + m[1, 3]) / away * lens[1, 0] + lens[1, 2]
            if not (2 <= u < size - 3 and 2 <= v < size - 3):
                continue
            # A surface must not shade itself: what is less than 6 mm in front of it does not count.
            limit = 1.0 / (away - 0.006)
            first_u, first_v = int(u) - 1, int(v) - 1
            part_u, part_v = u - int(u), v - int(v)
            total = 0.0
            for i in range(4):
                weight_v = 1.0 - part_v if i == 0 else (part_v if i == 3 else 1.0)
                for j in range(4):
                    weight_u = 1.0 - part_u if j == 0 else (part_u if j == 3 else 1.0)
                    if nearest[first_v + i, first_u + j] < limit:
                        total += weight_u * weight_v
            share[row, column] = total / 9.0
    return share


@numba.njit(cache=True, nogil=True)
def unprojected(pixels, depth, lens, pose):
    """float32 (N, 3): world positions of pixels, numbered row by row, of a depth picture (H, W)."""
    width = depth.shape[1]
    points = np.empty((len(pixels), 3), np.float32)
    for n in range(len(pixels)):
        row, column = pixels[n] // width, pixels[n] % width
        z = depth[row, column]
        x, y = (column - lens[1]) / lens[0] * z, (row - lens[2]) / lens[0] * z
        for axis in range(3):
            points[n, axis] = pose[axis, 0] * x + pose[axis, 1] * y + pose[axis, 2] * z + pose[axis, 3]
    return points


@numba.njit(cache=True, nogil=True)
def labelled(ids, table):
    """int32, shaped as ``ids``: the label ``table[body, link + 1]`` of every code, 0 for nothing."""
    labels = np.zeros(ids.shape, np.int32)
    for row in range(ids.shape[0]):
        for column in range(ids.shape[1]):
            code = ids[row, column]
            if code >= 0:
                labels[row, column] = table[code & 0xFFFFFF, code >> 24]
    return labels
