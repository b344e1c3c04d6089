"""The shipped file: what a reader finds in it."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from dreamvid.models.dreamnet import DreamNet
from dreamvid.research.training.export import Facts, export, mean_squares, write_whole
from dreamvid.research.training.measure import Normalised

FACTS = Facts(width=0.125, classes=["cat", "bürger"], mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))


@pytest.fixture(scope="module")
def net() -> DreamNet:
    torch.manual_seed(0)
    net = DreamNet(2, width=0.125)
    net(torch.randn(8, 3, 32, 32))  # gives the running statistics values of their own
    return net.eval()


def test_a_reader_gets_the_same_net_back(net: DreamNet, tmp_path: Path) -> None:
    export(net, tmp_path / "net.safetensors", FACTS, {"conv1": torch.ones(8)})
    with safe_open(tmp_path / "net.safetensors", framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert metadata["format"] == "dreamvid-net/1" and metadata["architecture"] == "dreamnet"
    assert float(metadata["width"]) == 0.125
    assert json.loads(metadata["classes"]) == ["cat", "bürger"]
    assert json.loads(metadata["mean"]) == [0.5, 0.4, 0.3] and json.loads(metadata["std"]) == [0.2, 0.3, 0.4]
    assert tensors["conv1.conv.weight"].dtype == tensors["logits.bias"].dtype == torch.float16
    assert tensors["mixed4a.conv3x3.bn.running_var"].dtype == tensors["stats.conv1"].dtype == torch.float32
    read = DreamNet(len(json.loads(metadata["classes"])), float(metadata["width"])).eval()
    weights = {name: value.float() for name, value in tensors.items() if not name.startswith("stats.")}
    read.load_state_dict(weights, strict=False)
    views = torch.randn(2, 3, 40, 40)
    assert torch.allclose(read(views), net(views), atol=0.02)


def test_statistics_are_mean_squares_of_every_map(net: DreamNet) -> None:
    views = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    model = Normalised(net, FACTS["mean"], FACTS["std"])
    squares = mean_squares(net, model, views.split(4))
    maps: dict[str, torch.Tensor] = {}
    handle = net.mixed3a.conv3x3.register_forward_hook(lambda _, __, out: maps.update(seen=out))
    with torch.no_grad():
        model(views)
    handle.remove()
    assert torch.allclose(squares["mixed3a.conv3x3"], maps["seen"].square().mean(dim=(0, 2, 3)), rtol=1e-4, atol=1e-7)
    assert squares["mixed4d"].shape == (net.mixed4d.outputs,)
    for layer in ("conv1", "conv2", "conv3", "pool1", "mixed5b", "mixed4b.reduce5x5", "mixed4b.project"):
        assert (squares[layer] >= 0).all()
    assert not {"conv1.conv", "conv1.bn", "logits", "dropout", ""} & set(squares)
    assert not any(module._forward_hooks for module in net.modules())


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.safetensors"
    write_whole(path, b"old")

    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("dreamvid.research.training.export.os.fsync", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
