"""Settings become an objective over a net; what the net or the disk does not have is said in one line."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from little import texture, write_image
from torch import Tensor

from dreamvid.config.objective_settings import ObjectiveSettings
from dreamvid.core.errors import NetError, SettingsError, SourceError
from dreamvid.dream.build_objectives import (
    each_from_settings,
    from_settings,
    guide_digests,
    uses_class,
    uses_place,
    weighted,
)
from dreamvid.dream.objectives import Objective, before, layer_energy
from dreamvid.models import zoo
from dreamvid.models.net import OUTPUT, Net
from dreamvid.models.prepare import PreparedNet, prepare


def picture(height: int = 40, width: int = 56) -> Tensor:
    """Seeded noise around grey."""
    noise = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    return 0.35 + 0.3 * noise


def prepared(net: Net, objective: Objective) -> PreparedNet:
    """The net made ready for what the objective looks at."""
    return prepare(net, objective.of_picture, torch.device("cpu"), torch.float32)


def gradient_step(net: Net, objective: Objective, steps: int = 8) -> tuple[float, float]:
    """The score before and after some normalised gradient steps."""
    ready, image = prepared(net, objective), picture()
    other = torch.from_numpy(texture(40, 56, seed=3)).permute(2, 0, 1)[None] / 255
    source = {before(layer): values for layer, values in ready(other).items()}

    def score(image: Tensor) -> Tensor:
        return objective(ready(image) | source)

    start = float(score(image))
    for _ in range(steps):
        image.requires_grad_(True)
        (slope,) = torch.autograd.grad(score(image), image)
        image = (image.detach() + 0.01 * slope / slope.abs().mean()).clamp(0, 1)
    return start, float(score(image))


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("guide") / "guide.png"
    write_image(file, texture(48, 64, seed=9))
    return file


@pytest.fixture(scope="module", params=["tiny", "dreamnet"])
def net(request: pytest.FixtureRequest, tiny_net: Net) -> Net:
    """Two nets with the same names for what the terms below ask for."""
    if request.param == "tiny":
        return tiny_net
    return zoo.get("dreamnet")


TERMS = {
    "a layer": {"layer": "B"},
    "a layer, plain": {"layer": "B", "form": "plain"},
    "a layer, summed": {"layer": "B", "form": "sum"},
    "a channel": {"kind": "channel", "layer": "B", "channels": (0,)},
    "several channels": {"kind": "channel", "layer": "A", "channels": (2, 5, 6)},
    "all other channels": {"kind": "channel", "layer": "A", "channels": (2, 5), "form": "others"},
    "the strongest channels": {"kind": "channel", "layer": "A", "form": "strongest", "count": 3},
    "the weakest channels": {"kind": "channel", "layer": "A", "form": "weakest", "count": 3},
    "a neuron": {"kind": "neuron", "layer": "A", "channels": (2,), "row": 4, "column": 5},
    "a direction": {"kind": "direction", "layer": "A", "channels": (1, 4), "amounts": (1.0, -0.5)},
    "a cosine": {"kind": "direction", "layer": "A", "channels": (1, 4), "amounts": (1.0, 0.5), "form": "cosine"},
    "a class": {"kind": "class", "class_name": "4"},
    "a class above the mean": {"kind": "class", "class_name": "3", "form": "above_mean"},
    "a class squared": {"kind": "class", "class_name": "3", "form": "square"},
    "the probability of a class": {"kind": "class", "class_name": "2", "form": "log_probability"},
    "a guide": {"kind": "guide", "layer": "B"},
    "a guide by the net's own layers": {"kind": "guide"},
    "a guide by what suits best": {"kind": "guide", "layer": "B", "form": "best"},
    "what a guide excites together": {"kind": "guide", "layer": "A", "form": "statistics"},
    "what a guide excites, in order": {"kind": "guide", "layer": "A", "form": "sorted"},
    "a guide through the output": {"kind": "guide", "layer": OUTPUT},
    "the output itself": {"layer": OUTPUT},
    "little variation": {"kind": "tv"},
    "little contrast": {"kind": "l2"},
    "little change": {"kind": "source"},
    "little change in a layer": {"kind": "source", "layer": "B"},
    "little change in the output": {"kind": "source", "layer": OUTPUT},
    "less of a layer": {"layer": "B", "weight": -1.0},
}
NAMED = {"tiny": {"A": "first", "B": "third"}, "dreamnet": {"A": "conv1", "B": "mixed3b"}}


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
def test_eight_steps_raise_every_objective(net: Net, guide: Path, term: dict[str, object]) -> None:
    told = dict(term)
    if "layer" in told:
        told["layer"] = NAMED[net.name].get(str(told["layer"]), told["layer"])
    if told.get("kind") == "guide":
        told["file"] = str(guide)
    start, after = gradient_step(net, from_settings([ObjectiveSettings(**told)], net))
    assert after > start + 0.02 * abs(start)


def test_the_nets_own_layers_are_dreamed_where_none_is_named(tiny_net: Net) -> None:
    objective = from_settings([], tiny_net)
    assert objective.layers == {"second"}
    start, after = gradient_step(tiny_net, objective)
    assert after > start


def test_every_term_of_the_settings_counts_with_its_weight(tiny_net: Net) -> None:
    terms = [
        ObjectiveSettings(layer="first", weight=2.0),
        ObjectiveSettings(kind="channel", layer="third", channels=(3,), weight=-0.5),
        ObjectiveSettings(kind="class", class_name="volcano", weight=0.25),
    ]
    objective = from_settings(terms, tiny_net)
    seen = prepared(tiny_net, objective)(picture())
    energy = layer_energy("first", tiny_net.statistics["first"])(seen)
    wanted = 2.0 * energy - 0.5 * seen["third"][:, 3].mean() + 0.25 * seen[OUTPUT][0, 4]
    assert float(objective(seen)) == pytest.approx(float(wanted), rel=1e-5)


@pytest.mark.parametrize("name", ["Sea eyes", "sea_eyes", "SEA-EYES"])
def test_a_channel_by_name_is_that_of_its_name(tiny_net: Net, name: str) -> None:
    net = replace(tiny_net, channel_names={"spots": ("first", 2), "sea eyes": ("third", 3)})
    objective = from_settings([ObjectiveSettings(kind="channel", name=name, weight=2.0)], net)
    assert objective.layers == {"third"}
    seen = prepared(net, objective)(picture())
    assert float(objective(seen)) == pytest.approx(2.0 * float(seen["third"][:, 3].mean()), rel=1e-5)


def test_channel_names_that_do_not_fit_their_net_are_refused(tiny_net: Net) -> None:
    net = replace(tiny_net, channel_names={"deep": ("fourth", 0), "far": ("third", 16)})
    with pytest.raises(NetError, match="layer 'fourth' of tiny does not exist"):
        from_settings([ObjectiveSettings(kind="channel", name="deep")], net)
    with pytest.raises(NetError, match="has no channel 16: give 0 to 15"):
        from_settings([ObjectiveSettings(kind="channel", name="far")], net)


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ({"kind": "channel", "name": "eyes"}, "tiny has no channels with names.*give LAYER:N"),
        ({"kind": "source", "layer": "secnd"}, r"layer 'secnd' of tiny does not exist; nearest: second"),
        ({"layer": "secnd"}, r"layer 'secnd' of tiny does not exist; nearest: second"),
        ({"layer": "conv"}, r"nearest: .*first\.conv"),
        ({"kind": "channel", "layer": "third", "channels": (16,)}, "has no channel 16: give 0 to 15"),
        ({"kind": "channel", "layer": "third", "channels": (0, -1)}, "has no channel -1: give 0 to 15"),
        ({"kind": "class", "class_name": "tabby cats"}, "no class 'tabby cats'.*nearest: tabby cat"),
        ({"kind": "class", "class_name": "5"}, "no class '5'"),
        ({"kind": "class", "class_name": "-1"}, "no class '-1'"),
    ],
)
def test_what_the_net_does_not_have_is_met_with_the_nearest(tiny_net: Net, term: dict, said: str) -> None:
    with pytest.raises(NetError, match=said) as error:
        from_settings([ObjectiveSettings(**term)], tiny_net)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("place", "term", "said"),
    [
        (0, {"layer": "fourth"}, "layer 'fourth' of tiny does not exist"),
        (1, {"kind": "class", "class_name": "wyvern"}, "tiny has no class 'wyvern'"),
        (2, {"kind": "channel", "name": "eyes"}, "'eyes': tiny has no channels with names"),
    ],
)
def test_of_several_objectives_the_one_that_does_not_fit_the_net_is_named(
    tiny_net: Net, place: int, term: dict, said: str
) -> None:
    """Those that mean something on any net stand beside it."""
    any_net = [ObjectiveSettings(kind="tv"), ObjectiveSettings(kind="l2"), ObjectiveSettings(kind="source")]
    assert len(each_from_settings(any_net, tiny_net)) == 3
    any_net.insert(place, ObjectiveSettings(**term))
    with pytest.raises(NetError, match=f"^objective.{place} does not fit tiny: {said}.*--layer, --channel or --class"):
        each_from_settings(any_net, tiny_net)


def test_a_net_without_names_of_classes_or_without_layers_of_its_own_says_so(tiny_net: Net) -> None:
    bare = replace(tiny_net, classes=(), default_layers=(), statistics={})
    with pytest.raises(NetError, match="has no names for its classes"):
        from_settings([ObjectiveSettings(kind="class", class_name="tabby cat")], bare)
    with pytest.raises(SettingsError, match="tiny has no default layers: give --layer"):
        from_settings([], bare)


def test_statistics_that_do_not_fit_their_layer_are_refused(tiny_net: Net) -> None:
    damaged = replace(tiny_net, statistics={"second": torch.ones(5)})
    with pytest.raises(NetError, match="do not fit layer second"):
        from_settings([ObjectiveSettings(layer="second")], damaged)


def test_whether_a_class_is_dreamed_is_known() -> None:
    layer = ObjectiveSettings(layer="second")
    assert not uses_class([layer]) and not uses_class([])
    assert uses_class([layer, ObjectiveSettings(kind="class", class_name="volcano")])


def test_each_term_is_an_objective_of_its_own_where_they_take_turns(tiny_net: Net) -> None:
    terms = [ObjectiveSettings(layer="first", weight=2.0), ObjectiveSettings(layer="third")]
    first, third = weighted(each_from_settings(terms, tiny_net), terms)
    assert (first.layers, third.layers) == ({"first"}, {"third"})
    seen = prepared(tiny_net, first + third)(picture())
    assert float(first(seen)) == pytest.approx(2 * float(layer_energy("first", tiny_net.statistics["first"])(seen)))


@pytest.mark.parametrize("term", [{}, {"kind": "channel", "channels": (3,)}])
def test_a_layer_may_be_named_by_its_alias(tiny_net: Net, term: dict) -> None:
    net = replace(tiny_net, aliases={"27": "second"})
    assert from_settings([ObjectiveSettings(layer="27", **term)], net).layers == {"second"}


def test_a_neuron_of_a_layer_without_places_is_refused(tiny_net: Net) -> None:
    term = ObjectiveSettings(kind="neuron", layer=OUTPUT, channels=(2,), row=0, column=0)
    with pytest.raises(NetError, match="layer output of tiny has no rows and columns"):
        from_settings([term], tiny_net)
    assert uses_place([term]) and not uses_place([ObjectiveSettings(layer="second")])


def test_a_guide_that_is_missing_or_too_small_is_said(tiny_net: Net, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no\.png"):
        from_settings([ObjectiveSettings(kind="guide", layer="second", file=str(tmp_path / "no.png"))], tiny_net)
    speck = tmp_path / "speck.png"
    write_image(speck, texture(8, 8, seed=1)[:2, :2])
    alexnet = zoo.get("alexnet", "random:0")
    with pytest.raises(SettingsError, match=r"speck\.png of 2x2 is too small for layer features.5 of alexnet"):
        from_settings([ObjectiveSettings(kind="guide", layer="features.5", file=str(speck))], alexnet)


def test_a_guide_is_known_by_its_bytes(guide: Path) -> None:
    terms = [ObjectiveSettings(layer="second"), ObjectiveSettings(kind="guide", file=str(guide))]
    (digest,) = guide_digests(terms)
    assert len(digest) == 64
    with pytest.raises(SourceError, match="cannot be read"):
        guide_digests([ObjectiveSettings(kind="guide", file=str(guide.with_name("gone.png")))])
