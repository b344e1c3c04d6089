"""What is made ready once a job."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dreamvid.config.serialize import read_settings
from dreamvid.config.settings import Settings
from dreamvid.core.errors import NetError
from dreamvid.dream import tiles
from dreamvid.dream.deepdream import StepBudget, dream, score
from dreamvid.dream.session import CLASS_BLUR, CUTOFF, SharedNets, open_session
from dreamvid.dream.transforms import JITTER
from dreamvid.media import opencv
from dreamvid.models import zoo
from dreamvid.models.net import Net


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
    ready = open_session(settings(seed=5))
    assert ready.net is tiny_net
    assert ready.dreamer.seed == 5
    assert ready.dreamer.objective.layers == ready.dreamer.net.layers == {"second"}
    assert ready.compute.device == torch.device("cpu")


def test_in_float32_the_judge_shares_the_dreamers_net() -> None:
    ready = open_session(settings())
    assert ready.scorer.net is ready.dreamer.net


def test_the_judge_computes_in_float32_even_where_the_dreamer_does_not() -> None:
    ready = open_session(settings(compute={"device": "cpu", "precision": "bf16"}))
    assert ready.dreamer.net.dtype == torch.bfloat16
    assert ready.scorer.net.dtype == torch.float32
    image = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    rough, exact = (score(who, image) for who in (ready.dreamer, ready.scorer))
    assert rough == pytest.approx(exact, rel=0.05)


SPIDER = [{"kind": "class", "class_name": "garden spider"}]


def test_opencv_takes_no_more_threads_than_torch() -> None:
    for threads in (1, 2):
        open_session(settings(compute={"device": "cpu", "threads": threads}))
        assert opencv.load().getNumThreads() == torch.get_num_threads() == threads


def test_of_shared_nets_those_not_used_the_longest_go_first() -> None:
    shared = SharedNets(most=1)
    kept, *_ = (open_session(settings(objective=[{"layer": layer}]), shared=shared) for layer in ("first", "second"))
    for layer in ("first", "third", "first"):
        last = open_session(settings(objective=[{"layer": layer}]), shared=shared)
    assert last.scorer.net is kept.scorer.net
    assert len(shared.prepared) == 2


def test_a_net_is_loaded_anew_where_its_file_has_changed_or_others_were_used_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_net: Net
) -> None:
    loads, shared = list[str | None](), SharedNets(most=2)
    monkeypatch.setattr(zoo, "get", lambda name, weights=None: loads.append(weights) or tiny_net)

    def load(*names: str) -> list[str | None]:
        for name in names:
            open_session(settings(net={"name": "dreamnet", "weights": name}), shared=shared)
        return [loads.pop(0) for _ in range(len(loads))]

    file = tmp_path / "weights.pt"
    file.write_bytes(b"1")
    assert load(str(file), "random:1", str(file), "random:1") == [str(file), "random:1"]
    file.write_bytes(b"22")
    assert load(str(file)) == [str(file)]
    assert load("random:1", str(file), "random:2", str(file), "random:1") == ["random:2", "random:1"]


def test_the_gradient_of_a_class_is_evened_unless_something_else_is_said() -> None:
    assert open_session(settings()).dreamer.settings.gradient == "plain"
    assert open_session(settings(objective=SPIDER)).dreamer.settings.gradient == "fourier"
    assert open_session(settings(objective=SPIDER, dream={"gradient": "plain"})).dreamer.settings.gradient == "plain"


def test_what_is_broad_is_left_alone_unless_a_class_is_dreamed() -> None:
    assert open_session(settings()).dreamer.settings.cutoff == CUTOFF
    assert open_session(settings(objective=SPIDER)).dreamer.settings.cutoff == 0
    assert open_session(settings(objective=SPIDER, dream={"cutoff": 20})).dreamer.settings.cutoff == 20


def test_a_step_shifts_the_picture_unless_one_place_is_seen() -> None:
    neuron = [{"kind": "neuron", "layer": "second", "channels": [1], "row": 2, "column": 3}]
    assert open_session(settings()).dreamer.settings.jitter == JITTER
    assert open_session(settings(objective=neuron)).dreamer.settings.jitter == 0
    assert open_session(settings(objective=neuron, dream={"jitter": 3})).dreamer.settings.jitter == 3


def test_objectives_take_turns_where_that_is_asked_for() -> None:
    terms = [{"layer": "first", "step_size": 0.5}, {"layer": "third"}]
    (first, size), (third, usual) = open_session(settings(objective=terms, dream={"cycle": True})).dreamer.cycle
    assert (first.layers, size) == ({"first"}, 0.5)
    assert (third.layers, usual) == ({"third"}, settings().dream.step_size)
    assert open_session(settings(objective=terms)).dreamer.cycle == ()


def test_a_class_is_blurred_unless_something_else_is_said() -> None:
    assert open_session(settings()).dreamer.settings.blur_every == 0
    assert open_session(settings(objective=SPIDER)).dreamer.settings.blur_every == CLASS_BLUR
    assert open_session(settings(objective=SPIDER, dream={"blur_every": 0})).dreamer.settings.blur_every == 0
    assert open_session(settings(dream={"blur_every": 7})).dreamer.settings.blur_every == 7


def test_what_the_net_does_not_have_stops_the_start() -> None:
    with pytest.raises(NetError, match="nearest: third"):
        open_session(settings(objective=[{"layer": "thrid"}]))


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
    ready = open_session(settings())
    assert ready.dreamer.patch[0] == ready.scorer.patch[0] == 48
    source = np.random.default_rng(0).random((60, 130, 3), dtype=np.float32)
    dreamed = dream(ready.dreamer, source, None, StepBudget(1), (0,))
    changed = np.abs(dreamed - source).mean(axis=2)
    assert changed[:20, :20].mean() > 0.005 and changed[-20:, -20:].mean() > 0.005
    assert open_session(settings(dream={"tile": 32, "overlap": 8})).dreamer.patch[0] == 32


def test_at_another_moment_the_same_net_climbs_what_the_settings_say_then() -> None:
    terms = [{"layer": "first", "weight": 1}, {"layer": "third", "weight": 0}]
    first = settings(objective=terms, dream={"octaves": 2})
    then = settings(objective=[{**terms[0], "weight": 0}, {**terms[1], "weight": 2}], dream={"octaves": 3})
    ready, image = open_session(first), torch.rand(1, 3, 48, 64)
    later = ready.at(then)
    assert later.dreamer.net is ready.dreamer.net and later.scorer.net is ready.scorer.net
    assert (ready.dreamer.settings.octaves, later.dreamer.settings.octaves) == (2, 3)
    assert score(later.scorer, image) == pytest.approx(score(open_session(then).scorer, image))
    assert score(later.scorer, image) != pytest.approx(score(ready.scorer, image))
    assert later.at(first).dreamer.settings == ready.dreamer.settings


# Several nets at once

BOTH = [{"layer": "first"}, {"net": "alexnet", "layer": "second", "step_size": 0.5}]


@pytest.fixture
def two_nets(tiny_net: Net, other_net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """AlexNet is another net than all others."""
    monkeypatch.setattr(zoo, "get", lambda name, weights=None: other_net if name == "alexnet" else tiny_net)


@pytest.mark.usefixtures("two_nets")
def test_one_dream_climbs_the_layers_of_two_nets() -> None:
    both, first = open_session(settings(objective=BOTH)), open_session(settings(objective=BOTH[:1]))
    second = open_session(settings(net={"name": "alexnet"}, objective=[{"layer": "second"}]))
    assert both.dreamer.net.name == "tiny and other"
    source = 0.3 + 0.4 * np.random.default_rng(0).random((48, 64, 3), dtype=np.float32)
    dreamed = dream(both.dreamer, source, None, StepBudget(8), (0,))
    before, after = (torch.from_numpy(part).permute(2, 0, 1)[None] for part in (source, dreamed))
    for alone in (first, second):
        assert score(alone.scorer, after) > 1.2 * score(alone.scorer, before)
    assert score(both.scorer, after) == pytest.approx(score(first.scorer, after) + score(second.scorer, after))


@pytest.mark.usefixtures("two_nets")
def test_patches_give_the_gradient_of_both_nets_over_the_whole() -> None:
    fields = open_session(settings(objective=BOTH)).dreamer.fields
    image = torch.rand(1, 3, 224, 288, generator=torch.Generator().manual_seed(0))
    whole, value = tiles.gradient(fields, image, 512, 64)
    slope, found = tiles.gradient(fields, image, 128, 64)
    assert float((slope - whole).abs().max()) <= 1e-4 * float(whole.abs().max())
    torch.testing.assert_close(found, value, rtol=1e-3, atol=1e-3 * float(value.max()))


@pytest.mark.usefixtures("two_nets")
def test_a_source_is_held_in_a_layer_of_any_net() -> None:
    hold = [{"kind": "source", "layer": "third"}, {"kind": "source", "net": "alexnet", "layer": "second"}]
    ready = open_session(settings(objective=hold)).dreamer
    assert ready.objective.of_picture == ready.objective.of_source == {"third", "1:second"}
    image, source = torch.rand(2, 1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    seen, held = ready.net(image), ready.net(source)
    shares = [(seen[name] - held[name]).square().mean() / held[name].square().mean() for name in ("third", "1:second")]
    found = sum(float(field.mean()) for field in ready.fields(image, source))
    assert found == pytest.approx(-float(sum(shares)), rel=1e-5)
    assert not any(field.any() for field in ready.fields(image))


@pytest.mark.usefixtures("two_nets")
def test_nets_take_turns_where_objectives_do() -> None:
    ready = open_session(settings(objective=BOTH, dream={"cycle": True}))
    (first, _), (second, size) = ready.dreamer.cycle
    assert (first.layers, second.layers, size) == ({"first"}, {"1:second"}, 0.5)
    assert set(ready.dreamer.net(torch.rand(1, 3, 32, 32))) == {"first", "1:second", "input"}


def test_a_net_that_is_named_twice_is_had_once() -> None:
    ready = open_session(settings(objective=[{"layer": "first"}, {"net": settings().net.name, "layer": "third"}]))
    assert list(ready.nets.values()) == [ready.net]
    assert ready.dreamer.net.layers == {"first", "third"}


@pytest.mark.usefixtures("two_nets")
def test_a_layer_is_looked_for_in_the_net_that_the_objective_names(tiny_net: Net) -> None:
    with pytest.raises(NetError, match=r"layer 'thrid' of other does not exist; nearest: third.*layers other"):
        open_session(settings(objective=[{"layer": "first"}, {"net": "alexnet", "layer": "thrid"}]))
