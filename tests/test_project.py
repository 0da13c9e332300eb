import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest

import grounding

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = dict(
    line.split("==") for line in (ROOT / "launch/constraints.txt").read_text().splitlines() if not line.startswith("#")
)
SCRIPTS = (
    *("launch/quickstart.sh", "launch/test.sh", "launch/bench.sh", "launch/torchrun.sh", "launch/slurm.sbatch"),
    *("launch/dask.sh", "launch/install.sh", ".ci/run"),
)
SOURCES = [path for folder in ("grounding", "sims") for path in sorted((ROOT / folder).rglob("*.py"))]


def canonical(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", requirement)[0]).lower()


def test_version_agrees():
    assert grounding.__version__ == PROJECT["project"]["version"]


def test_public_names_load_on_use():
    for name in grounding.__all__:
        assert getattr(grounding, name) is not None
    assert set(grounding.__all__) <= set(dir(grounding))
    with pytest.raises(AttributeError, match="Nothing"):
        _ = grounding.Nothing


def test_importing_the_package_loads_nothing_heavy():
    program = "import sys, grounding; print(sorted({'torch', 'numpy', 'transformers', 'open3d'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_dependency_is_pinned_exactly():
    declared = [*PROJECT["project"]["dependencies"]]
    for extra in PROJECT["project"]["optional-dependencies"].values():
        declared += extra
    assert {canonical(name) for name in declared} <= set(PINS)
    assert all(re.fullmatch(r"[0-9][0-9A-Za-z.+!]*", version) for version in PINS.values())
    assert not any("+" in version for version in PINS.values()), "a local version is on one machine only"


def test_what_dependencies_need_is_pinned_too():
    from packaging.requirements import Requirement

    needed = [Requirement(line) for name in PINS for line in _requires(name)]
    active = {canonical(need.name) for need in needed if need.marker is None or need.marker.evaluate({"extra": ""})}
    assert active <= set(PINS)


def _requires(name: str) -> list[str]:
    try:
        return requires(name) or []
    except ImportError:
        return []


def test_constraints_name_no_host():
    assert "/" not in (ROOT / "launch/constraints.txt").read_text()


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_sound(script):
    subprocess.run(["bash", "-n", ROOT / script], check=True)
    if script != "launch/install.sh":
        assert os.access(ROOT / script, os.X_OK)


def test_a_finished_installation_is_not_repeated(tmp_path):
    """The stamp decides, and a change of what was installed, a kill half way or another extra undoes it."""
    script = tmp_path / "a folder" / "launch" / "install.sh"
    script.parent.mkdir(parents=True)
    script.write_bytes((ROOT / "launch/install.sh").read_bytes())
    (script.parent / "constraints.txt").write_text("x==1\n")
    (script.parents[1] / "pyproject.toml").write_text("")
    venv = script.parents[1] / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)

    def current(*extras: str) -> bool:
        command = f'source "{script}"; cd "$root"; is_current {" ".join(extras)}'
        return subprocess.run(["bash", "-c", command], cwd="/", check=False).returncode == 0

    assert not current("offline")
    command = f'source "{script}"; cd "$root"; fingerprint'
    stamp = subprocess.run(["bash", "-c", command], cwd="/", check=True, capture_output=True).stdout
    (venv / "stamp-offline").write_bytes(stamp)
    assert current("offline")
    assert not current("offline", "test")
    (venv / "unfinished").touch()
    assert not current("offline")
    (venv / "unfinished").unlink()
    (script.parent / "constraints.txt").write_text("x==2\n")
    assert not current("offline")


def test_bench_lists_its_names():
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.report", "nonsense"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: no measurements named 'nonsense'; expected one of: ")
    assert "space" in done.stderr and "sims" in done.stderr


@pytest.mark.slow
def test_the_wheel_carries_everything(tmp_path):
    """Built without a network: hatchling is called directly, as pip would call it."""
    pytest.importorskip("hatchling")
    program = f"import hatchling.build as b; print(b.build_wheel({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("grounding/py.typed", "grounding/reports/report.css", "grounding/data/README.md",
                 "grounding/data/wordings/OpenDrawer.toml", "sims/wordings/OpenDrawer.toml",
                 "sims/__init__.py"):  # fmt: skip
        assert name in names
    assert not any(name.startswith(("tests/", "launch/")) or "__pycache__" in name for name in names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_keep_the_house_rules(path):
    text = path.read_text()
    assert len(text.splitlines()) < 400
    for line in text.splitlines():
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", line), line
        assert not re.search(r"/(work|tmp)/", line), line
    assert "pickle=True" not in text and "weights_only=False" not in text


def test_sims_knows_nothing_of_grounding():
    for path in sorted((ROOT / "sims").rglob("*.py")):
        assert not {name for name in _imports(path) if name.split(".")[0] == "grounding"}, path


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("text", ("datasets", "encoders", "space", "library", "trajectories", "policies", "reports", "cli")),
        ("encoders", ("space", "library", "trajectories", "policies", "reports", "cli")),
        ("space", ("library", "trajectories", "policies", "reports", "cli")),
        ("trajectories", ("library", "policies", "reports", "cli")),
        ("library", ("policies", "reports", "cli")),
        ("policies", ("reports", "cli")),
        ("reports", ("cli",)),
        (
            "alignment",
            ("datasets", "text", "encoders", "space", "library", "trajectories", "policies", "reports", "cli"),
        ),
        (
            "datasets",
            ("alignment", "text", "encoders", "space", "library", "trajectories", "policies", "reports", "cli"),
        ),
    ],
)
def test_arrows_point_down(room, forbidden):
    for path in sorted((ROOT / "grounding" / room).rglob("*.py")):
        imported = _imports(path)
        for other in forbidden:
            upward = {name for name in imported if (name + ".").startswith(f"grounding.{other}.")}
            assert not upward, f"{path.relative_to(ROOT)} imports {upward}"
        assert room == "cli" or "sims" not in {name.split(".")[0] for name in imported}, path


def test_files_settings_and_errors_stand_at_the_bottom():
    """Every room may use them, so they use nothing but the standard library."""
    bottom = (
        ("errors", set()),
        ("files", {"grounding.errors"}),
        ("settings", {"grounding.errors", "grounding.files", "grounding.files.write_atomically"}),
    )
    for name, allowed in bottom:
        imported = _imports(ROOT / "grounding" / f"{name}.py")
        foreign = {one for one in imported if one.split(".")[0] not in sys.stdlib_module_names}
        assert {one for one in foreign if not one.startswith("grounding.errors.")} == allowed, name


def test_only_one_module_replaces_files():
    for path in SOURCES:
        assert path.name == "files.py" or "os.replace(" not in path.read_text(), path


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
