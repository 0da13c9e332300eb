"""A space's trained weights on disk: one safetensors file, without the weights of frozen encoders."""

import json
from pathlib import Path
from typing import Any

from grounding.errors import DataError, WeightsError
from grounding.files import write_atomically
from grounding.space.model import SharedSpace

FORMAT = "grounding-space-1"
RECORD = "grounding"


def save_weights(space: SharedSpace, path: Path | str, step: int | None = None) -> None:
    """Write the trained weights; the metadata names the frozen encoders by digest, the training step, if any, and the
    settings of a space that `build_space` made.

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
        "settings": space.settings,
    }
    tensors = {name: value.detach().cpu().contiguous() for name, value in space.state_dict().items()}
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
    _check_frozen(space, file, record["frozen"])
    own = {name: value.shape for name, value in space.state_dict().items()}
    wrong = sorted(
        name for name in own.keys() | tensors.keys() if name not in tensors or tensors[name].shape != own.get(name)
    )
    if wrong:
        raise DataError(
            f"{file}: made with other settings: modalities {record['modalities']} found, "
            f"{list(space.modalities)} expected; {len(wrong)} weights differ, such as {wrong[0]}; "
            "build the space with the settings of that run"
        )
    space.load_state_dict(tensors)
    if space.fingerprint() != record["fingerprint"]:
        raise DataError(f"{file}: damaged, its weights do not have the recorded fingerprint; delete it and train anew")


def stored(path: Path) -> dict[str, Any]:
    """What a weight file records about itself, such as "step" and "settings"; nothing if it cannot be read."""
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


def _check_frozen(space: SharedSpace, file: Path, recorded: dict[str, str]) -> None:
    for name, identity in space.frozen_identities().items():
        if name in recorded and recorded[name] != identity:
            raise WeightsError(
                f"{file}: trained on a frozen {name} encoder with digest {recorded[name][:16]}, found {identity[:16]}; "
                f"use the same {name} weights or train anew"
            )
