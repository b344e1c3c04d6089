"""Architectures of every kind dream: one step on a layer raises its energy, with weights that nobody trained."""

import pytest
import torch

from dreamvid.config.dream_settings import DreamSettings
from dreamvid.config.objective_settings import ObjectiveSettings
from dreamvid.dream.build_objectives import from_settings
from dreamvid.dream.deepdream import Dreamer, gradient_step
from dreamvid.models import zoo
from dreamvid.models.net import OUTPUT
from dreamvid.models.prepare import prepare


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("dreamnet", "mixed4a"),
        ("googlenet", "inception4c"),
        ("inception_v3", "Mixed_5d"),
        ("resnet18", "block3"),
        ("resnet50", "block3"),
        ("squeezenet1_1", "features.9"),
        ("alexnet", "conv4"),
        ("convnext_tiny", "features.5"),
        ("efficientnet_b0", "features.4"),
        ("vit_b_32", "block6"),
    ],
)
def test_one_step_raises_the_energy_of_a_layer(name: str, layer: str) -> None:
    net = zoo.get(name, "random:0")
    objective = from_settings([ObjectiveSettings(layer=layer)], net)
    prepared = prepare(net, objective.layers, torch.device("cpu"), torch.float32)
    dreamer = Dreamer(prepared, objective, DreamSettings(jitter=0, step_size=0.01), 0)
    picture = torch.rand(1, 3, 72, 104, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1
    seen = prepared(picture)
    (found,) = (seen[name] for name in objective.layers)
    assert found.dim() == 4 and found.shape[2] < found.shape[3]  # a map, wider than high as the picture is
    stepped = gradient_step(dreamer, picture, (0, 0))
    assert float(objective(prepared(stepped))) > float(objective(seen)) > 0
    assert OUTPUT not in seen
