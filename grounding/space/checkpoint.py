"""A space on disk: `space.toml` says how to build it, `space.safetensors` holds its weights."""

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import grounding.encoders
from grounding.encoders import Frozen
from grounding.errors import DataError, InputError, WeightsError
from grounding.files import write_atomically
from grounding.settings import to_toml
from grounding.space.model import SharedSpace

PLAN_FORMAT = "grounding-plan-1"
FORMAT = "grounding-space-2"
RECORD = "grounding"
PLAN = "space.toml"
WEIGHTS = "space.safetensors"
OWN = "frozen."


def save_space(space: SharedSpace, folder: Path) -> None:
    """See `SharedSpace.save`."""
    save_plan(space, folder / PLAN)
    save_weights(space, folder / WEIGHTS)


def load_space(folder: Path, encoders: Mapping[str, nn.Module]) -> SharedSpace:
    """See `SharedSpace.load`."""
    space = read_plan(folder / PLAN, encoders, cache=folder / "features")
    load_weights(space, folder / WEIGHTS)
    return space.eval()


# ---- How to build it


def save_plan(space: SharedSpace, path: Path) -> None:
    """Write what `read_plan` needs: the arguments of the space and, of each of `grounding`'s encoders, its own.

    Raises:
        StorageError: the file cannot be written; a file that was there before is kept.
    """
    plan: dict[str, Any] = {
        "format": PLAN_FORMAT,
        "dim": space.dim,
        "anchor": space.anchor,
        "dropout": space.dropout,
        "head": space.head,
        "intra": space.intra,
        "fusions": space.fusions,
        "encoders": {name: _described(encoder) for name, encoder in space.encoders.items()},
    }
    write_atomically(path, "# How to build this space; its weights are in space.safetensors.\n" + to_toml(plan))


