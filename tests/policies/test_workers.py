"""Worker processes, and what becomes of them when the process that made them is killed."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from grounding.policies.workers import worker_pool

ROOT = Path(__file__).parents[2]
_told: list[str] = []


def tell(word: str) -> None:
    _told.append(word)


def listen() -> tuple[list[str], int]:
    return _told, os.getpid()


def test_each_is_started_with_what_it_needs():
    with worker_pool(1, tell, "hello") as pool:
        assert pool.submit(listen).result() == (["hello"], pool.submit(os.getpid).result())
    assert _told == []


PARENT = """
import os, sys, time
from grounding.policies.workers import worker_pool
if __name__ == "__main__":
    count = int(sys.argv[1])
    pool = worker_pool(count)
    found = [pool.submit(os.getpid) for _ in range(count)]
    workers = {one.result() for one in found}
    waiting = pool.submit(time.sleep, 0.5)
    try:
        print(*workers, flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        pool.shutdown()
        print("ended", flush=True)
"""


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("signal_sent", [signal.SIGKILL, signal.SIGTERM])
def test_they_do_not_outlive_a_killed_parent(signal_sent, tmp_path):
    (tmp_path / "parent.py").write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(tmp_path / "parent.py"), "2"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        workers = [int(word) for word in parent.stdout.readline().split()]
        assert workers and all(is_running(one) for one in workers)
        parent.send_signal(signal_sent)
    patience = time.monotonic() + 10
    while any(is_running(one) for one in workers) and time.monotonic() < patience:
        time.sleep(0.02)
    assert not any(is_running(one) for one in workers)


def test_an_interrupt_is_left_to_the_parent(tmp_path):
    """Typing Ctrl-C interrupts the whole group; the workers say nothing and finish what they do."""
    (tmp_path / "parent.py").write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(tmp_path / "parent.py"), "1"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    heed = partial(signal.signal, signal.SIGINT, signal.default_int_handler)  # a background shell ignores interrupts
    with subprocess.Popen(command, env=environment, start_new_session=True, preexec_fn=heed, **pipes) as parent:
        parent.stdout.readline()
        os.killpg(parent.pid, signal.SIGINT)
        said, errors = parent.communicate(timeout=20)
    assert (said, errors, parent.returncode) == ("ended\n", "", 0)
