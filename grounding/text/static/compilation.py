"""How kernels are compiled by numba, and when what it compiled before is out of date."""

from contextlib import suppress
from pathlib import Path
from typing import Any

# Kernels allocate nothing, so that they need no counts of references (_nrt), which would cost a fifth of the time.
_COMMON = {"_nrt": False, "nogil": True, "fastmath": True, "error_model": "numpy"}
OPTIONS = _COMMON | {"cache": True}
# A function that only kernels call is made part of them, and needs no entry from Python, which would take long to
# compile.
INNER = _COMMON | {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def renew(kernel: Any) -> None:
    """Forget the compiled code of a kernel if any module of this folder has changed since.

    numba keeps compiled code until the file of the function itself changes; kernels here are made of functions of
    several files.

    Args:
        kernel: a function compiled with `OPTIONS`, at the end of its module.
    """
    name = kernel.py_func.__module__.rpartition(".")[2]
    # The folder may belong to somebody else, whose files are then as good as they were.
    with suppress(OSError):
        changed = max(source.stat().st_mtime for source in Path(__file__).parent.glob("*.py"))
        for index in Path(kernel.stats.cache_path).glob(f"{name}.{kernel.py_func.__name__}-*.nbi"):
            if index.stat().st_mtime < changed:
                index.unlink(missing_ok=True)
