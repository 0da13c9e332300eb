"""Encoders of brain recordings: subjects apart, trunk shared, latencies kept."""

import csv
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from grounding.encoders import NeuralEncoder, Padded, VoxelEncoder
from grounding.encoders.data import gather, select
from grounding.encoders.neural import robust
from grounding.encoders.subjects import standardised
from grounding.errors import InputError

SUBJECTS = {"S2": 5, "S1": 7}


def epochs(count: int, channels: int = 7, time: int = 100, seed: int = 0) -> Tensor:
    return torch.randn(count, channels, time, generator=torch.Generator().manual_seed(seed))


def two_subjects(time: int = 100) -> dict[str, Any]:
    signal = Padded.stack([epochs(1, 7, time)[0], epochs(1, 5, time, 1)[0], epochs(1, 7, time, 2)[0]])
    return {"signal": signal, "subject": ["S1", "S2", "S1"]}


def patterns() -> dict[str, Any]:
    return {
        "signal": Padded.stack([epochs(1)[0, :, 0], epochs(1, 5)[0, :, 0], epochs(1, seed=2)[0, :, 0]]),
        "subject": ["S1", "S2", "S1"],
    }


@pytest.fixture
def encoder() -> NeuralEncoder:
    torch.manual_seed(0)
    return NeuralEncoder(SUBJECTS, width=32).eval()


@pytest.fixture
def voxels() -> VoxelEncoder:
    torch.manual_seed(0)
    return VoxelEncoder(SUBJECTS, width=32).eval()


def test_a_recording_has_the_same_features_alone_and_in_a_mixed_batch(
    encoder: NeuralEncoder, voxels: VoxelEncoder
) -> None:
    for module, data in ((encoder, two_subjects()), (voxels, patterns())):
        together = module(data)
        assert together.shape == (3, 32)
        for row, subject in enumerate(data["subject"]):
            own = data["signal"].values[row, : SUBJECTS[subject]]
            alone = module({"signal": own[None], "subject": [subject]})
            torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-4)
        for order in ([1, 0, 2], [2, 0, 1]):
            torch.testing.assert_close(module(select(data, order)), together[order], atol=1e-5, rtol=1e-4)


def test_what_stands_in_padding_does_not_matter(encoder: NeuralEncoder, voxels: VoxelEncoder) -> None:
    for module, data in ((encoder, two_subjects()), (voxels, patterns())):
        expected, target = module(data), module.reconstruction_target(data)
        data["signal"].values[1, 5:] = 9.0
        torch.testing.assert_close(module(data), expected, rtol=0, atol=0)
        torch.testing.assert_close(module.reconstruction_target(data), target, rtol=0, atol=0)


def test_subjects_have_their_own_layer_and_share_the_rest(encoder: NeuralEncoder, voxels: VoxelEncoder) -> None:
    for module, data, layers in (
        (encoder, two_subjects(), encoder.spatial.layers),
        (voxels, patterns(), voxels.first.layers),
    ):
        only = {"signal": data["signal"].values[[0, 2]], "subject": ["S1", "S1"]}
        module(only).square().sum().backward()
        first, second = layers  # in alphabetical order
        assert (first.in_features, second.in_features) == (7, 5)
        assert first.weight.grad.abs().max() > 0 and second.weight.grad is None
        rest = [value.grad for name, value in module.named_parameters() if "layers" not in name]
        assert all(grad is not None and torch.isfinite(grad).all() for grad in rest)
        expected = module(data)
        with torch.no_grad():
            second.weight *= -1
        changed = (module(data) - expected).abs().amax(1)
        assert changed[1] > 1e-3 and changed[[0, 2]].max() == 0


def test_one_number_of_channels_is_one_layer_for_all() -> None:
    torch.manual_seed(0)
    encoder = NeuralEncoder(7, width=16).eval()
    data = epochs(2)
    assert len(encoder.spatial.layers) == 1
    torch.testing.assert_close(encoder({"signal": data, "subject": ["a", "b"]}), encoder(data), rtol=0, atol=0)
    assert VoxelEncoder(7, width=16)(data[..., 0]).shape == (2, 16)


