"""What does an embedding explain of a brain recording that nothing duller explains?

Run: python launch/examples/what_a_recording_holds.py

The recording is synthetic, so the answer is known: layer 2 drives MTG, its neighbour drives STG, and nothing drives the
calcarine voxels. Yours comes from `grounding.brain.readers` (BIDS, MNE, NIfTI, tables) or from arrays:
`Run("run-1", data, rate=0.5, transcript=transcript)`.
"""

import numpy as np

from grounding.brain import EncodingModel, LeaveOneOut
from grounding.brain.features import averaged
from grounding.brain.synthetic import simulate_fmri

made = simulate_fmri(stories=4, minutes=6.0, voxels=4, seed=0)
layer = averaged(made.layers[2], made.recording)
model = EncodingModel(layer, delays=(1, 2, 3, 4), folds=LeaveOneOut("run"), permutations=200, draws=5)
result = model.fit(made.recording)

print(result.audit())
regions = np.array(made.truth.regions)
for region in dict.fromkeys(made.truth.regions):
    print(f"{region:<10} unique r² {result.unique[regions == region].mean():+.3f}")
