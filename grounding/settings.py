"""A run's settings on disk: one frozen dataclass written as TOML into the run folder and read back from it.

    @dataclass(frozen=True)
    class Train:
        steps: int = 2000
        data: Path = Path("runs/demo/demonstrations")

    write_settings(Train(), Path("runs/demo/config.toml"))
    settings = read_settings(Train, Path("runs/demo/config.toml"))

Fields may be booleans, numbers, strings, paths, None, literals, tuples, dictionaries with string keys, and further
dataclasses. None is written by leaving the key out.
"""

import dataclasses
import tomllib
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from grounding.errors import DataError, InputError
from grounding.files import write_atomically

T = TypeVar("T")


def write_settings(settings: Any, path: Path) -> None:
    """Write a dataclass as TOML, atomically.

    Raises:
        InputError: a value that TOML cannot hold.
        StorageError: the file cannot be written.
    """
    text = f"# Settings of this run ({type(settings).__name__}). A key left out is none.\n" + to_toml(settings)
    write_atomically(path, text)


def read_settings(kind: type[T], path: Path) -> T:
    """Read a dataclass back from the TOML that `write_settings` wrote.

    Raises:
        DataError: the file is missing or no TOML, a key is unknown or missing, or a value has the wrong type; the
            message names the file, the key, what was found and what was expected.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; expected the settings of a run; run `grounding train` first") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path}: not readable as TOML ({error}); restore the file or start a new run") from error
    return _build(kind, values, str(path), "")


def to_toml(settings: Any) -> str:
    """The TOML text of a dataclass: plain values first, then one table for each nested dataclass or dictionary."""
    return "".join(_table(_members(settings), ()))


def _members(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (dataclasses.is_dataclass(value) and not isinstance(value, type))


def _table(members: Mapping[str, Any], place: tuple[str, ...]) -> list[str]:
    present = {name: value for name, value in members.items() if value is not None}
    lines = [f"\n[{'.'.join(map(_key, place))}]\n"] if place else []
    for name, value in present.items():
        if not _is_table(value):
            lines.append(f"{_key(name)} = {_value(value, '.'.join((*place, name)))}\n")
    for name, value in present.items():
        if _is_table(value):
            lines += _table(_members(value), (*place, name))
    return lines


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare else _string(name)


def _value(value: Any, place: str) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(int(value))
        case float():
            # TOML wants a fraction or an exponent; repr of a float always has one, or is inf or nan.
            return repr(float(value))
        case str():
            return _string(value)
        case Path():
            return _string(str(value))
        case tuple() | list():
            return "[" + ", ".join(_value(item, place) for item in value) + "]"
    raise InputError(
        f"{place}: found {value!r} of type {type(value).__name__}; expected a boolean, number, string, path, tuple of "
        "these, dictionary or dataclass, which are what TOML can hold"
    )


def _string(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    safe = "".join(escapes.get(c) or (f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c) for c in text)
    return f'"{safe}"'


def _build(kind: type[T], values: Any, path: str, place: str) -> T:
    if not isinstance(values, dict):
        raise _wrong(path, place, values, f"a table with the settings of {kind.__name__}")
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}  # type: ignore[arg-type]
    prefix = f"{place}." if place else ""
    if unknown := sorted(set(values) - set(fields)):
        raise DataError(
            f"{path}: unknown setting {prefix}{unknown[0]}; expected among {', '.join(sorted(fields))}. "
            "Remove the line, or use the version of grounding that wrote it"
        )
    arguments = {}
    for name in fields:
        if name in values:
            arguments[name] = _convert(hints[name], values[name], path, prefix + name)
        elif _admits_none(hints[name]):
            arguments[name] = None
        else:
            raise DataError(f"{path}: the setting {prefix}{name} is missing; add the line, or start a new run")
    return kind(**arguments)


def _admits_none(hint: Any) -> bool:
    return hint is None or hint is type(None) or any(_admits_none(option) for option in _options(hint))


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else ()


def _convert(hint: Any, value: Any, path: str, place: str) -> Any:
    if options := _options(hint):
        return _first_fit(options, hint, value, path, place)
    origin, parameters = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, path, place)  # type: ignore[arg-type]
    if origin is Literal and value in parameters and type(value) in {type(choice) for choice in parameters}:
        return value
    if origin is tuple and isinstance(value, list):
        return _convert_tuple(parameters, hint, value, path, place)
    if origin in (dict, Mapping) and isinstance(value, dict):
        return {key: _convert(parameters[1], item, path, f"{place}.{key}") for key, item in value.items()}
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint in (bool, int, str) and type(value) is hint:
        return value
    if hint is Any:
        return value
    raise _wrong(path, place, value, _name(hint))


def _first_fit(options: tuple[Any, ...], hint: Any, value: Any, path: str, place: str) -> Any:
    for option in options:
        try:
            return _convert(option, value, path, place)
        except DataError:
            continue
    raise _wrong(path, place, value, _name(hint))


def _convert_tuple(parameters: tuple[Any, ...], hint: Any, value: list[Any], path: str, place: str) -> tuple[Any, ...]:
    if parameters and parameters[-1] is Ellipsis:
        kinds = parameters[:1] * len(value)
    elif len(parameters) == len(value):
        kinds = parameters
    else:
        raise _wrong(path, place, value, _name(hint))
    pairs = zip(kinds, value, strict=True)
    return tuple(_convert(kind, item, path, f"{place}[{i}]") for i, (kind, item) in enumerate(pairs))


def _name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")


def _wrong(path: str, place: str, value: Any, expected: str) -> DataError:
    return DataError(
        f"{path}: {place} is {value!r} of type {type(value).__name__}; expected {expected}. "
        "Correct the line, then try again"
    )