def test_units_and_offsets_do_not_matter_and_artefacts_are_clamped() -> None:
    encoder = NeuralEncoder(7, width=16).eval()
    data = epochs(2)
    other = data * torch.tensor([1e-6, 40.0, 1, 1, 1, 1, 1])[:, None] + 3e-6
    torch.testing.assert_close(encoder(other), encoder(data), atol=1e-3, rtol=1e-3)
    data[0, 0, 50] = 1e9
    assert robust(data).abs().max() == 20
    assert torch.equal(robust(torch.full((1, 1, 9), 3.7)), torch.zeros(1, 1, 9))
    ordered = robust(torch.arange(101.0)[None, None])
    assert ordered[0, 0, [0, 50, 100]].tolist() == pytest.approx([-1, 0, 1])


@pytest.mark.parametrize("time", [1, 3, 8, 50, 251])
def test_any_length_in_time(encoder: NeuralEncoder, time: int) -> None:
    assert torch.isfinite(encoder(two_subjects(time))).all()
    assert encoder.reconstruction_target(two_subjects(time)).shape == (3, 7 * 16)


def test_latency_survives() -> None:
    """The same deflection at 300 or at 400 ms is told apart by a linear readout; a mean over time could not."""
    torch.manual_seed(0)
    encoder = NeuralEncoder(7, width=64).eval()
    time = torch.arange(250) / 250
    labels = torch.arange(200) % 2
    latency = 0.3 + 0.1 * labels
    wave = 3 * torch.exp(-(((time - latency[:, None]) / 0.04) ** 2))
    with torch.no_grad():
        features = encoder(epochs(200, 7, 250) + wave[:, None])
    features = (features - features.mean(0)) / features.std(0)
    readout = torch.linalg.lstsq(features[:120], labels[:120] * 2.0 - 1).solution
    assert ((features[120:] @ readout > 0) == labels[120:].bool()).float().mean() > 0.9


def test_dropout_comes_from_the_default_generator_and_only_in_training(
    encoder: NeuralEncoder, voxels: VoxelEncoder
) -> None:
    for module, data in ((encoder, two_subjects()), (voxels, patterns())):
        torch.testing.assert_close(module(data), module(data), rtol=0, atol=0)
        module.train()
        torch.manual_seed(3)
        first = module(data)
        assert (module(data) - first).abs().max() > 1e-4
        torch.manual_seed(3)
        torch.testing.assert_close(module(data), first, rtol=0, atol=0)


def test_the_described_epoch_is_binned_and_standardised(encoder: NeuralEncoder) -> None:
    data = two_subjects(64)
    target = encoder.reconstruction_target(data).view(3, 7, 16)
    assert (target[1, 5:] == 0).all()
    signal = data["signal"].values[1, :5]
    means = (signal - signal.median(1, keepdim=True).values).view(5, 16, 4).mean(2)
    torch.testing.assert_close(target[1, :5], (means - means.mean()) / means.std(correction=0))
    alone = {"signal": signal[None], "subject": ["S2"]}
    torch.testing.assert_close(encoder.reconstruction_target(alone).view(7, 16), target[1])


