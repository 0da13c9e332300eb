from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from grounding.errors import DataError, InputError, StorageError
from grounding.settings import read_settings, to_toml, write_settings


@dataclass(frozen=True)
class Inner:
    rate: float = 3e-4
    tasks: tuple[str, ...] = ("a", "b")
    limit: int | None = None


@dataclass(frozen=True)
class Outer:
    name: str = 'quotes " and \\ and\nnewline and ü'
    data: Path = Path("some folder/x")
    steps: int = 10
    fast: bool = True
    warmup: float = 2.0
    size: tuple[int, float] = (3, 0.5)
    kind: Literal["one", "two"] = "one"
    where: Path | None = None
    inner: Inner = Inner()
    other: Inner | None = None
    names: dict[str, int] = field(default_factory=lambda: {"a b": 1, "c": 2})


@pytest.mark.parametrize(
    "settings",
    [
        Outer(),
        Outer(where=Path("/x"), other=Inner(limit=3), inner=Inner(tasks=()), kind="two", fast=False),
        Outer(warmup=float("inf"), names={}, name=""),
        Outer(inner=Inner(rate=1e-12, tasks=("\x00\x7f", "[x]", "a.b = 1"))),
    ],
)
def test_round_trip(settings, tmp_path):
    path = tmp_path / "run" / "config.toml"
    write_settings(settings, path)
    assert read_settings(Outer, path) == settings
    assert [file.name for file in path.parent.iterdir()] == ["config.toml"]


def test_types_come_back(tmp_path):
    path = tmp_path / "config.toml"
    write_settings(Outer(warmup=2), path)
    back = read_settings(Outer, path)
    assert type(back.warmup) is float and isinstance(back.data, Path) and type(back.inner.tasks) is tuple


@pytest.mark.parametrize(
    ("line", "by", "parts"),
    [
        ("steps = 10", "steps = 10\nspeed = 1", ("unknown setting speed", "steps")),
        ("steps = 10\n", "", ("setting steps is missing",)),
        ("steps = 10", 'steps = "ten"', ("steps is 'ten' of type str", "expected int")),
        ("steps = 10", "steps = true", ("steps is True of type bool", "expected int")),
        ("fast = true", "fast = 1", ("fast is 1", "expected bool")),
        ('kind = "one"', 'kind = "three"', ("kind is 'three'", "one", "two")),
        ("size = [3, 0.5]", "size = [3]", ("size is [3]", "tuple[int, float]")),
        ("rate = 0.0003", "rate = 0.0003\nmore = 1", ("unknown setting inner.more",)),
        ('tasks = ["a", "b"]', 'tasks = ["a", 1]', ("inner.tasks[1] is 1", "expected str")),
        ("steps = 10", "steps = = 10", ("not readable as TOML",)),
    ],
)
def test_errors_name_file_key_found_and_expected(line, by, parts, tmp_path):
    path = tmp_path / "config.toml"
    write_settings(Outer(), path)
    text = path.read_text()
    assert line in text
    path.write_text(text.replace(line, by))
    with pytest.raises(DataError) as caught:
        read_settings(Outer, path)
    for part in (str(path), *parts):
        assert part in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_settings(Outer, tmp_path / "config.toml")


def test_a_value_that_toml_cannot_hold():
    with pytest.raises(InputError, match="data: found <object"):
        to_toml(replace(Outer(), data=object()))


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(StorageError, match="config.toml"):
        write_settings(Outer(), tmp_path / "run" / "config.toml")


def test_mappings_and_anything(tmp_path):
    @dataclass(frozen=True)
    class Loose:
        values: Mapping[str, Any] = field(default_factory=dict)

    path = tmp_path / "config.toml"
    write_settings(Loose({"a": 1, "b": {"c": [1.5, 2.5]}}), path)
    assert read_settings(Loose, path).values == {"a": 1, "b": {"c": [1.5, 2.5]}}
