"""From an instruction and an observation to robot actions, and the statistics of what came of them."""
