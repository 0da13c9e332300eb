import importlib.util
import os
from pathlib import Path

from grounding.text.static.compilation import renew

SOURCE = """
import numba

@numba.njit(cache=True)
def train(x):
    return x + 1
"""


def test_compiled_code_older_than_any_kernel_source_is_forgotten(tmp_path):
    file = tmp_path / "kernels.py"
    file.write_text(SOURCE)
    plan = importlib.util.spec_from_file_location("some.kernels", file)
    module = importlib.util.module_from_spec(plan)
    plan.loader.exec_module(module)
    renew(module.train)
    module.train(1)
    (index,) = Path(module.train.stats.cache_path).glob("kernels.train-*.nbi")
    renew(module.train)
    assert index.exists()
    os.utime(index, (1e9, 1e9))
    renew(module.train)
    assert not index.exists()
