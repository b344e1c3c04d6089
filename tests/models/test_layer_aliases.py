"""Other names of layers: MatConvNet's numbers, the papers' names, blocks."""

from collections.abc import Callable

import pytest
import torch
import torchvision.models as models
from torch import nn

from dreamvid.models.layer_aliases import aliases_of

# Layers of imagenet-vgg-verydeep-16 and -19 as MatConvNet lists them, up to prob.
VGG16 = """
conv1_1 relu1_1 conv1_2 relu1_2 pool1 conv2_1 relu2_1 conv2_2 relu2_2 pool2
conv3_1 relu3_1 conv3_2 relu3_2 conv3_3 relu3_3 pool3 conv4_1 relu4_1 conv4_2 relu4_2 conv4_3 relu4_3 pool4
conv5_1 relu5_1 conv5_2 relu5_2 conv5_3 relu5_3 pool5 fc6 relu6 fc7 relu7 fc8 prob
"""
VGG19 = """
conv1_1 relu1_1 conv1_2 relu1_2 pool1 conv2_1 relu2_1 conv2_2 relu2_2 pool2
conv3_1 relu3_1 conv3_2 relu3_2 conv3_3 relu3_3 conv3_4 relu3_4 pool3
conv4_1 relu4_1 conv4_2 relu4_2 conv4_3 relu4_3 conv4_4 relu4_4 pool4
conv5_1 relu5_1 conv5_2 relu5_2 conv5_3 relu5_3 conv5_4 relu5_4 pool5 fc6 relu6 fc7 relu7 fc8 prob
"""
KINDS = {"conv": nn.Conv2d, "relu": nn.ReLU, "pool": nn.MaxPool2d, "fc": nn.Linear, "bn": nn.BatchNorm2d}


def shape_of(builder: Callable[..., nn.Module]) -> nn.Module:
    """A net of torchvision without a number in it."""
    with torch.device("meta"):
        return builder(weights=None)


@pytest.mark.parametrize(("name", "listed"), [("vgg16", VGG16), ("vgg19", VGG19)])
def test_numbers_and_names_are_those_of_matconvnets_list(name: str, listed: str) -> None:
    module = shape_of(models.get_model_builder(name))
    aliases = aliases_of(name, module)
    *layers, prob = listed.split()
    assert prob == "prob"  # the softmax, which is no layer here
    assert aliases.keys() == {*layers, *map(str, range(1, len(layers) + 1))}
    for number, layer in enumerate(layers, start=1):
        assert aliases[str(number)] == aliases[layer]
        assert type(module.get_submodule(aliases[layer])) is KINDS[layer.rstrip("0123456789_")]
    in_order = [name for name, part in module.named_modules() if aliases_to(aliases, name)]
    assert [aliases[layer] for layer in layers] == in_order


def aliases_to(aliases: dict[str, str], layer: str) -> list[str]:
    return [alias for alias, meant in aliases.items() if meant == layer]


@pytest.mark.parametrize(("number", "name"), [("3", "conv1_2"), ("15", "conv3_3"), ("27", "conv5_2"), ("36", "fc8")])
def test_the_numbers_of_the_report_are_the_layers_it_names(number: str, name: str) -> None:
    aliases = aliases_of("vgg16", shape_of(models.vgg16))
    assert aliases[number] == aliases[name]
    assert VGG16.split()[int(number) - 1] == name


def test_convolutions_have_the_channels_of_the_paper() -> None:
    module = shape_of(models.vgg16)
    aliases = aliases_of("vgg16", module)
    for block, channels in enumerate((64, 128, 256, 512, 512), start=1):
        assert module.get_submodule(aliases[f"conv{block}_1"]).out_channels == channels
    assert [module.get_submodule(aliases[fc]).out_features for fc in ("fc6", "fc7", "fc8")] == [4096, 4096, 1000]


def test_with_batch_norm_layers_have_names_and_no_numbers() -> None:
    aliases = aliases_of("vgg16_bn", shape_of(models.vgg16_bn))
    assert aliases["conv5_3"] == "features.40" and aliases["bn5_3"] == "features.41"
    assert not any(alias.isdecimal() for alias in aliases)


def test_alexnets_layers_have_their_names() -> None:
    module = shape_of(models.alexnet)
    aliases = aliases_of("alexnet", module)
    names = "conv1 relu1 pool1 conv2 relu2 pool2 conv3 relu3 conv4 relu4 conv5 relu5 pool5 fc6 relu6 fc7 relu7 fc8"
    assert " ".join(aliases) == names
    assert all(type(module.get_submodule(layer)) is KINDS[alias[:-1]] for alias, layer in aliases.items())


def test_blocks_are_counted_from_one() -> None:
    assert aliases_of("resnet18", shape_of(models.resnet18)) == {f"block{n}": f"layer{n}" for n in (1, 2, 3, 4)}
    blocks = aliases_of("vit_b_32", shape_of(models.vit_b_32))
    assert blocks["block1"] == "encoder.layers.encoder_layer_0"
    assert blocks["block12"] == "encoder.layers.encoder_layer_11" and len(blocks) == 12


def test_a_net_whose_own_names_are_the_usual_ones_has_no_others() -> None:
    assert aliases_of("googlenet", nn.Sequential(nn.Conv2d(3, 4, 1))) == {}
