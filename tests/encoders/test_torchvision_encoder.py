"""Networks of torchvision without their classifier."""

from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from grounding.encoders import TorchvisionEncoder
from grounding.encoders.torchvision_encoder import _load
from grounding.errors import InputError, WeightsError
from tests.encoders.test_image import pictures

SMALL = "mobilenet_v3_small"
MEAN, DEVIATION = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def weights_of(name: str, file: Path, **settings: int) -> nn.Module:
    """A network of torchvision with random weights and statistics, written to a file as torchvision's are."""
    torch.manual_seed(0)
    net = torchvision.models.get_model(name, weights=None, **settings)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean, std=0.1)
            nn.init.uniform_(part.running_var, 0.5, 1.5)
    torch.save(net.state_dict(), file)
    return net.eval()


@pytest.mark.parametrize(
    ("name", "width", "places"),
    [
        ("resnet18", 512, 4),
        ("mobilenet_v2", 1280, 4),
        ("mobilenet_v3_small", 576, 4),
        ("efficientnet_b0", 1280, 4),
        ("regnet_y_400mf", 440, 4),
    ],
)
def test_a_network_from_scratch_does_not_look_at_the_rest_of_the_batch(name: str, width: int, places: int) -> None:
    torch.manual_seed(0)
    encoder = TorchvisionEncoder(name, size=64).eval()
    data = pictures(2)
    with torch.no_grad():
        assert encoder.width == width and encoder(data).shape == (2, width)
        assert encoder.tokens(data).shape == (2, places, width)
        torch.testing.assert_close(encoder(data)[1:], encoder(data[1:]), atol=1e-4, rtol=1e-3)
    assert not any("BatchNorm" in type(part).__name__ for part in encoder.modules())


