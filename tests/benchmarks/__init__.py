"""Measurements beside peers: each module here has `measure() -> list[dict]`; `launch/bench.sh` runs one."""
