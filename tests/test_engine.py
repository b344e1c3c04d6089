"""What is made ready once a job."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dreamvid.dream import JITTER, Effort, dream, score
from dreamvid.engine import CLASS_BLUR, start
from dreamvid.errors import NetError
from dreamvid.nets import zoo
from dreamvid.nets.net import Net
from dreamvid.settings import Settings, read_settings


@pytest.fixture(autouse=True)
def _tiny_everywhere(tiny_net: Net, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever net is named, the tiny one is given; threads are left as they were."""
    threads = torch.get_num_threads()
    monkeypatch.setattr(zoo, "get", lambda name, weights=None: tiny_net)
    yield
    torch.set_num_threads(threads)


def settings(**tables: object) -> Settings:
    """Settings for the processor."""
    return read_settings({"compute": {"device": "cpu", "precision": "fp32"}} | tables, "test")


def test_the_dreamer_has_the_nets_layers_the_seed_and_the_device(tiny_net: Net) -> None:
    ready = start(settings(seed=5))
    assert ready.net is tiny_net
    assert ready.dreamer.seed == 5
    assert ready.dreamer.objective.layers == ready.dreamer.net.layers == {"second"}
    assert ready.compute.device == torch.device("cpu")


def test_in_float32_the_judge_shares_the_dreamers_net() -> None:
    ready = start(settings())
    assert ready.judge.net is ready.dreamer.net


def test_the_judge_computes_in_float32_even_where_the_dreamer_does_not() -> None:
    ready = start(settings(compute={"device": "cpu", "precision": "bf16"}))
    assert ready.dreamer.net.dtype == torch.bfloat16
    assert ready.judge.net.dtype == torch.float32
    image = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    rough, exact = (score(who, image) for who in (ready.dreamer, ready.judge))
    assert rough == pytest.approx(exact, rel=0.05)


SPIDER = [{"kind": "class", "class_name": "garden spider"}]


def test_the_gradient_of_a_class_is_evened_unless_something_else_is_said() -> None:
    assert start(settings()).dreamer.settings.gradient == "plain"
    assert start(settings(objective=SPIDER)).dreamer.settings.gradient == "fourier"
    assert start(settings(objective=SPIDER, dream={"gradient": "plain"})).dreamer.settings.gradient == "plain"


def test_a_step_shifts_the_picture_unless_one_place_is_seen() -> None:
    neuron = [{"kind": "neuron", "layer": "second", "channels": [1], "row": 2, "column": 3}]
    assert start(settings()).dreamer.settings.jitter == JITTER
    assert start(settings(objective=neuron)).dreamer.settings.jitter == 0
    assert start(settings(objective=neuron, dream={"jitter": 3})).dreamer.settings.jitter == 3


def test_objectives_take_turns_where_that_is_asked_for() -> None:
    terms = [{"layer": "first", "step_size": 0.5}, {"layer": "third"}]
    (first, size), (third, usual) = start(settings(objective=terms, dream={"cycle": True})).dreamer.cycle
    assert (first.layers, size) == ({"first"}, 0.5)
    assert (third.layers, usual) == ({"third"}, settings().dream.step_size)
    assert start(settings(objective=terms)).dreamer.cycle == ()


def test_a_class_is_blurred_unless_something_else_is_said() -> None:
    assert start(settings()).dreamer.settings.blur_every == 0
    assert start(settings(objective=SPIDER)).dreamer.settings.blur_every == CLASS_BLUR
    assert start(settings(objective=SPIDER, dream={"blur_every": 0})).dreamer.settings.blur_every == 0
    assert start(settings(dream={"blur_every": 7})).dreamer.settings.blur_every == 7


def test_what_the_net_does_not_have_stops_the_start() -> None:
    with pytest.raises(NetError, match="nearest: third"):
        start(settings(objective=[{"layer": "thrid"}]))


def test_a_net_for_pictures_of_one_size_sees_them_in_patches_of_that(
    tiny_net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = tiny_net.module

        def forward(self, x: Tensor) -> Tensor:
            assert x.shape[-2:] == (48, 48)
            return self.inner(x)

    net = replace(tiny_net, module=Fixed(), side=48, default_layers=("inner.second",), statistics={})
    monkeypatch.setattr(zoo, "get", lambda name, weights=None: net)
    ready = start(settings())
    assert ready.dreamer.settings.tile == ready.judge.settings.tile == 48
    source = np.random.default_rng(0).random((60, 130, 3), dtype=np.float32)
    dreamed, _ = dream(ready.dreamer, source, None, Effort(1), (0,))
    changed = np.abs(dreamed - source).mean(axis=2)
    assert changed[:20, :20].mean() > 0.005 and changed[-20:, -20:].mean() > 0.005
    assert start(settings(dream={"tile": 32, "overlap": 8})).dreamer.settings.tile == 32


def test_at_another_moment_the_same_net_climbs_what_the_settings_say_then() -> None:
    terms = [{"layer": "first", "weight": 1}, {"layer": "third", "weight": 0}]
    first = settings(objective=terms, dream={"octaves": 2})
    then = settings(objective=[{**terms[0], "weight": 0}, {**terms[1], "weight": 2}], dream={"octaves": 3})
    ready, image = start(first), torch.rand(1, 3, 48, 64)
    later = ready.at(then)
    assert later.dreamer.net is ready.dreamer.net and later.judge.net is ready.judge.net
    assert (ready.dreamer.settings.octaves, later.dreamer.settings.octaves) == (2, 3)
    assert score(later.judge, image) == pytest.approx(score(start(then).judge, image))
    assert score(later.judge, image) != pytest.approx(score(ready.judge, image))
    assert later.at(first).dreamer.settings == ready.dreamer.settings
