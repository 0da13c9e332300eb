"""Synthetic fMRI of people who hear stories."""

from collections.abc import Mapping, Sequence

import numpy as np

from grounding.brain.features.haemodynamics import LENGTH, canonical_hrf
from grounding.brain.recording import Features, Transcript
from grounding.brain.synthetic.planting import Channels, Design, Response, heard, one_source_each, simulate
from grounding.brain.synthetic.truth import Region, Simulation
from grounding.errors import InputError

FMRI_REGIONS = (
    Region("Heschl", (-0.044, -0.022, 0.008), None, ceiling=0.3, word_rate=0.3, sound=0.7),
    Region("STG", (-0.058, -0.024, 0.004), 0.2, ceiling=0.25),
    Region("MTG", (-0.058, -0.042, -0.004), 0.4, ceiling=0.2),
    Region("AG", (-0.046, -0.062, 0.028), 0.8, ceiling=0.15),
    Region("ATL", (-0.046, 0.012, -0.026), 0.6, ceiling=0.15),
    Region("IFG", (-0.050, 0.024, 0.012), 1.0, ceiling=0.2),
    Region("calcarine", (-0.008, -0.080, 0.008), None, ceiling=0.0),
)
"""Left-hemisphere regions, about where MNI atlases have them; the calcarine cortex hears nothing."""

GRID = 0.004
"""Metres between neighbouring voxels."""


def simulate_fmri(
    layers: Sequence[Features] | None = None,
    transcripts: Mapping[str, Transcript] | None = None,
    *,
    stories: int = 4,
    minutes: float = 4.0,
    tr: float = 2.0,
    regions: Sequence[Region] = FMRI_REGIONS,
    voxels: int = 20,
    subjects: int = 1,
    repeats: int = 1,
    autocorrelation: float = 0.4,
    individuality: float = 0.5,
    seed: int = 0,
) -> Simulation:
    """Voxels that follow the layers of a model through the canonical haemodynamic response, in AR(1) noise.

    A region follows three random combinations of its layer's columns, which are the same for all subjects; each voxel
    mixes the three in its own way. To that come responses to the mere number of words and to loudness. Everything is
    exact at the sampled times: `grounding.brain.features.word_hrf` of the region's layer and of ones spans what the
    words put there.

    Args:
        layers: (W, p) for the words of each story; `made_up_layers` unless given.
        transcripts: by story, from which on a run's clock begins at 0; made up unless given.
        stories: how many to make up; each is one run for each subject and repeat.
        minutes: length of each made-up story.
        tr: seconds from one volume to the next.
        regions: what is planted where.
        voxels: in each region.
        subjects: who share the regions' series and, by 1 - ``individuality``, the voxels' mixtures.
        repeats: how often each story is heard; noise differs, the response does not.
        autocorrelation: of the noise from one volume to the next.
        individuality: 0 where a voxel responds alike in all subjects, to 1 where it mixes anew in each.
        seed: of everything.

    Returns:
        Recording in standard deviations of the noise, positions in MNI space on a 4 mm grid, and the truth.

    Raises:
        InputError: numbers out of range, layers without transcripts or of another number of words.

    Example:
        >>> made = simulate_fmri(subjects=2, seed=0)
        >>> made.truth.ceiling[:3].round(2), made.truth.regions[0]
    """
    if not (np.isfinite(tr) and tr > 0) or voxels < 1:
        raise InputError(f"tr {tr} s, {voxels} voxels: expected a repetition time above 0 and at least 1 voxel")
    heard_stories, by_word = heard(transcripts, layers, stories=stories, minutes=minutes, start=6.0, seed=seed)
    design = Design(
        heard_stories, by_word, tuple(regions), subjects, repeats, autocorrelation, individuality, seed
    )  # fmt: skip
    return simulate(
        "fmri", design, _voxels(design.regions, voxels), rate=1 / tr, after=12.0, response=_haemodynamic,
        sound_lag=0.0, unit=1.0,
    )  # fmt: skip


def _haemodynamic(lag: float) -> Response:
    return Response(lambda seconds: canonical_hrf(seconds - lag), lag, lag + LENGTH)


def _voxels(regions: tuple[Region, ...], each: int) -> Channels:
    """The free places of the grid that are nearest to the centre of each region."""
    taken: dict[tuple[int, int, int], str] = {}
    for region in regions:
        middle = np.round(np.asarray(region.centre) / GRID).astype(int)
        reach = int(np.ceil(each ** (1 / 3))) + len(regions)
        offsets = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), -1).reshape(-1, 3)
        by_distance = offsets[np.argsort((offsets**2).sum(1), kind="stable")]
        free = [place for place in map(tuple, (middle + by_distance).tolist()) if place not in taken]
        taken.update({place: f"{region.name}-{n + 1}" for n, place in enumerate(free[:each])})
    spread = one_source_each([each] * len(regions))
    return Channels(tuple(taken.values()), (np.array(list(taken)) * GRID).astype(np.float32), spread)