def test_the_described_pattern_is_standardised(voxels: VoxelEncoder) -> None:
    target = voxels.reconstruction_target(patterns())
    assert target.shape == (3, 7) and (target[1, 5:] == 0).all()
    torch.testing.assert_close(target[[0, 2]].mean(1), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(target[1, :5].std(correction=0), torch.ones(()))
    constant = standardised(torch.full((1, 3), 5.0), torch.ones(1, 3, dtype=torch.bool))
    assert torch.equal(constant, torch.zeros(1, 3))


def test_wrong_input_is_named(encoder: NeuralEncoder, voxels: VoxelEncoder) -> None:
    signal = epochs(2)
    for wrong, message in (
        ({"signal": signal, "subject": ["S1", "S9"]}, "neural 1: subject 'S9' is unknown; expected one of 'S1', 'S2'"),
        ({"signal": signal, "subject": ["S1", "S2"]}, "neural 1: 7 channels of subject 'S2' found, expected 5"),
        ({"signal": signal, "subject": ["S1"]}, "2 signals and 1 subjects"),
        ({"signal": signal}, "expected 'signal' and 'subject'"),
        ({"signal": ["a"], "subject": ["S1"]}, "signal list"),
        (["a"], "list found"),
        (signal, "without subjects"),
        ({"signal": signal[0], "subject": ["S1"] * 7}, r"expected \(batch, channels, time\)"),
        ({"signal": signal[..., :0], "subject": ["S1", "S1"]}, "none of them 0"),
    ):
        with pytest.raises(InputError, match=message):
            encoder(wrong)
    with pytest.raises(InputError, match=r"expected \(batch, voxels\)"):
        voxels({"signal": signal, "subject": ["S1", "S1"]})
    with pytest.raises(InputError, match="neural 0: 6 channels found, expected 7"):
        NeuralEncoder(7)(signal[:, :6])
    holes = Padded(signal, torch.ones(2, 7, dtype=torch.bool).index_fill(1, torch.tensor([0]), False))
    with pytest.raises(InputError, match="6 channels"):
        NeuralEncoder(6)(holes)
    for sizes in ({}, 0, {"S1": 0}):
        with pytest.raises(InputError, match="channels: .* found"):
            NeuralEncoder(sizes)
    with pytest.raises(InputError, match="bins"):
        NeuralEncoder(7, bins=0)


def train(encoder: nn.Module, batch: Any, labels: Tensor, classes: int, steps: int = 40) -> tuple[float, float]:
    """First and last loss of a classifier on an encoder."""
    torch.manual_seed(0)
    readout = nn.Linear(encoder.width, classes)  # type: ignore[arg-type]
    optimizer = torch.optim.AdamW([*encoder.parameters(), *readout.parameters()], lr=1e-3)
    losses = []
    for _ in range(steps):
        loss = nn.functional.cross_entropy(readout(encoder(batch)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses[0], losses[-1]


@pytest.mark.realdata
def test_it_learns_from_real_fmri(data_folder: Path) -> None:
    with np.load(data_folder / "neural/fmri_81objects_rois/responses.npz", allow_pickle=False) as file:
        responses = torch.from_numpy(file["betas"].astype(np.float32))
    assert responses.shape == (81, 696)
    first, last = train(VoxelEncoder(696, width=64), responses, torch.arange(81), 81, steps=60)
    assert last < 0.3 * first


@pytest.mark.realdata
def test_it_learns_from_real_eeg_of_several_subjects(data_folder: Path) -> None:
    """Topographies (64 channels, mean 300-500 ms) of single trials: which of ten categories the word was of."""
    samples, labels = [], []
    for subject in ("0", "1", "2"):
        file = data_folder / f"neural/lindborg2022_n400_words/data/channel_300-500ms/{subject}.csv.gz"
        with gzip.open(file, "rt") as stream:
            rows = [row for row in csv.DictReader(stream) if float(row["badseg"]) == 0][:60]
        channels = [name for name in rows[0] if name not in ("", "seg", "word_no", "Subject", "badseg")]
        kept = channels[: 64 - int(subject)]  # as if a channel of some were broken
        for row in rows:
            signal = np.array([float(row[name]) for name in kept], dtype=np.float32)
            samples.append({"signal": signal, "subject": f"S{subject}"})
            labels.append((int(float(row["word_no"])) - 1) // 10)
    batch = gather("neural", samples)
    sizes = {f"S{subject}": 64 - subject for subject in range(3)}
    first, last = train(VoxelEncoder(sizes, width=64), batch, torch.tensor(labels), 10, steps=60)
    assert last < 0.8 * first


@pytest.mark.realdata
def test_it_learns_from_real_erps_of_several_subjects(data_folder: Path) -> None:
    """Averages of 30 channels x 129 samples: which of three conditions of the P3 experiment they are."""
    import mne

    samples, labels = [], []
    for subject in range(15, 20):
        file = data_folder / f"neural/mne_io_samples/ERP_CORE/P3/sub-0{subject}_ses-P3_task-P3_ave.fif"
        for condition, average in enumerate(mne.read_evokeds(file, verbose="error")):
            signal = average.data[: 30 - subject % 3].astype(np.float32)  # as if a channel of some were broken
            samples.append({"signal": signal, "subject": f"S{subject}"})
            labels.append(condition)
    sizes = {f"S{subject}": 30 - subject % 3 for subject in range(15, 20)}
    first, last = train(NeuralEncoder(sizes, width=64), gather("neural", samples), torch.tensor(labels), 3)
    assert last < 0.3 * first
