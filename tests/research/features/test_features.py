"""What features show and measure, on nets and pictures small enough for milliseconds."""

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from little import read_image, texture, write_image
from torch import nn

from dreamvid import cli
from dreamvid.analysis import contact_sheet
from dreamvid.config.presets import resolve
from dreamvid.core.errors import NetError, SettingsError, SourceError
from dreamvid.core.types import Box, to_float
from dreamvid.dream import objectives
from dreamvid.dream.deepdream import StepBudget, dream, score, to_tensor
from dreamvid.models import zoo
from dreamvid.models.device import Compute
from dreamvid.models.dreamnet import DreamNet
from dreamvid.models.net import Net, describe
from dreamvid.models.prepare import PreparedNet, prepare
from dreamvid.models.relu_rules import Rule, ruled
from dreamvid.research.features import (
    average,
    crops,
    deconv,
    embed,
    feature_session,
    finding,
    infinite,
    photos,
    spectra,
    steps,
    units,
)
from dreamvid.research.features.feature_session import FeatureSession
from dreamvid.research.features.field import receptive_field
from dreamvid.research.features.units import Unit

CPU = torch.device("cpu")
LAYERS = ("0", "2", "3", "5", "6")


def rising_net() -> Net:
    """Convolutions of positive weights, strided, dilated, padded oddly, and a mean: a pixel that rises raises all."""
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=2, dilation=2),
        nn.AvgPool2d(2),
        nn.ReLU(),
        nn.Conv2d(4, 5, (3, 1), padding=(0, 0)),
        nn.Conv2d(5, 2, 1),
    )
    for parameter in module.parameters():
        nn.init.constant_(parameter, 0.1)
    return Net("rising", module.eval(), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "0" * 64)


RISING = {layer: prepare(rising_net(), frozenset({layer}), CPU, torch.float32) for layer in LAYERS}


def value(net: PreparedNet, unit: Unit, place: tuple[int, int], picture: torch.Tensor) -> float:
    with torch.inference_mode():
        return float(units.map_of(net(picture)[unit.layer], unit.number)[place])


# Receptive fields


def check_field(net: PreparedNet, unit: Unit, place: tuple[int, int], picture: torch.Tensor, by: float) -> None:
    """Pixels outside the field change nothing; each corner inside, raised `by` so much, is felt."""
    height, width = picture.shape[-2:]
    box = receptive_field(net, unit, place, (height, width))
    before = value(net, unit, place, picture)
    outside = torch.ones(height, width, dtype=torch.bool)
    outside[box.rows, box.columns] = False
    assert value(net, unit, place, torch.where(outside, 1 - picture, picture)) == before
    for row in (box.top, box.bottom - 1):
        for column in (box.left, box.right - 1):
            changed = picture.clone()
            changed[..., row, column] += by
            assert value(net, unit, place, changed) > before


@given(st.sampled_from(LAYERS), st.integers(24, 48), st.integers(24, 64), st.floats(0, 1), st.floats(0, 1))
def test_pixels_outside_the_field_change_nothing_and_each_corner_changes_the_unit(
    layer: str, height: int, width: int, down: float, across: float
) -> None:
    net, unit = RISING[layer], Unit(layer, 1)
    picture = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    rows, columns = net(picture)[layer].shape[-2:]
    place = round(down * (rows - 1)), round(across * (columns - 1))
    check_field(net, unit, place, picture, 100)


@pytest.mark.parametrize(
    "unit", [Unit("mixed3a", 0), Unit("mixed3a", 9), Unit("mixed3a", 14), Unit("mixed4a", 20)], ids=str
)
@pytest.mark.parametrize("where", [(0.0, 0.0), (0.5, 0.5), (1.0, 0.7)])
def test_dreamnets_fields_are_exact_at_16_9(unit: Unit, where: tuple[float, float]) -> None:
    """Its own shape, with weights that let every pixel be felt; units of all branches, borders included."""
    module = DreamNet(2, width=0.25)
    for parameter in module.parameters():
        nn.init.constant_(parameter, 1.0 if parameter.dim() == 1 else 1 / parameter[0].numel())
    net = prepare(Net("even", module.eval(), (0, 0, 0), (1, 1, 1), ""), frozenset({unit.layer}), CPU, torch.float32)
    picture = torch.rand(1, 3, 144, 256, generator=torch.Generator().manual_seed(0))
    rows, columns = net(picture)[unit.layer].shape[-2:]
    place = round(where[0] * (rows - 1)), round(where[1] * (columns - 1))
    check_field(net, unit, place, picture, 1e7)