def read_plan(path: Path, encoders: Mapping[str, nn.Module], cache: Path | None = None) -> SharedSpace:
    """An untrained space built as `path` says; leaves torch's generator as it was.

    Args:
        path: what `save_plan` wrote.
        encoders: modules for those that are not `grounding`'s own.
        cache: folder for the features of frozen encoders.

    Raises:
        DataError: no such file, or one that is not such a plan.
        InputError: an encoder that has to be given is not, or one is given for a modality that the space lacks.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file, expected the plan of a trained space; run `grounding train` first")
    try:
        plan = tomllib.loads(path.read_text(encoding="utf-8"))
        if plan.pop("format") != PLAN_FORMAT:
            raise ValueError(f"its format is not {PLAN_FORMAT}")
        described = plan.pop("encoders")
        if extra := sorted(set(encoders) - set(described)):
            raise InputError(f"{path}: an encoder for {extra[0]!r} was given, expected some of {sorted(described)}")
        with torch.random.fork_rng(devices=[]):
            built: dict[str, Any] = {
                name: encoders[name] if name in encoders else _built(how, f"{path}: {name}", cache)
                for name, how in described.items()
            }
            return _made(SharedSpace, plan | built)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: not the plan of a space ({type(error).__name__}: {error}); restore the file or train anew"
        ) from error


def _described(encoder: nn.Module) -> dict[str, Any]:
    kind = type(encoder).__name__
    if type(encoder) is Frozen:
        return {"class": kind, "encoder": _described(encoder.encoder)}
    if type(encoder) is _class(kind):
        return {"class": kind, **encoder.settings}  # type: ignore[dict-item]
    return {"given": f"{type(encoder).__module__}.{kind}"}


def _built(how: dict[str, Any], place: str, cache: Path | None) -> nn.Module:
    if "given" in how:
        raise InputError(
            f"{place} was encoded by {how['given']}, which is not an encoder of grounding; make one as for the "
            "training and give it: SharedSpace.load(folder, NAME=ENCODER)"
        )
    kind = how["class"]
    if kind == "Frozen":
        return Frozen(_built(how["encoder"], place, cache), cache=cache)
    known = _class(kind)
    if known is None:
        raise ValueError(f"{place}: unknown encoder {kind!r}")
    return _made(known, {name: value for name, value in how.items() if name != "class"})


def _made(kind: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    try:
        return kind(**arguments)
    except InputError as error:
        # What is in a file is not what the caller gave.
        raise ValueError(str(error)) from error


def _class(name: str) -> type[nn.Module] | None:
    """An encoder class of this package. Nothing else is ever built from a file."""
    if name == "SentenceEncoder":
        from grounding.text import SentenceEncoder

        return SentenceEncoder
    if name == "LstmEncoder":
        from grounding.text.training import LstmEncoder

        return LstmEncoder
    return getattr(grounding.encoders, name) if name in grounding.encoders.__all__ else None


# ---- Its weights


def save_weights(space: SharedSpace, path: Path | str, step: int | None = None) -> None:
    """Write the weights; the metadata says which pairs were trained for how many steps, names the frozen encoders by
    digest and, if any, the training step.

    Weights of a frozen encoder are written too, unless it finds them by itself (a `SentenceEncoder`).

    Raises:
        StorageError: the file cannot be written; a file that was there before is kept.
    """
    from safetensors.torch import save

    record = {
        "format": FORMAT,
        "fingerprint": space.fingerprint(),
        "modalities": space.modalities,
        "frozen": space.frozen_identities(),
        "step": step,
        "trained": space.trained,
    }
    state = space.state_dict() | _frozen_state(space)
    # Copies, since safetensors refuses the same memory twice, as of an encoder that serves two modalities.
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    # Under one key, since safetensors writes several in changing order and the same weights shall be the same file.
    write_atomically(Path(path), save(tensors, metadata={RECORD: json.dumps(record, sort_keys=True)}))


def load_weights(space: SharedSpace, path: Path | str) -> None:
    """Read trained weights into a space built with the same settings.

    Raises:
        DataError: no such file, a damaged one, or one of a space with other modalities or sizes.
        WeightsError: the frozen encoders are not those that the weights were trained with.
    """
    from safetensors import SafetensorError, safe_open

    file = Path(path)
    if not file.is_file():
        raise DataError(f"{file}: no such file, expected the weights of a trained space; train one first")
    try:
        with safe_open(file, framework="pt") as stream:
            record = _record(stream.metadata())
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"{file}: damaged ({error}); delete it, the run's trainer.pt or a new training restores it"
        ) from error
    if record.get("format") != FORMAT:
        raise DataError(f"{file}: format {record.get('format')!r} found, expected {FORMAT!r}; train the space anew")
    _check_which_are_frozen(space, file, record)
    own = {name: value.shape for name, value in (space.state_dict() | _frozen_state(space)).items()}
    wrong = sorted(
        name for name in own.keys() | tensors.keys() if name not in tensors or tensors[name].shape != own.get(name)
    )
    if wrong:
        raise DataError(
            f"{file}: made with other settings: modalities {record['modalities']} found, "
            f"{list(space.modalities)} expected; {len(wrong)} weights differ, such as {wrong[0]}; "
            "build the space with the settings of that run"
        )
    space.load_state_dict({name: value for name, value in tensors.items() if not name.startswith(OWN)})
    _load_frozen(space, tensors)
    _check_frozen(space, file, record["frozen"])
    space.trained = {str(pair): int(steps) for pair, steps in record.get("trained", {}).items()}
    if space.fingerprint() != record["fingerprint"]:
        raise DataError(f"{file}: damaged, its weights do not have the recorded fingerprint; delete it and train anew")


def stored(path: Path) -> dict[str, Any]:
    """What a weight file records about itself, such as "step" and "trained"; nothing if it cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            return _record(stream.metadata())
    except (SafetensorError, OSError):
        return {}


def _record(metadata: dict[str, str] | None) -> dict[str, Any]:
    try:
        return dict(json.loads((metadata or {}).get(RECORD, "{}")))
    except ValueError:
        return {}


def _finds_its_weights(frozen: Frozen) -> bool:
    return hasattr(frozen.encoder, "fingerprint")


def _frozen_state(space: SharedSpace) -> dict[str, Tensor]:
    return {
        f"{OWN}{name}.{key}": value
        for name, frozen in space.encoders.items()
        if isinstance(frozen, Frozen) and not _finds_its_weights(frozen)
        for key, value in frozen.encoder.state_dict().items()
    }


def _load_frozen(space: SharedSpace, tensors: Mapping[str, Tensor]) -> None:
    for name, frozen in space.encoders.items():
        prefix = f"{OWN}{name}."
        state = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        if state and isinstance(frozen, Frozen):
            frozen.encoder.load_state_dict(state)
            frozen.forget()


def _check_which_are_frozen(space: SharedSpace, file: Path, record: dict[str, Any]) -> None:
    different = sorted(space.frozen_identities().keys() ^ record["frozen"].keys())
    if different and set(record["modalities"]) == set(space.modalities):
        then = "frozen" if different[0] in record["frozen"] else "not frozen"
        raise DataError(
            f"{file}: the {different[0]} encoder was {then} in training and now is otherwise; give the like"
        )


def _check_frozen(space: SharedSpace, file: Path, recorded: dict[str, str]) -> None:
    for name, identity in space.frozen_identities().items():
        if recorded[name] != identity:
            raise WeightsError(
                f"{file}: trained on a frozen {name} encoder with digest {recorded[name][:16]}, found {identity[:16]}; "
                f"use the same {name} weights or train anew"
            )
