"""Solid textures: how much lighter or darker a surface is at a place, so that its hue stays what words call it."""

import numba
import numpy as np

TEXTURES = ("plain", "noise", "checker", "stripes", "wood")
"""In the order of the numbers that :func:`texture` knows them by."""


@numba.njit(cache=True, nogil=True)
def texture(surface, x, y, z):
    """Factor on the lightness at x, y, z (m, in the link's frame), between 1 - 2 contrast and 1.

    ``surface`` (6,) is the number of the texture in :data:`TEXTURES`, its features per metre, its contrast, and a
    shift in three numbers.
    """
    kind, density, contrast = int(surface[0]), surface[1], surface[2]
    x, y, z = x * density + surface[3], y * density + surface[4], z * density + surface[5]
    if kind == 1:
        dark = 0.5 * _noise(x, y, z) + 0.3 * _noise(2 * x, 2 * y, 2 * z) + 0.2 * _noise(4 * x, 4 * y, 4 * z)
    elif kind == 2:
        dark = float((int(np.floor(x)) + int(np.floor(y)) + int(np.floor(z))) & 1)
    elif kind == 3:
        dark = float(int(np.floor(x + y + z)) & 1)
    elif kind == 4:
        # Rings around a trunk along y, bent a little.
        rings = 2 * np.sqrt(x * x + z * z) + 1.5 * _noise(x, 0.2 * y, z)
        dark = 0.7 * abs(2 * (rings - np.floor(rings)) - 1) + 0.3 * _noise(8 * x, 0.5 * y, 8 * z)
    else:
        dark = 0.0
    return 1.0 - 2.0 * contrast * dark


@numba.njit(cache=True, nogil=True)
def _noise(x, y, z):
    """Value noise, 0 ... 1: numbers at whole places, blended smoothly between them."""
    i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    a, b, c = x - i, y - j, z - k
    a, b, c = a * a * (3 - 2 * a), b * b * (3 - 2 * b), c * c * (3 - 2 * c)
    total = 0.0
    for corner in range(8):
        right, high, far = corner & 1, (corner >> 1) & 1, corner >> 2
        weight = (a if right else 1 - a) * (b if high else 1 - b) * (c if far else 1 - c)
        total += weight * _hashed(i + right, j + high, k + far)
    return total


@numba.njit(cache=True, nogil=True)
def _hashed(i, j, k):
    """A number 0 ... 1 that looks random, of three whole ones."""
    mixed = (i * 374761393 + j * 668265263 + k * 2147483647) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((mixed ^ (mixed >> 16)) & 0xFFFF) / 65535.0
