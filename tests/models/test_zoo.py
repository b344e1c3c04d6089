"""Nets by name: the embedded one, torchvision's, and those of a file; never random weights that nobody asked for."""

import re
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file

from dreamvid.core.errors import NetError
from dreamvid.models import hub, zoo
from dreamvid.models.net import IMAGENET_MEAN, IMAGENET_STD, Net, activations, layer_shapes

SMALL = "squeezenet1_1"


def refusal(name: str, weights: str | None = None) -> str:
    """The one line with which a net is refused."""
    with pytest.raises(NetError) as error:
        zoo.get(name, weights)
    assert "\n" not in str(error.value)
    return str(error.value)


def features(net: Net, layer: str) -> torch.Tensor:
    """What a layer makes of seeded noise."""
    picture = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return activations(net.module, picture, frozenset({layer}))[layer]


@pytest.fixture(scope="module")
def random_net() -> Net:
    """A small net of torchvision with seeded weights."""
    return zoo.get(SMALL, "random:3")


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for weights, and no way to fill it; returns the folder of the cache."""

    def refused(*_: object, **__: object) -> None:
        raise URLError("[Errno -3] Temporary failure in name resolution")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refused)
    return tmp_path / "hub" / "checkpoints"


def test_the_embedded_net_brings_all_that_dreaming_needs() -> None:
    net = zoo.get("dreamnet")
    assert len(net.classes) > 10 and len(set(net.classes)) == len(net.classes)
    assert net.class_index(net.classes[3]) == 3
    assert len(net.sha256) == 64
    shapes = layer_shapes(net)
    assert net.default_layers and set(net.default_layers) <= set(shapes)
    assert set(net.default_layers) <= set(net.statistics)
    for layer, usual in net.statistics.items():
        assert usual.shape == (shapes[layer][0],)
        assert bool((usual >= 0).all()) and float(usual.sum()) > 0


def test_the_embedded_net_is_for_use_and_has_a_card() -> None:
    net = zoo.get("dreamnet")
    assert not net.module.training
    assert net.module(torch.zeros(1, 3, 64, 96)).shape == (1, len(net.classes))
    assert net.notes.keys() <= set(layer_shapes(net))


@pytest.mark.parametrize("name", zoo.SHIPPED)
def test_every_net_that_ships_is_here_and_has_a_card(name: str) -> None:
    assert zoo.in_cache(name) and zoo.fetch(name) == zoo.SHIPPED[name]
    assert zoo.card(name).startswith(f"# {name}\n")


def test_a_net_that_does_not_ship_has_no_card() -> None:
    with pytest.raises(NetError, match="vgg16 has no model card"):
        zoo.card("vgg16")


def test_every_name_can_be_listed_our_own_first() -> None:
    names = zoo.names()
    assert names[:4] == ["efficientnet_lite2_robust", "efficientnet_lite0", "efficientnet_lite2", "dreamnet"]
    assert len(set(names)) == len(names)
    assert {"googlenet", "resnet50", "vgg16", SMALL} <= set(names)
    assert set(hub.FAVOURITE_LAYERS) <= set(names)


def test_an_unknown_name_is_met_with_the_nearest() -> None:
    assert "there is no net 'googlnet'; nearest: googlenet" in refusal("googlnet")
    assert "nearest: dreamnet" in refusal("dreamnett")


@pytest.mark.parametrize("name", ["fasterrcnn_resnet50_fpn", "r3d_18", "deeplabv3_resnet50", "raft_small"])
def test_nets_that_take_no_single_picture_are_refused(name: str) -> None:
    assert "is not an image classification net" in refusal(name)
    assert "is not an image classification net" in refusal(name, "random:0")


def test_random_weights_are_those_of_their_seed(random_net: Net) -> None:
    same, other = zoo.get(SMALL, "random:3"), zoo.get(SMALL, "random:4")
    assert torch.equal(features(random_net, "features.3"), features(same, "features.3"))
    assert not torch.equal(features(random_net, "features.3"), features(other, "features.3"))
    assert random_net.sha256 == same.sha256 != other.sha256


def test_random_weights_leave_the_numbers_of_others_alone() -> None:
    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    zoo.get("dreamnet", "random:3")
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize("seed", ["", "x", "-1", "1.5", "²", "9" * 30, "9" * 5000])
def test_a_seed_is_a_whole_number(seed: str) -> None:
    assert "random:0" in refusal(SMALL, f"random:{seed}")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_of_a_file_come_back_as_they_were(random_net: Net, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    (torch.save if suffix == ".pth" else save_file)(random_net.module.state_dict(), path)
    net = zoo.get(SMALL, str(path))
    assert torch.equal(features(net, "features.9"), features(random_net, "features.9"))
    assert len(net.classes) == 1000 and net.class_index("tabby") == 281 and net.class_index("Tinca tinca") == 0
    assert net.default_layers == ("features.9",)
    assert net.mean == (0.485, 0.456, 0.406)


def test_a_file_may_know_another_number_of_classes(random_net: Net, tmp_path: Path) -> None:
    weights = dict(random_net.module.state_dict())
    for key in ("classifier.1.weight", "classifier.1.bias"):
        weights[key] = weights[key][:7].clone()
    save_file(weights, tmp_path / "seven.safetensors")
    net = zoo.get(SMALL, str(tmp_path / "seven.safetensors"))
    assert net.classes == tuple("0123456")
    assert net.module.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 7)


def test_every_net_has_the_facts_of_its_name() -> None:
    import torchvision.models as models

    assert all(models.get_model_weights(name).DEFAULT.transforms() for name in zoo.names() if name not in zoo.OURS)


def test_a_net_that_rescales_its_input_inside_says_so_outside() -> None:
    net = zoo.get("googlenet", "random:0")
    assert net.mean == net.std == (0.5, 0.5, 0.5)
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        seen = net.module((picture - 0.5) / 0.5)
        net.module.transform_input = True
        mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in (IMAGENET_MEAN, IMAGENET_STD))
        torch.testing.assert_close(seen, net.module((picture - mean) / std), rtol=1e-4, atol=1e-4)


def test_weights_of_another_architecture_do_not_fit(random_net: Net, tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    save_file(random_net.module.state_dict(), path)
    assert "does not fit alexnet" in refusal("alexnet", str(path))
    assert "contains no weights of dreamnet" in refusal("dreamnet", str(path))
    assert "no weights file" in refusal(SMALL, str(tmp_path / "none.pth"))


def test_a_file_that_says_what_it_is_of_is_a_net_by_itself(random_net: Net, tmp_path: Path) -> None:
    path = str(tmp_path / "mine.safetensors")
    save_file(random_net.module.state_dict(), path, {"architecture": SMALL})
    net = zoo.get(path)
    assert net.name == SMALL and torch.equal(features(net, "features.9"), features(random_net, "features.9"))
    assert f"contains no weights of alexnet: give --model {SMALL} --weights {path}" in refusal("alexnet", path)
    assert zoo.get(str(zoo.EMBEDDED)).classes == zoo.get("dreamnet").classes
    assert zoo.get(str(zoo.EMBEDDED_SKETCHNET)).name == "sketch_a_net"


@pytest.mark.parametrize("metadata", [None, {"architecture": "some_net"}])
def test_a_file_that_does_not_say_what_it_is_of_wants_a_name(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = str(tmp_path / "foreign.safetensors")
    save_file({"weight": torch.zeros(2)}, path, metadata)
    assert (
        refusal(path) == f"{path} does not name the net that its weights belong to: give --model NET --weights {path}"
    )
    assert "there is no weights file" in refusal(str(tmp_path / "none.safetensors"))


def test_weights_can_be_fetched_before_they_are_needed(no_network: Path) -> None:
    with pytest.raises(NetError, match="could not be fetched"):
        zoo.fetch(SMALL)
    assert not zoo.in_cache(SMALL)
    no_network.mkdir(parents=True, exist_ok=True)
    (no_network / "squeezenet1_1-b8a52dc0.pth").write_bytes(b"here")
    assert zoo.in_cache(SMALL) and zoo.fetch(SMALL) == no_network / "squeezenet1_1-b8a52dc0.pth"


def test_what_cannot_be_fetched_is_told() -> None:
    with pytest.raises(NetError, match="sketch_a_net comes without weights"):
        zoo.fetch("sketch_a_net")
    with pytest.raises(NetError, match="there is no net 'googlnet'"):
        zoo.fetch("googlnet")
    assert not zoo.in_cache("sketch_a_net")


def test_without_weights_and_without_a_network_the_file_to_fetch_is_named(no_network: Path) -> None:
    said = refusal(SMALL)
    assert "https://download.pytorch.org/models/squeezenet1_1-" in said
    assert str(no_network / "squeezenet1_1-") in said
    assert "--weights" in said


def test_weights_that_were_fetched_before_are_used_without_a_network(random_net: Net, no_network: Path) -> None:
    no_network.mkdir(parents=True)
    torch.save(random_net.module.state_dict(), no_network / "squeezenet1_1-b8a52dc0.pth")
    assert torch.equal(features(zoo.get(SMALL), "features.9"), features(random_net, "features.9"))


@pytest.mark.parametrize("content", [b"", b"<html>sign in</html>", b"PK\x03\x04torn"])
def test_a_damaged_file_in_the_cache_is_named(no_network: Path, content: bytes) -> None:
    no_network.mkdir(parents=True)
    (no_network / "squeezenet1_1-b8a52dc0.pth").write_bytes(content)
    assert "squeezenet1_1-b8a52dc0.pth is damaged: delete it" in refusal(SMALL)


@pytest.mark.parametrize(
    ("name", "now", "then"),
    [
        ("densenet121", r"(denselayer\d+\.(?:norm|relu|conv))([12]\.)", r"\1.\2"),
        ("mnasnet0_5", "", ""),  # whose module asks for a version, which a file without one does not have
    ],
)
def test_a_file_of_torchvision_with_its_old_names_is_read(tmp_path: Path, name: str, now: str, then: str) -> None:
    weights = hub.build(name).state_dict()
    torch.save({re.sub(now, then, key): value for key, value in weights.items()}, tmp_path / "old.pth")
    read = zoo.get(name, str(tmp_path / "old.pth")).module.state_dict()
    assert all(torch.equal(value, weights[key]) for key, value in read.items())


def test_the_old_names_of_a_vit_are_its_present_ones() -> None:
    from torchvision.models import VisionTransformer

    names = VisionTransformer(32, 16, 2, 2, 8, 16).state_dict()
    old = [key.replace(".mlp.0.", ".mlp.linear_1.").replace(".mlp.3.", ".mlp.linear_2.") for key in names]
    assert [hub.present_name(key) for key in old] == list(names) != old
