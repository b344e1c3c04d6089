"""Sketch-a-Net: the sizes of the paper's table, what its inputs may be, and where its weights come from."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dreamvid.core.errors import NetError
from dreamvid.models import zoo
from dreamvid.models.net import layer_shapes
from dreamvid.models.sketch_a_net import MEAN, STD, SketchANet, folded, with_batch_norm

# Weights and biases of each layer, from filter sizes and counts of table 1 of the paper.
PUBLISHED = {
    "conv1": 64 * 15 * 15 + 64,
    "conv2": 128 * 64 * 5 * 5 + 128,
    "conv3": 256 * 128 * 3 * 3 + 256,
    "conv4": 256 * 256 * 3 * 3 + 256,
    "conv5": 256 * 256 * 3 * 3 + 256,
    "conv6": 512 * 256 * 7 * 7 + 512,
    "conv7": 512 * 512 + 512,
    "conv8": 250 * 512 + 250,
}
SIZES = {"conv1": 71, "pool1": 35, "conv2": 31, "pool2": 15, "conv3": 15, "conv4": 15, "conv5": 15, "pool5": 7,
         "conv6": 1, "conv7": 1, "conv8": 1}  # fmt: skip


@pytest.fixture(scope="module")
def tiny() -> SketchANet:
    """Eight channels a layer, three classes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return SketchANet(3, width=0.02).eval()


def test_parameters_by_layer_are_the_published_ones() -> None:
    net = zoo.get("sketch_a_net", "random:0").module
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in net.named_children()}
    assert {name: count for name, count in counts.items() if count} == PUBLISHED
    assert sum(PUBLISHED.values()) == 8_508_666


def test_six_channels_change_the_first_layer_alone() -> None:
    one, six = (SketchANet(channels=channels).state_dict() for channels in (1, 6))
    assert {name for name in one if one[name].shape != six[name].shape} == {"conv1.conv.weight"}
    assert six["conv1.conv.weight"].shape == (64, 6, 15, 15)


def test_sizes_of_the_maps_are_the_published_ones() -> None:
    shapes = layer_shapes(zoo.get("sketch_a_net", "random:0"), 225, 225)
    assert {name: shapes[name][1:] for name in SIZES} == {name: (side, side) for name, side in SIZES.items()}
    assert shapes["output"] == (250,)


@pytest.mark.parametrize("side", [218, 224, 256])
def test_other_sizes_give_scores_too(tiny: SketchANet, side: int) -> None:
    assert tiny(torch.ones(2, 1, side, side)).shape == (2, 3)


def test_a_larger_picture_scores_the_mean_of_its_crops(tiny: SketchANet) -> None:
    wide = torch.rand(1, 1, 225, 225 + 12, generator=torch.Generator().manual_seed(0)) * 2 - 1
    crops = torch.cat([wide[..., :225], wide[..., 12:]])  # 12 pixels: the stride of the maps before conv3's padding
    inner = tiny.pool2(tiny.conv2(tiny.pool1(tiny.conv1(wide))))
    parts = tiny.pool2(tiny.conv2(tiny.pool1(tiny.conv1(crops))))
    torch.testing.assert_close(inner[..., :15], parts[:1])
    torch.testing.assert_close(inner[..., 1:], parts[1:])


def test_of_colours_it_sees_their_mean_in_every_channel(tiny: SketchANet) -> None:
    colours = torch.rand(1, 3, 225, 225, generator=torch.Generator().manual_seed(0))
    grey = colours.mean(dim=1, keepdim=True)
    torch.testing.assert_close(tiny(colours), tiny(grey))
    six = SketchANet(3, channels=6, width=0.02).eval()
    torch.testing.assert_close(six(colours), six(grey.expand(-1, 6, -1, -1)))


def test_batch_norm_folds_away_without_a_trace(tiny: SketchANet) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = with_batch_norm(SketchANet(3, width=0.02))
        net(torch.randn(4, 1, 225, 225))  # gives the running statistics values of their own
        sketch = torch.randn(2, 1, 225, 225)
    wanted = net.eval()(sketch)
    torch.testing.assert_close(folded(net)(sketch), wanted, rtol=1e-4, atol=1e-5)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in net.modules())
    assert set(net.state_dict()) == set(tiny.state_dict())


def test_the_slim_one_ships_with_its_classes_and_statistics() -> None:
    net = zoo.get("sketchnet")
    assert zoo.EMBEDDED_SKETCHNET.stat().st_size <= 3_000_000
    assert len(net.classes) >= 30 and net.class_index("ice cream") == net.classes.index("ice cream")
    assert (net.mean, net.std) == (MEAN, STD)
    shapes = layer_shapes(net)
    assert set(net.default_layers) <= set(net.statistics)
    assert all(len(squares) == shapes[layer][0] for layer, squares in net.statistics.items())


def test_a_state_dict_of_the_full_net_is_enough(tmp_path: Path) -> None:
    module = SketchANet(7, channels=6)
    save_file(module.state_dict(), tmp_path / "full.safetensors")
    net = zoo.get("sketch_a_net", str(tmp_path / "full.safetensors"))
    assert net.classes == tuple("0123456")
    assert torch.equal(net.module.get_parameter("conv8.weight"), module.conv8.weight)


def test_a_described_file_says_its_width(tiny: SketchANet, tmp_path: Path) -> None:
    described = {"width": json.dumps(0.02), "classes": json.dumps(["cup", "star", "sun"])}
    save_file(tiny.state_dict(), tmp_path / "tiny.safetensors", described)
    assert zoo.get("sketch_a_net", str(tmp_path / "tiny.safetensors")).classes == ("cup", "star", "sun")


def test_what_does_not_fit_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(NetError, match=r"comes without weights.*--weights.*sketchnet"):
        zoo.get("sketch_a_net")
    with pytest.raises(NetError, match="contains no weights of Sketch-a-Net"):
        zoo.get("sketch_a_net", str(zoo.EMBEDDED))
    slim = {"conv1.conv.weight": torch.ones(8, 1, 15, 15), "conv8.weight": torch.ones(3, 8, 1, 1)}
    save_file(slim, tmp_path / "slim.safetensors")
    with pytest.raises(NetError, match="does not fit sketch_a_net"):
        zoo.get("sketch_a_net", str(tmp_path / "slim.safetensors"))
