import numpy as np
import pytest

from sims.sampling import scatter


def test_scattered_things_keep_apart_from_one_another_and_from_what_is_there(generator):
    radii, taken = [0.03, 0.05, 0.02, 0.04], [((0.5, 0.0), 0.08)]
    for _ in range(50):
        places = scatter(generator, radii, (0.3, -0.3), (0.7, 0.3), 0.04, taken)
        circles = [*zip(places, radii, strict=True), *taken]
        for index, (place, radius) in enumerate(circles):
            assert 0.3 <= place[0] <= 0.7 and -0.3 <= place[1] <= 0.3
            for other, far in circles[:index]:
                assert np.hypot(place[0] - other[0], place[1] - other[1]) >= radius + far + 0.04 - 1e-12


def test_what_does_not_fit_is_refused(generator):
    with pytest.raises(ValueError, match=r"9 things of radii .* do not fit"):
        scatter(generator, [0.1] * 9)
