"""What features show and measure, on nets and pictures small enough for milliseconds."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from little import texture, write_image
from torch import nn

from dreamvid.errors import NetError, SettingsError, SourceError
from dreamvid.features import crops, photos, units
from dreamvid.features.field import Box, receptive_field
from dreamvid.features.units import Unit
from dreamvid.nets.net import Net, describe
from dreamvid.nets.prepare import PreparedNet, prepare

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


@given(st.sampled_from(LAYERS), st.integers(24, 48), st.integers(24, 64), st.floats(0, 1), st.floats(0, 1))
def test_pixels_outside_the_field_change_nothing_and_each_corner_changes_the_unit(
    layer: str, height: int, width: int, down: float, across: float
) -> None:
    net, unit = RISING[layer], Unit(layer, 1)
    picture = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    rows, columns = net(picture)[layer].shape[-2:]
    place = round(down * (rows - 1)), round(across * (columns - 1))
    box = receptive_field(net, unit, place, (height, width))
    before = value(net, unit, place, picture)
    outside = torch.ones(height, width, dtype=torch.bool)
    outside[box.rows, box.columns] = False
    assert value(net, unit, place, torch.where(outside, 1 - picture, picture)) == before
    for row in (box.top, box.bottom - 1):
        for column in (box.left, box.right - 1):
            changed = picture.clone()
            changed[..., row, column] += 100
            assert value(net, unit, place, changed) > before


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
        ("third:16", NetError, "channels 0 to 15, not 16"),
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
    everything = crops.strongest_crops(RISING["6"], Unit("6", 0), photos.files_in(tmp_path), count=10_000, side=90)
    assert 1 < len(everything) < 1000


def test_a_folder_without_images_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(SourceError, match="folder without images"):
        photos.files_in(tmp_path)
    with pytest.raises(SourceError, match="no folder"):
        photos.files_in(tmp_path / "nowhere")
