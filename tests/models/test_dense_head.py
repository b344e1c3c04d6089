"""Heads as convolutions: what they gave, at more places."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision.models as models
from torch import Tensor, nn

from dreamvid.config.dream_settings import DreamSettings
from dreamvid.core.errors import NetError
from dreamvid.dream.deepdream import Dreamer, StepBudget, dream
from dreamvid.dream.objectives import class_logit
from dreamvid.models import zoo
from dreamvid.models.dense_head import dense
from dreamvid.models.layer_aliases import aliases_of
from dreamvid.models.net import OUTPUT, Net, activations, layer_shapes
from dreamvid.models.prepare import prepare

CLASSES = 10


def net_of(name: str, module: nn.Module) -> Net:
    """A net around a module."""
    return Net(name, module.eval(), (0.5,) * 3, (0.25,) * 3, "sha", tuple(map(str, range(CLASSES))))


@pytest.fixture(scope="module")
def vgg() -> Net:
    """VGG16 with a sixteenth of its channels: the same layers, strides and sides."""
    with torch.device("meta"):
        module = models.vgg16(weights=None, init_weights=False)
    channels = 3
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for place, part in enumerate(module.features):
            if isinstance(part, nn.Conv2d):
                module.features[place] = nn.Conv2d(channels, part.out_channels // 16, 3, padding=1)
                channels = part.out_channels // 16
        for place, inputs, outputs in ((0, channels * 7 * 7, 48), (3, 48, 40), (6, 40, CLASSES)):
            module.classifier[place] = nn.Linear(inputs, outputs)
        for part in module.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(part.weight)
    return replace(net_of("vgg16", module), aliases=aliases_of("vgg16", module))


def noise(height: int, width: int) -> Tensor:
    """A seeded picture, normalised."""
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("layer", ["fc6", "relu6", "fc7", "fc8"])
def test_at_its_own_size_the_head_gives_what_it_gave(vgg: Net, layer: str) -> None:
    name = frozenset({vgg.layer_name(layer), OUTPUT})
    with torch.no_grad():
        wanted, found = (activations(net.module, noise(224, 224), name) for net in (vgg, dense(vgg)))
    for layer, value in wanted.items():
        assert found[layer].shape == (*value.shape, 1, 1)
        assert float(value.abs().max()) > 0.1
        torch.testing.assert_close(found[layer][..., 0, 0], value, rtol=1e-5, atol=1e-5)


def test_in_a_larger_picture_it_gives_a_map_of_what_it_sees_at_each_place() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 8, stride=8), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 3 * 3, CLASSES))
    net = replace(net_of("blocks", module), side=24)
    picture = noise(40, 56)
    with torch.no_grad():
        seen = dense(net).module(picture)
        assert seen.shape == (1, CLASSES, 3, 5)
        for row in range(3):
            for col in range(5):
                window = picture[..., 8 * row : 8 * row + 24, 8 * col : 8 * col + 24]
                torch.testing.assert_close(seen[..., row, col], module(window), rtol=1e-5, atol=1e-5)


def test_layers_in_front_of_the_head_and_names_stay(vgg: Net) -> None:
    made = dense(vgg)
    assert made.dense and not vgg.dense
    assert made.aliases == vgg.aliases and set(made.aliases.values()) <= set(layer_shapes(made))
    with torch.no_grad():
        wanted, found = (net.module.features(noise(64, 96)) for net in (vgg, made))
    torch.testing.assert_close(found, wanted)


def test_the_net_itself_stays_as_it_was(vgg: Net) -> None:
    before = repr(vgg.module)
    dense(vgg)
    assert repr(vgg.module) == before


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "squeezenet1_1", "shufflenet_v2_x0_5", "dreamnet"])
def test_behind_a_mean_over_places_the_map_has_the_logits_as_its_mean(name: str) -> None:
    net = replace(zoo.get(name, "random:0"), side=64)
    made = dense(net)
    with torch.no_grad():
        wanted, found = net.module(noise(96, 160)), made.module(noise(96, 160))
    assert found.dim() == 4 and found.shape[2] < found.shape[3]
    assert float((found.mean(dim=(2, 3)) - wanted).abs().max()) <= 1e-4 * float(wanted.abs().max())


@pytest.mark.parametrize("name", ["densenet121", "convnext_tiny"])
def test_other_nets_are_refused_in_one_line(name: str) -> None:
    net = replace(zoo.get(name, "random:0"), side=64)
    with pytest.raises(NetError, match=f"the head of {name} cannot be made dense .*leave out net.dense") as error:
        dense(net)
    assert "\n" not in str(error.value)


def test_a_class_can_be_dreamed_through_a_dense_head(vgg: Net) -> None:
    objective = class_logit(3)
    prepared = prepare(dense(vgg), objective.layers, torch.device("cpu"), torch.float32)
    dreamer = Dreamer(prepared, objective, DreamSettings(octaves=2, jitter=2, step_size=0.02), 0)
    source = np.random.default_rng(0).random((224, 320, 3), dtype=np.float32)
    scores = [float(objective(prepared(torch.from_numpy(source.transpose(2, 0, 1)[None].copy()))))]
    result = dream(dreamer, source, None, StepBudget(2), (0,))
    scores.append(float(objective(prepared(torch.from_numpy(result.transpose(2, 0, 1)[None].copy())))))
    assert scores[1] > scores[0] + 0.1 * abs(scores[0])


@pytest.mark.parametrize(("size", "tile"), [((200, 320), 1024), ((320, 200), 1024), ((320, 320), 192)])
def test_a_picture_or_tile_too_small_for_the_head_is_told_the_smallest_size(
    vgg: Net, size: tuple[int, int], tile: int
) -> None:
    objective = class_logit(3)
    prepared = prepare(dense(vgg), objective.layers, torch.device("cpu"), torch.float32)
    dreamer = Dreamer(prepared, objective, DreamSettings(tile=tile), 0)
    with pytest.raises(NetError, match=r"dense head of vgg16 .* at least 224x224 pixels, not \d+x\d+: give") as error:
        dream(dreamer, np.zeros((*size, 3), np.float32), None, StepBudget(1), (0,))
    assert "\n" not in str(error.value)


def test_layers_in_front_of_a_dense_head_take_smaller_pictures(vgg: Net) -> None:
    layer = frozenset({vgg.layer_name("conv3_1")})
    prepare(dense(vgg), layer, torch.device("cpu"), torch.float32).check_size(64, 64)