@pytest.mark.parametrize("layer", ["first", "second", "third"])
def test_inside_the_picture_the_field_is_as_large_as_models_layers_says(tiny_net: Net, layer: str) -> None:
    net = prepare(tiny_net, frozenset({layer}), CPU, torch.float32)
    told = next(found for found in describe(tiny_net) if found.name == layer)
    box = receptive_field(net, Unit(layer, 0), (6, 9), (64, 96))
    assert (box.bottom - box.top, box.right - box.left) == (told.receptive_field, told.receptive_field)


def test_each_branch_of_a_block_has_its_own_field() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.five = nn.Conv2d(3, 1, 1), nn.Conv2d(3, 1, 5, padding=2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat((self.one(x), self.five(x)), dim=1)

    block = nn.Sequential(Branches(), nn.ReLU())
    net = prepare(Net("branches", block, (0, 0, 0), (1, 1, 1), ""), frozenset({"0"}), CPU, torch.float32)
    assert receptive_field(net, Unit("0", 0), (8, 9), (16, 20)) == Box(8, 9, 9, 10)
    assert receptive_field(net, Unit("0", 1), (8, 9), (16, 20)) == Box(6, 11, 7, 12)
    assert receptive_field(net, Unit("0", 1), (0, 19), (16, 20)) == Box(0, 3, 17, 20)


def test_what_has_no_place_sees_the_whole_picture(tiny_net: Net) -> None:
    net = prepare(tiny_net, frozenset({"logits"}), CPU, torch.float32)
    assert receptive_field(net, Unit("logits", 2), (0, 0), (36, 64)) == Box(0, 36, 0, 64)


# Units by name


def test_units_are_named_by_layer_and_number(tiny_net: Net) -> None:
    assert units.parse("third:15", tiny_net) == Unit("third", 15)
    assert len(units.of_layer("second", None, tiny_net)) == 12
    for wrong, error, said in (
        ("third:16", NetError, "has no channel 16: give 0 to 15"),
        ("thirt:1", NetError, "nearest: third"),
        ("third:x", SettingsError, "LAYER:N"),
        ("owl eyes", NetError, "no channels with names"),
    ):
        with pytest.raises(error, match=said):
            units.parse(wrong, tiny_net)


def test_depths_go_from_the_first_to_the_last(tiny_net: Net) -> None:
    chosen = list(units.by_depth(tiny_net).values())
    shapes = list(units.layer_shapes(tiny_net))
    assert chosen[-1] == "third"
    assert [shapes.index(layer) for layer in chosen] == sorted(shapes.index(layer) for layer in chosen)


# Crops


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Dark 16:9 photos in a sub-folder, each with one bright spot: in the middle, in a corner, at the right border."""
    folder = tmp_path / "album" / "wide"
    folder.mkdir(parents=True)
    for number, (row, column, light) in enumerate([(40, 80, 120), (0, 0, 180), (60, 156, 255)]):
        photo = np.zeros((90, 160, 3), np.uint8)
        photo[row : row + 4, column : column + 4] = light
        write_image(folder / f"{number}.png", photo)
    return folder.parent


def test_the_strongest_crops_of_wide_photos_are_where_the_light_is(album: Path) -> None:
    found = crops.strongest_crops(RISING["2"], Unit("2", 0), photos.files_in(album), count=3, side=90)
    assert [crop.file.name for crop in found] == ["2.png", "1.png", "0.png"]
    assert [crop.value for crop in found] == sorted((crop.value for crop in found), reverse=True)
    for crop, light in zip(found, (255, 180, 120), strict=True):
        assert crop.photo.shape == (90, 160, 3)
        assert crop.pixels.max() == light
        assert crop.pixels.shape[:2] == (crop.field.bottom - crop.field.top, crop.field.right - crop.field.left)
        assert crop.value == pytest.approx(
            value(RISING["2"], Unit("2", 0), crop.place, torch.from_numpy(crop.photo).permute(2, 0, 1)[None] / 255)
        )
    assert found[0].field.right == 160  # clipped at the border
    assert found[1].field.top == 0


def test_a_field_is_told_in_pixels_of_the_file_too(album: Path) -> None:
    (crop,) = crops.strongest_crops(RISING["2"], Unit("2", 0), photos.files_in(album), count=1, side=45)
    assert crop.photo.shape == (45, 80, 3)
    assert crop.scale == (2.0, 2.0)
    box = crop.field.scaled(*crop.scale)
    assert box.edges == tuple(2 * edge for edge in crop.field.edges)
    assert box.left <= 156 < box.right <= 160


def test_crops_of_one_photo_do_not_crowd(tmp_path: Path) -> None:
    write_image(tmp_path / "one.png", texture(90, 160))
    net, unit = RISING["0"], Unit("0", 0)
    found = crops.strongest_crops(net, unit, photos.files_in(tmp_path), count=8, side=90)
    places = [crop.place for crop in found]
    assert len(set(places)) == 8
    assert all(max(abs(a[0] - b[0]), abs(a[1] - b[1])) > 0 for a in places for b in places if a is not b)
    everything = crops.strongest_crops(RISING["6"], Unit("6", 0), photos.files_in(tmp_path), count=10_000, side=45)
    assert 1 < len(everything) < 100


def test_a_folder_without_images_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(SourceError, match="folder without images"):
        photos.files_in(tmp_path)
    with pytest.raises(SourceError, match="no folder"):
        photos.files_in(tmp_path / "nowhere")


# ReLUs with other gradients


def relu_net(kind: str) -> nn.Module:
    """The same small net with its ReLUs as modules, in place, as functions, or as methods."""

    class Functional(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return {"function": F.relu, "torch": torch.relu, "method": torch.Tensor.relu}[kind](x)

    def relu() -> nn.Module:
        return nn.ReLU(inplace=kind == "in place") if kind in ("module", "in place") else Functional()

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), relu(), nn.MaxPool2d(2), nn.Conv2d(6, 4, 3), relu()).eval()


KINDS = ("module", "in place", "function", "torch", "method")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", ["guided", "deconvnet", "redirected"])
def test_a_rule_changes_the_gradient_of_every_kind_of_relu_and_no_value(rule: Rule, kind: str) -> None:
    picture = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(2))

    def slope(module: nn.Module) -> torch.Tensor:
        x = picture.clone().requires_grad_(True)
        (found,) = torch.autograd.grad(module(x)[0, :2].sum() - module(x)[0, 2:].sum(), x)
        return found

    net = relu_net(kind)
    plain = slope(net)
    with ruled(rule) as count:
        assert torch.equal(net(picture), relu_net("module")(picture))
        assert count() == 4  # of both nets
        changed = slope(net)
        assert torch.equal(changed, slope(relu_net("module")))
    assert not torch.allclose(changed, plain)
    assert torch.equal(slope(net), plain)


def test_the_rules_are_those_of_the_papers() -> None:
    x = torch.tensor([-1.0, -1.0, 2.0, 2.0], requires_grad=True)
    arriving = torch.tensor([3.0, -3.0, 3.0, -3.0])
    expected = {"guided": [0, 0, 3, 0], "deconvnet": [3, 0, 3, 0], "redirected": [3, 0, 3, -3]}
    for rule in ("guided", "deconvnet", "redirected"):
        with ruled(rule):  # type: ignore[arg-type]
            (slope,) = torch.autograd.grad(F.relu(x), x, arriving)
        assert slope.tolist() == expected[rule]


# Pictures out of nothing

QUICK = (
    ("dream.octaves", 2),
    ("dream.steps", 3),
    ("dream.jitter", 2),
    ("dream.step_size", 0.03),
    ("compute.precision", "fp32"),
)


def session_of(net: Net) -> FeatureSession:
    return FeatureSession(
        net, Compute(CPU, torch.float32, 1, "test"), resolve(overrides=[*feature_session.PLAIN, *QUICK])
    )


def test_a_silent_unit_is_woken() -> None:
    """A unit that fires above a brightness that grey noise has nowhere."""
    module = nn.Sequential(nn.Conv2d(3, 1, 1), nn.ReLU())
    nn.init.constant_(module[0].weight, 1.0)
    nn.init.constant_(module[0].bias, -2.2)
    at = session_of(Net("shy", module.eval(), (0, 0, 0), (1, 1, 1), ""))
    dreamer = at.dreamer(feature_session.of_unit(Unit("1", 0)))
    grey = np.full((64, 64, 3), 0.5, np.float32)
    assert score(dreamer, to_tensor(grey, dreamer)) == 0
    woken = feature_session.beginning(dreamer, 64, 64)
    assert score(dreamer, to_tensor(woken, dreamer)) > 0


def test_what_is_awake_begins_with_quiet_grey(tiny_net: Net) -> None:
    dreamer = session_of(tiny_net).dreamer(feature_session.of_unit(Unit("first", 3)))
    began = feature_session.beginning(dreamer, 48, 64)
    assert began.shape == (48, 64, 3)
    assert abs(float(began.mean()) - 0.5) < 0.01 and float(began.std()) < 0.07
    assert (began == feature_session.beginning(dreamer, 48, 64)).all()


def test_every_step_can_be_watched(tiny_net: Net) -> None:
    dreamer = session_of(tiny_net).dreamer(feature_session.of_unit(Unit("second", 1)))
    sizes: list[tuple[int, ...]] = []
    feature_session.picture(
        dreamer, feature_session.beginning(dreamer, 48, 64), lambda image: sizes.append(tuple(image.shape))
    )
    assert sizes == [(1, 3, 34, 46)] * 3 + [(1, 3, 48, 64)] * 3


# What is measured


def test_a_projection_stays_in_the_field_and_guided_is_not_deconvnet(tiny_net: Net, tmp_path: Path) -> None:
    net, unit = prepare(tiny_net, frozenset({"second"}), CPU, torch.float32), Unit("second", 5)
    (crop,) = crops.strongest_crops(net, unit, [write_image(tmp_path / "a.png", texture(36, 64))], count=1, side=36)
    back = {method: deconv.projection(net, unit, crop, method) for method in deconv.METHODS}
    for slope in back.values():
        assert np.abs(slope[crop.field.rows, crop.field.columns]).max() > 0
        slope[crop.field.rows, crop.field.columns] = 0
        assert not slope.any()
    assert not np.allclose(
        deconv.projection(net, unit, crop, "guided"), deconv.projection(net, unit, crop, "deconvnet")
    )


def test_a_net_without_relus_is_not_projected_back(tmp_path: Path) -> None:
    net = prepare(Net("linear", nn.Sequential(nn.Conv2d(3, 2, 3)), (0, 0, 0), (1, 1, 1), ""), frozenset({"0"}), CPU,
                  torch.float32)  # fmt: skip
    (crop,) = crops.strongest_crops(net, Unit("0", 0), [write_image(tmp_path / "a.png", texture(32, 32))], count=1,
                                    side=32)  # fmt: skip
    with pytest.raises(NetError, match="no ReLU up to 0"):
        deconv.projection(net, Unit("0", 0), crop, "guided")


def test_a_wave_has_its_energy_at_its_frequency() -> None:
    row = 0.5 + 0.3 * np.sin(2 * np.pi * 0.2 * np.arange(80))
    frequency, energy = spectra.radial_spectrum(np.tile(row[None, :, None], (80, 1, 3)).astype(np.float32))
    assert frequency[energy.argmax()] == pytest.approx(0.2)
    assert frequency[-1] == 0.5


def test_circular_padding_makes_every_place_like_every_other(tiny_net: Net) -> None:
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    rolled = torch.roll(picture, (24, 40), dims=(-2, -1))
    for net, alike in ((tiny_net, False), (infinite.circular(tiny_net), True)):
        ready = prepare(net, frozenset({"third"}), CPU, torch.float32)
        expected = torch.roll(ready(picture)["third"], (6, 10), dims=(-2, -1))
        assert torch.allclose(ready(rolled)["third"], expected, atol=1e-4) == alike


def test_padded_poolings_become_circular_too() -> None:
    module = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1))
    net = infinite.circular(Net("pool", module, (0, 0, 0), (1, 1, 1), ""))
    picture = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    rolled = net.module(torch.roll(picture, 5, dims=-1))
    assert torch.equal(rolled, torch.roll(net.module(picture), 5, dims=-1))
    assert net.module(picture).shape == picture.shape


def test_corners_are_told_from_the_centre_and_periods_measured() -> None:
    bright_corners = torch.ones(16, 16)
    bright_corners[4:12, 4:12] = 0.5
    rows, columns = np.mgrid[:96, :96]
    dots = 127 + 60 * np.cos(2 * np.pi * rows / 12) * np.cos(2 * np.pi * columns / 12)
    even = infinite.evenness(bright_corners, np.repeat(dots[..., None], 3, axis=2).astype(np.uint8))
    assert even.activation == pytest.approx(2)
    assert even.contrast == pytest.approx(1, abs=0.05)
    assert even.repeats > 0.95 and even.period == pytest.approx(np.hypot(6, 6))


@pytest.mark.parametrize(
    ("norms", "kind", "at"),
    [
        ([1 + 0.1 * n for n in range(41)], "rising", 40),
        ([2 - 0.8**n for n in range(41)], "saturates", 14),
        ([1, 3, 6, 9, 7, 5, 3, 2, 2, 2, 2, 2, 2], "diverges", 3),
        ([1, 2, 4, float("nan")], "diverges", 2),
        ([1.0] * 20, "nothing", 19),
        ([1, 0.9, 0.8], "nothing", 2),
        ([100, 100.02, 99.98, 100.03, 99.99, 100, 100.01, 99.97], "nothing", 7),
    ],
)
def test_curves_are_said_in_words(norms: list[float], kind: str, at: int) -> None:
    trend = steps.trend_of(norms)
    assert (trend.kind, trend.at) == (kind, at)
    assert {"rising": "still rising", "saturates": "saturates", "diverges": "diverges"}.get(kind, "not") in trend.words


def test_the_last_good_picture_is_kept_where_the_gradient_is_not_finite(
    tiny_net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(dreamer: Any, source: Any, watch: Any) -> None:
        watch(to_tensor(source, dreamer))
        raise NetError("the gradient is not finite")

    monkeypatch.setattr(steps, "picture", breaks)
    found = steps.steps(session_of(tiny_net), texture(), "second", (), (0.1,), 5)
    assert found.words == ("mean 0.1: diverges: not finite at iteration 2",)
    assert found.numbers["steps"][0]["at"] == 1


@pytest.mark.parametrize("rule", ["mean", "std", "l2", "raw", "adam", "adagrad", "adagrad_printed"])
def test_a_step_of_any_rule_is_told_as_the_step_of_rule_mean_that_moves_as_much(tiny_net: Net, rule: str) -> None:
    at, source = session_of(tiny_net).with_dream(clamp=False, jitter=0), texture()
    found = steps.steps(at, source, "second", (rule,), (0.003,), 1)
    (numbers,) = found.numbers["steps"]
    before = to_float(source)
    how = at.with_dream(step_rule=rule, step_size=0.003, octaves=1, steps=1)
    after = dream(how.dreamer(objectives.layer_sum("second")), before, None, StepBudget(1), (0,))
    assert numbers["moved"] == pytest.approx(np.abs(after - before).mean(), rel=1e-2, abs=1e-7)
    told = f"as step_size {numbers['moved']:.2g} of rule mean"
    assert (told in found.words[0]) == (rule != "mean")


def test_raw_steps_are_those_of_pixels_counted_to_255(tiny_net: Net) -> None:
    at, objective = session_of(tiny_net), objectives.layer_sum("second")
    (numbers,) = steps.steps(at, texture(), "second", ("raw",), (1e-4,), 1).numbers["steps"]
    levels = to_tensor(to_float(texture()), at.dreamer(objective)).mul(255).requires_grad_(True)
    (slope,) = torch.autograd.grad(objective(at.prepared("second")(levels / 255)), levels)
    assert numbers["moved"] == pytest.approx(1e-4 * float(slope.abs().mean()) / 255, rel=1e-4)


def test_a_dream_at_the_centre_has_ratio_nought_and_one_beside_another_class_says_so() -> None:
    square = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    found = embed.sat({"here": square, "there": square + 10}, {"here": np.zeros(2), "there": np.array([2.0, 0])})
    assert found["here"] == embed.Sat(0.0, 1.0, 0.0, "here")
    assert found["there"].nearest == "here" and found["there"].ratio == pytest.approx(np.hypot(8, 10))


def test_penultimate_features_are_what_the_last_layer_is_given(tiny_net: Net) -> None:
    net, photo = prepare(tiny_net, frozenset({"output", "third"}), CPU, torch.float32), texture(36, 64)
    inside = net(torch.from_numpy(to_float(photo)).permute(2, 0, 1)[None])["third"].mean(dim=(2, 3))[0]
    assert embed.penultimate(net, photo) == pytest.approx(inside.numpy(), abs=1e-5)


def test_the_mean_of_a_class_and_what_comes_nearest_to_its_median(tmp_path: Path) -> None:
    folder, odd = tmp_path / "Sea_slug", texture(30, 30, seed=9)
    folder.mkdir()
    even = [np.roll(texture(30, 48, seed=1), by, axis=0) for by in (0, 1, 2)]
    for number, photo in enumerate([*even, odd]):
        write_image(folder / f"{number}.png", photo)
    found = average.of_class(tmp_path, "sea slug", 30)
    squares = np.stack([*(photo[:, 9:39] for photo in even), odd])  # the middle of each
    assert np.abs(found.mean - squares.mean(axis=0)).max() <= 0.5
    assert (found.typical == squares[1]).all() and found.count == 4
    others = [average.correlation(squares[at], np.delete(squares, at, axis=0).mean(axis=0)) for at in range(4)]
    assert found.usual == pytest.approx(np.mean(others))
    assert others[3] < 0.3 < others[1]


def test_pictures_correlate_with_themselves_and_not_with_what_is_flat() -> None:
    one = texture(20, 20)
    assert average.correlation(one, one) == pytest.approx(1)
    assert average.correlation(one, 255 - one) == pytest.approx(-1)
    assert average.correlation(one, 0.5 * one + 20) == pytest.approx(1)
    assert average.correlation(one, np.full_like(one, 90)) == 0


def test_the_dream_of_a_class_is_held_against_the_mean_of_its_pictures(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["features", "class", "sea slug", "volcano", "--side", "36", "--data", "photos", *SMALL, "--json"]
    assert cli.run(command) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)["averages"]
    assert [(found["class"], found["pictures"]) for found in told] == [("sea slug", 3), ("volcano", 3)]
    made = read_image(here / "class.png")
    dreams = [made[top : top + 36, 4:40] for top in (16, 72)]
    means = [made[top : top + 36, 44:80] for top in (16, 72)]
    for found, dream_, mean in zip(told, dreams, means, strict=True):
        assert found["correlation"] == pytest.approx(average.correlation(mean, dream_))
        assert f"correlates with the mean of 3 pictures by {found['correlation']:.2f}" in err


@pytest.mark.parametrize(("count", "near"), [(4, 3), (60, 15)])
def test_umap_is_asked_for_no_more_neighbours_than_there_are(
    count: int, near: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asked:
        def __init__(self, n_neighbors: int, **how: int) -> None:
            assert (n_neighbors, how["random_state"]) == (near, 5)

        def fit_transform(self, points: np.ndarray) -> np.ndarray:
            return points[:, :2]

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Asked))
    assert embed._plane(np.ones((count, 7)), "umap", 5).shape == (count, 2)


def test_sheets_hold_their_pictures_unchanged() -> None:
    pictures = [texture(20, 30, seed=1), texture(24, 16, seed=2), texture(10, 40, seed=3)]
    made = contact_sheet.sheet(
        [contact_sheet.Cell(f"{number}", picture) for number, picture in enumerate(pictures)], across=2
    )
    for picture in pictures:
        windows = np.lib.stride_tricks.sliding_window_view(made, picture.shape)[:, :, 0]
        assert (windows == picture).all(axis=(2, 3, 4)).any()


def test_an_outline_is_the_outermost_pixels_of_the_box() -> None:
    made = contact_sheet.outlined(np.full((20, 30, 3), 100, np.uint8), Box(0, 12, 22, 30))
    yellow = (made == contact_sheet.YELLOW).all(axis=2)
    rows, columns = np.nonzero(yellow)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 11, 22, 29)
    assert (made[1:11, 23:29] == 100).all()


# The commands


@pytest.fixture
def here(tiny_net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: photos, two of them classes of the net, and the little net in place of any other."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(zoo, "get", lambda name, weights=None: tiny_net)
    write_image(tmp_path / "photo.png", texture(36, 64))
    for number in range(6):
        folder = tmp_path / "photos" / ("sea_slug" if number % 2 else "Volcano")
        folder.mkdir(parents=True, exist_ok=True)
        write_image(folder / f"{number}.png", texture(36, 64, seed=number))
    (tmp_path / "empty").mkdir()
    return tmp_path


SMALL = [word for key, value in (*QUICK, ("dream.blur_every", 2)) for word in ("--set", f"{key}={value}")]
COMMANDS: dict[str, tuple[list[str], set[str]]] = {
    "atlas": (["atlas", "first", "--side", "32"], {"atlas.png"}),
    "page": (["atlas", "first", "--side", "32", "--out", "a.html"], {"a.html"}),
    "grid": (["grid", "third", "--units", "1,15", "--side", "40"], {"grid.png"}),
    "nine": (["grid", "second", "--side", "32"], {"grid.png"}),
    "class": (["class", "Sea_Slug", "4", "--photo", "photo.png", "--side", "36"],
              {"class.png", "class-scores.png", "class.csv"}),
    "crops": (["crops", "third:3", "--photos", "photos", "--count", "3", "--side", "36"], {"crops.png", "crops.csv"}),
    "depth": (["depth", "photo.png"], {"depth.png"}),
    "layers": (["depth", "noise:pink", "--layer", "first", "--layer", "third", "--side", "48"], {"depth.png"}),
    "infinite": (["infinite", "second:2", "--sides", "32,48", "--circular", "32"], {"infinite.png", "infinite.csv"}),
    "noise": (["noise", "first", "third", "--side", "48"], {"noise.png", "noise-dreams.png", "noise.csv"}),
    "embed": (["embed", "--photos", "photos", "--side", "36", "--dream-side", "32"],
              {"embed.png", "embed-dreams.png", "embed.csv"}),
    "t-SNE": (["embed", "--photos", "photos", "--side", "36", "--dream-side", "32", "--method", "tsne"],
              {"embed.png", "embed-dreams.png", "embed.csv"}),
    "deconv": (["deconv", "third:3", "photo.png", "--side", "36"], {"deconv.png"}),
    "steps": (["steps", "photo.png", "--layer", "third", "--sizes", "0.01,0.3", "--iterations", "8", "--side", "36"],
              {"steps.png", "steps-pictures.png", "steps.csv"}),
    "rules": (["steps", "photo.png", "--rule", "raw, adagrad", "--sizes", "0.1", "--iterations", "4", "--side", "36"],
              {"steps.png", "steps-pictures.png", "steps.csv"}),
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_writes_its_files_and_says_what_it_found(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, files = COMMANDS[name]
    before = {path.name for path in here.iterdir()}
    assert cli.run(["features", *arguments, *SMALL, "--json"]) == 0, capsys.readouterr().err
    out, err = capsys.readouterr()
    assert {path.name for path in here.iterdir()} - before == files
    (line,) = out.splitlines()
    assert {*json.loads(line)["files"]} == files
    assert err.count("\n") >= 1 and all(said.startswith("dreamvid: ") for said in err.splitlines())
    for file in files:
        if file.endswith(".png"):
            picture = read_image(here / file)
            assert min(picture.shape[:2]) > 30 and picture.std() > 10
        if file.endswith(".csv"):
            assert len(list(csv.DictReader((here / file).read_text().splitlines()))) >= 2
    assert cli.run(["features", *arguments, *SMALL]) == 2  # nothing is replaced unasked
    assert "--overwrite" in capsys.readouterr().err
    assert cli.run(["features", *arguments, *SMALL, "--overwrite", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_further_pictures_are_of_the_kind_of_the_first_and_are_not_replaced_either(here: Path) -> None:
    (here / "n-dreams.jpg").write_bytes(b"mine")
    arguments = ["features", "noise", "first", "--side", "48", "--out", "n.jpg", "--quiet", *SMALL]
    assert cli.run(arguments) == 2
    assert (here / "n-dreams.jpg").read_bytes() == b"mine"
    assert cli.run([*arguments, "--overwrite"]) == 0
    assert {path.name for path in here.glob("n*")} == {"n.jpg", "n-dreams.jpg", "n.csv"}


def test_a_class_rises_over_the_steps(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["features", "class", "volcano", "--photo", "photo.png", "--side", "36", *SMALL, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["classes"]
    assert [found["from"] for found in told] == ["noise", "photograph"]
    assert all(found["logit"] > found["logit_before"] for found in told)


def test_the_page_holds_every_channel(here: Path) -> None:
    assert cli.run(["features", "atlas", "first", "--side", "32", "--out", "a.html", *SMALL, "--quiet"]) == 0
    assert (here / "a.html").read_text().count('src="data:image/png;base64,') == 8


BAD: dict[str, tuple[int, str, list[str]]] = {
    "an unknown layer": (5, "nearest: third", ["atlas", "thirt"]),
    "an unknown unit": (5, "has no channel 99: give 0 to 15", ["grid", "third", "--units", "3,99"]),
    "no unit": (2, "LAYER:N", ["infinite", "third:"]),
    "no numbers": (2, "--units 'a'", ["grid", "third", "--units", "a"]),
    "an unknown class": (5, "nearest: volcano", ["class", "vulcano"]),
    "an unknown class of photos": (5, "no class 'wide'", ["embed", "--photos", "others"]),
    "a side too small": (2, "8 is too small: give 32 or more", ["infinite", "third:1", "--sides", "64,8"]),
    "a step backwards": (2, "dream.step_size", ["steps", "photo.png", "--sizes", "0.1,-1"]),
    "an unknown rule": (
        2,
        "dream.step_rule: there is no 'men'; nearest: mean",
        ["steps", "photo.png", "--rule", "men"],
    ),
    "a class of one": (3, "has only one picture", ["embed", "--photos", "other"]),
    "no pictures of a class": (3, "no sub-folder of the class 'tabby cat'", ["class", "0", "--data", "photos"]),
    "a class of one picture": (3, "volcano has only one picture", ["class", "4", "--data", "lone"]),
    "no folder of pictures": (3, "no folder nowhere", ["class", "volcano", "--data", "nowhere"]),
    "no photos": (3, "without images", ["crops", "third:1", "--photos", "empty"]),
    "no folder": (3, "no folder nowhere", ["crops", "third:1", "--photos", "nowhere"]),
    "no classes of photos": (3, "no sub-folders", ["embed", "--photos", "empty"]),
    "an unknown method": (2, "pca, tsne, umap", ["embed", "--photos", "photos", "--method", "mds"]),
    "a method misspelt": (2, "pca, tsne, umap; nearest: umap", ["embed", "--photos", "photos", "--method", "umapp"]),
    "noise misspelt": (3, "no such kind of noise; nearest: noise:pink", ["depth", "noise:pnk"]),
    "no source": (3, "nope.png", ["depth", "nope.png"]),
    "no photo": (3, "nope.png", ["deconv", "third:1", "nope.png"]),
    "an unknown layer by depth": (5, "nearest: third", ["depth", "photo.png", "--layer", "thirt"]),
    "an unknown layer of steps": (5, "nearest: third", ["steps", "photo.png", "--layer", "thirt"]),
    "an unknown layer of noise": (5, "nearest: third", ["noise", "thirt"]),
    "an output that is no picture": (2, "give a name that ends in", ["grid", "third", "--out", "a.mp4"]),
    "an output misspelt": (2, "nearest: .png", ["grid", "third", "--out", "a.pgn"]),
    "an output in no folder": (2, "the folder nowhere does not exist", ["grid", "third", "--out", "nowhere/a.png"]),
}


@pytest.mark.parametrize("wrong", BAD)
def test_bad_input_gets_one_line_and_leaves_nothing(wrong: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in ("other/one/a.png", "others/wide/a.png", "others/wide/b.png", "lone/volcano/a.png"):
        (here / file).parent.mkdir(parents=True, exist_ok=True)
        write_image(here / file, texture())
    before = sorted(here.rglob("*"))
    code, said, arguments = BAD[wrong]
    assert cli.run(["features", *arguments, *SMALL]) == code
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and said in err, err
    assert sorted(here.rglob("*")) == before


def test_a_class_of_a_net_without_names_for_them_goes_by_number(
    here: Path, tiny_net: Net, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(zoo, "get", lambda name, weights=None: replace(tiny_net, classes=()))
    assert cli.run(["features", "class", "volcano"]) == 5
    assert "tiny has no names for its classes" in capsys.readouterr().err
    assert cli.run(["features", "class", "3", *SMALL]) == 0, capsys.readouterr().err


def test_a_library_that_is_missing_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(finding, "find_spec", lambda name: None)
    for arguments in (["noise"], ["class", "volcano"]):
        assert cli.run(["features", *arguments]) == 2
        assert "pip install 'dreamvid[features]'" in capsys.readouterr().err
    monkeypatch.setattr(embed, "find_spec", lambda name: None)
    assert cli.run(["features", "embed", "--photos", "photos", "--method", "umap"]) == 2
    assert "--method tsne" in capsys.readouterr().err
