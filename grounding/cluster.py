"""Work sent to other machines: joblib on a Dask cluster, started by `launch/dask.sh`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from grounding.errors import InputError


@contextmanager
def dask_cluster(address: str, timeout: float = 10.0) -> Iterator[Any]:
    """Within the block joblib's work goes to the workers of a Dask scheduler; yields the `distributed.Client`.

    Args:
        address: of the scheduler, such as "tcp://127.0.0.1:8786", as `launch/dask.sh` prints it.
        timeout: seconds to wait for the scheduler, and again for a first worker.

    Raises:
        InputError: no scheduler answers there, it has no worker, or Dask is not installed.
    """
    import joblib

    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("dask: the package distributed is missing; install grounding[dask]") from error
    try:
        client = Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"dask: no scheduler answers at {address!r}; start one with launch/dask.sh and give the address it prints"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=timeout)
        except TimeoutError as error:
            raise InputError(
                f"dask: the scheduler at {address!r} has no worker; start some with launch/dask.sh worker {address} 2"
            ) from error
        with joblib.parallel_config(backend="dask", client=client):
            yield client
