"""Running `grounding` as a person does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grounding.cli.main import main

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "120"}


def start(*words: object, **options: object) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "grounding.cli.main", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": ENVIRONMENT}
    return subprocess.Popen(command, **{**pipes, **options})  # type: ignore[call-overload]


def complaint(*words: object, **options: object) -> str:
    """The one line that a command which cannot be carried out says on standard error."""
    process = start(*words, **options)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2, errors
    return one_line(errors)


def one_line(errors: str) -> str:
    assert errors.startswith("error: ") and errors.count("\n") == 1 and errors.endswith("\n"), errors
    return errors.removeprefix("error: ").rstrip("\n")


@pytest.fixture
def refused(capfd):
    """As `complaint`, in this process, for commands that load a space."""

    def refused(*words: object) -> str:
        capfd.readouterr()
        assert main([str(word) for word in words]) == 2
        return one_line(capfd.readouterr().err)

    return refused


@pytest.fixture
def run(capfd):
    """Runs a command in this process and returns what it prints."""

    def run(*words: object) -> str:
        capfd.readouterr()
        assert main([str(word) for word in words]) == 0
        return capfd.readouterr().out

    return run
