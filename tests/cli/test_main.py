import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from grounding.cli import main as cli

EXAMPLE = '''
from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from grounding.errors import InputError


@dataclass(frozen=True)
class Example:
    """Do what the example does.

    And explain at length.
    """

    steps: int = 3
    """How many steps."""
    out: Path | None = None
    """Where to write."""
    ending: str = "well"
    """How it ends."""


def run(settings: Example) -> None:
    print(f"steps {settings.steps} out {settings.out}")
    match settings.ending:
        case "input":
            raise InputError("words: found none,\\n  expected some")
        case "interrupt":
            raise KeyboardInterrupt
        case "disk":
            raise OSError(errno.ENOSPC, "No space left on device", "runs/x.bin")
        case "defect":
            raise OSError(errno.EIO, "Input/output error")
        case "flood":
            for number in range(100_000):
                print("line", number)
'''


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Two commands, importable for the time of the test."""
    (tmp_path / "example.py").write_text(EXAMPLE)
    (tmp_path / "other_thing.py").write_text(EXAMPLE.replace("class Example", "class OtherThing"))
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("example", "other_thing"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return "example", "other_thing"


def test_runs_the_command_with_its_settings(commands, capsys):
    assert cli.main(["example", "--steps", "7", "--out", "x y/z"], commands) == 0
    assert capsys.readouterr().out == "steps 7 out x y/z\n"


def test_bad_input_is_one_line_and_status_2(commands, capsys):
    assert cli.main(["other_thing", "--ending", "input"], commands) == 2
    assert capsys.readouterr().err == "error: words: found none, expected some\n"


def test_interrupt_says_that_it_resumes(commands, capsys):
    assert cli.main(["example", "--ending", "interrupt"], commands) == 130
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and "same command again" in message


def test_full_disk_is_one_line(commands, capsys):
    assert cli.main(["example", "--ending", "disk"], commands) == 2
    assert capsys.readouterr().err.startswith("error: runs/x.bin: no space left")


def test_a_defect_keeps_its_traceback(commands):
    with pytest.raises(OSError, match="Input/output"):
        cli.main(["example", "--ending", "defect"], commands)


@pytest.mark.parametrize("words", [["exampel"], ["example", "--stepz", "3"], ["example", "--steps", "many"]])
def test_words_not_understood_exit_2(commands, words, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(words, commands)
    assert stop.value.code == 2


def test_help_lists_each_command_with_its_first_line(commands, capsys):
    for words in ([], ["--help"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(words, commands)
        assert stop.value.code == 0
        shown = capsys.readouterr().out
        assert "example" in shown and "other_thing" in shown
        assert "Do what the example does." in shown and "explain at length" not in shown


def test_help_of_a_command_shows_settings_and_the_whole_text(commands, capsys):
    with pytest.raises(SystemExit):
        cli.main(["example", "--help"], commands)
    shown = capsys.readouterr().out
    assert "explain at length" in shown and "How many steps." in shown and "usage: grounding example" in shown


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("grounding 0.")


def test_a_reader_that_leaves_is_no_error(commands, tmp_path):
    program = f"import sys; from grounding.cli.main import main; sys.exit(main(commands={commands!r}))"
    script = f'"{sys.executable}" -c "{program}" example --ending flood | head -n 1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=_environment(tmp_path), check=True
    )
    assert done.stdout.splitlines() == ["steps 3 out None", "141"]
    assert done.stderr == ""


def test_the_real_commands_have_help(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    for name in ("demo", "collect", "train", "index", "search", "evaluate"):
        assert name in shown


def test_help_imports_nothing_heavy(tmp_path):
    program = textwrap.dedent("""
        import sys, time
        from grounding.cli.main import main
        try:
            main(["--help"])
        except SystemExit:
            pass
        heavy = {"torch", "transformers", "open3d", "pybullet", "sklearn", "matplotlib", "mne", "nilearn", "pyarrow"}
        print(sorted(heavy & set(sys.modules)), time.process_time())
    """)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=_environment(tmp_path), check=True
    )
    loaded, seconds = done.stdout.splitlines()[-1].rsplit(maxsplit=1)
    assert loaded == "[]"
    assert float(seconds) < 0.5


def _environment(folder: Path) -> dict[str, str]:
    root = Path(cli.__file__).parents[2]
    return {"PYTHONPATH": f"{root}:{folder}", "PATH": "/usr/bin:/bin", "COLUMNS": "100"}