@pytest.mark.parametrize(("name", "head"), [("resnet18", "fc"), ("mobilenet_v3_small", "classifier")])
def test_given_weights_give_the_features_before_the_classifier(name: str, head: str, tmp_path: Path) -> None:
    net = weights_of(name, tmp_path / "net.pt")
    setattr(net, head, nn.Identity())
    encoder = TorchvisionEncoder(name, size=64, weights=tmp_path / "net.pt")
    data = pictures(2)
    normal = ((data / 255 - MEAN) / DEVIATION).permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = net(normal)
        torch.testing.assert_close(encoder.eval()(data), expected, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(encoder.tokens(data).mean(1), expected, atol=1e-4, rtol=1e-3)


def test_convnext_keeps_the_normalisation_before_its_classifier() -> None:
    encoder = TorchvisionEncoder("convnext_tiny", size=64).eval()
    with torch.no_grad():
        # Torchvision's own way through the network, whose last layer was taken out.
        expected = encoder.net((pictures(1) / 127.5 - 1).permute(0, 3, 1, 2)).flatten(1)
        torch.testing.assert_close(encoder(pictures(1)), expected, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(encoder(pictures(1)).mean(), torch.zeros(()), atol=1e-5, rtol=0)
    assert encoder.width == 768 and encoder.tokens(pictures(1)).shape == (1, 4, 768)


@pytest.mark.slow
def test_a_vit_has_a_class_token_and_patches_and_takes_weights_of_another_size() -> None:
    torch.manual_seed(0)
    encoder = TorchvisionEncoder("vit_b_32", size=64).eval()
    data = pictures(2)
    with torch.no_grad():
        # Torchvision's own way through the network, whose classifier was taken out.
        expected = encoder.net((data / 127.5 - 1).permute(0, 3, 1, 2))
        torch.testing.assert_close(encoder(data), expected, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(encoder(data)[1:], encoder(data[1:]), atol=1e-4, rtol=1e-3)
    assert encoder.width == 768 and encoder.tokens(data).shape == (2, 4, 768)
    larger = TorchvisionEncoder("vit_b_32", size=96)
    _load(larger.net, encoder.net.state_dict(), "vit_b_32", "the smaller one")
    assert larger.tokens(data).shape == (2, 9, 768)
    assert torch.equal(larger.net.conv_proj.weight, encoder.net.conv_proj.weight)
    places, small = larger.net.encoder.pos_embedding[0, 1:], encoder.net.encoder.pos_embedding[0, 1:]
    torch.testing.assert_close(places[[0, 2, 6, 8]], small, atol=1e-5, rtol=1e-4)  # corners stay corners


def test_frozen_batch_normalisation_neither_trains_nor_follows_the_batch(tmp_path: Path) -> None:
    weights_of("resnet18", tmp_path / "net.pt")
    encoder = TorchvisionEncoder("resnet18", size=64, weights=tmp_path / "net.pt").train()
    before = {name: value.clone() for name, value in encoder.named_buffers()}
    assert "net.bn1.weight" in before
    encoder(pictures()).square().mean().backward()
    assert all(torch.equal(before[name], value) for name, value in encoder.named_buffers())
    assert encoder.net.conv1.weight.grad.abs().max() > 0


def test_a_file_may_be_safetensors_and_have_other_classes(tmp_path: Path) -> None:
    net = weights_of(SMALL, tmp_path / "net.pt", num_classes=7)
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    both = [TorchvisionEncoder(SMALL, size=32, weights=str(tmp_path / f"net.{kind}")) for kind in ("pt", "safetensors")]
    assert torch.equal(both[0].net.features[0][0].weight, both[1].net.features[0][0].weight)
    again = TorchvisionEncoder(**both[0].settings)
    again.load_state_dict(both[0].state_dict())
    torch.testing.assert_close(again.eval()(pictures()), both[0].eval()(pictures()))


def test_augmentation_comes_from_the_default_generator_and_only_in_training() -> None:
    encoder = TorchvisionEncoder("efficientnet_b0", size=32)
    data = pictures(2)
    torch.manual_seed(3)
    first = encoder(data)
    assert (encoder(data) - first).abs().max() > 1e-4
    torch.manual_seed(3)
    torch.testing.assert_close(encoder(data), first, rtol=0, atol=0)
    encoder.eval()
    torch.testing.assert_close(encoder(data), encoder(data), rtol=0, atol=0)


def test_weights_that_cannot_be_fetched_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # refuses at once
    with pytest.raises(WeightsError, match=r"resnet18: .*cannot be fetched.*weights=FILE.*pretrained=False"):
        TorchvisionEncoder(pretrained=True)


def test_wrong_weight_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="absent.pt: no such file"):
        TorchvisionEncoder(SMALL, weights=tmp_path / "absent.pt")
    for name in ("bad.pt", "bad.safetensors"):
        (tmp_path / name).write_bytes(b"no tensors here")
        with pytest.raises(WeightsError, match=f"{name}: not readable"):
            TorchvisionEncoder(SMALL, weights=tmp_path / name)
    torch.save([torch.zeros(2)], tmp_path / "list.pt")
    with pytest.raises(WeightsError, match=r"list.pt: expected tensors by name"):
        TorchvisionEncoder(SMALL, weights=tmp_path / "list.pt")
    weights_of("mobilenet_v2", tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="other.pt: not the weights of mobilenet_v3_small: .*missing"):
        TorchvisionEncoder(SMALL, weights=tmp_path / "other.pt")


class Command:
    """What a malicious weight file would run."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("the file was unpickled",)


def test_a_weight_file_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"conv1.weight": Command()}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError, match="evil.pt: not readable as tensors"):
        TorchvisionEncoder(SMALL, weights=tmp_path / "evil.pt")
    assert "unpickled" not in capsys.readouterr().out


def test_wrong_names_and_sizes_are_named() -> None:
    with pytest.raises(InputError, match="'resnet19' found, expected one of .*resnet18"):
        TorchvisionEncoder("resnet19")
    with pytest.raises(InputError, match="at least 32"):
        TorchvisionEncoder(size=16)
    with pytest.raises(InputError, match="multiple of 16"):
        TorchvisionEncoder("vit_b_16", size=100)
    with pytest.raises(InputError, match="uint8"):
        TorchvisionEncoder("mobilenet_v3_small", size=32)(pictures().float())
