"""The embedded architecture: sizes, layer names, strides, channels."""

import pytest
import torch
from torch import nn

from dreamvid.models.dreamnet import ConvUnit, DreamNet, Mixed


@pytest.fixture(scope="module")
def net() -> DreamNet:
    torch.manual_seed(0)
    return DreamNet(classes=7, width=0.25).eval()


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (54, 96), (113, 64)])
def test_any_size_from_32_gives_one_row_of_logits_a_picture(net: DreamNet, size: tuple[int, int]) -> None:
    logits = net(torch.randn(2, 3, *size))
    assert logits.shape == (2, 7)
    assert torch.isfinite(logits).all()


def test_children_read_as_the_layers_of_the_architecture(net: DreamNet) -> None:
    names = [name for name, _ in net.named_children()]
    assert names[:5] == ["conv1", "pool1", "conv2", "conv3", "pool2"]
    assert [name for name in names if name.startswith("mixed")] == [
        "mixed3a", "mixed3b", "mixed4a", "mixed4b", "mixed4c", "mixed4d", "mixed5a", "mixed5b",
    ]  # fmt: skip
    assert "mixed4c.conv3x3" in dict(net.named_modules())


def test_strides_double_at_each_stage(net: DreamNet) -> None:
    heights: dict[str, int] = {}
    for name, module in net.named_children():
        module.register_forward_hook(
            lambda _, __, out, name=name: heights.update({name: out.shape[2]}) if out.ndim == 4 else None
        )
    net(torch.randn(1, 3, 128, 128))
    wanted = {"conv1": 64, "conv3": 32, "mixed3b": 16, "mixed4a": 8, "mixed4d": 8, "mixed5b": 4}
    assert {name: heights[name] for name in wanted} == wanted


def test_blocks_give_the_channels_they_promise() -> None:
    net = DreamNet(classes=2)
    blocks = {name: block.outputs for name, block in net.named_children() if isinstance(block, Mixed)}
    assert list(blocks.values()) == [128, 240, 256, 256, 256, 416, 416, 512]
    for outputs in (16, 24, 56, 128):
        assert Mixed(8, outputs)(torch.randn(2, 8, 5, 5)).shape == (2, outputs, 5, 5)


def test_fits_the_package_and_keeps_batch_norm_for_those_who_fold_it() -> None:
    net = DreamNet(classes=203)
    assert sum(parameter.numel() for parameter in net.parameters()) * 2 < 6e6
    units = [module for module in net.modules() if isinstance(module, ConvUnit)]
    assert all(unit.conv.bias is None and isinstance(unit.bn, nn.BatchNorm2d) for unit in units)
