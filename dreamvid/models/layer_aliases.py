"""Aliases of layers: the names that papers and older tools use for what torchvision numbers by module."""

import re

from torch import nn


def aliases_of(name: str, module: nn.Module) -> dict[str, str]:
    """Return alias -> layer of a net of torchvision; empty where its own names are the usual ones.

    VGG: conv1_1, relu1_1, ... pool5, fc6 ... fc8 as in Simonyan and Zisserman 2015, and, for nets without batch norm,
    the index of the layer in MatConvNet's list, counted from 1: in VGG16, 3 is conv1_2, 15 conv3_3, 27 conv5_2 and 36
    fc8, the one before the softmax, which is no layer here. (Hasson 2017 dreams by these numbers. It once calls 3 the
    first convolutional layer; in the list it is the second, and all its other numbers agree with the list.) AlexNet:
    conv1 ... pool5, fc6 ... fc8. ResNet: block1 ... block4; ViT: block1 up to its depth.
    """
    if re.fullmatch(r"vgg\d+(_bn)?", name):
        named = _convolutions(module, by_block=True) | _fully_connected(module)
        return named if name.endswith("_bn") else named | _numbered(named)
    if name == "alexnet":
        return _convolutions(module, by_block=False) | _fully_connected(module)
    return _blocks(module)


def _convolutions(module: nn.Module, *, by_block: bool) -> dict[str, str]:
    """Name conv, bn, relu and pool in `features`: by block and index in it (conv3_2), or by index alone (conv4)."""
    found: dict[str, str] = {}
    block, place = 1, 0
    for index, part in enumerate(module.get_submodule("features").children()):
        layer = f"features.{index}"
        if isinstance(part, nn.MaxPool2d):
            found[f"pool{block if by_block else place}"] = layer
            block, place = (block + 1, 0) if by_block else (block, place)
            continue
        place += isinstance(part, nn.Conv2d)
        kind = {nn.Conv2d: "conv", nn.BatchNorm2d: "bn", nn.ReLU: "relu"}[type(part)]
        found[f"{kind}{block}_{place}" if by_block else f"{kind}{place}"] = layer
    return found


def _fully_connected(module: nn.Module) -> dict[str, str]:
    """Name fc6, relu6, fc7, relu7 and fc8 in `classifier`; dropout gets no name."""
    found: dict[str, str] = {}
    number = 5
    for index, part in enumerate(module.get_submodule("classifier").children()):
        if isinstance(part, nn.Linear):
            number += 1
            found[f"fc{number}"] = f"classifier.{index}"
        elif isinstance(part, nn.ReLU):
            found[f"relu{number}"] = f"classifier.{index}"
    return found


def _numbered(named: dict[str, str]) -> dict[str, str]:
    """Return the layers by their position in the list, counted from 1."""
    return {str(number): layer for number, layer in enumerate(named.values(), start=1)}


def _blocks(module: nn.Module) -> dict[str, str]:
    stages = [name for name, _ in module.named_modules() if re.fullmatch(r"layer\d", name)]
    blocks = stages or [name for name, _ in module.named_modules() if re.fullmatch(r".*encoder_layer_\d+", name)]
    return {f"block{number}": layer for number, layer in enumerate(blocks, start=1)}
