"""Bodies generated from numbers: cabinets, button panels, dials, blocks and bins."""
