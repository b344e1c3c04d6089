"""Patches that cover a picture, and windows that put their gradients together as if there were none."""

import itertools
from unittest.mock import patch

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dreamvid.core.errors import SettingsError
from dreamvid.dream import tiles
from dreamvid.dream.objectives import layer_energy
from dreamvid.dream.tiles import TileBudget
from dreamvid.models.net import Net
from dreamvid.models.prepare import prepare

LENGTHS = st.integers(1, 700)
TILES = st.integers(32, 300)


@st.composite
def cuts(draw: st.DrawFn) -> tuple[int, int, int]:
    """A length, a tile, and an overlap of at most half the tile."""
    tile = draw(TILES)
    return draw(LENGTHS), tile, draw(st.integers(0, tile // 2))


@given(cuts())
def test_windows_sum_to_one_everywhere(cut: tuple[int, int, int]) -> None:
    length, tile, overlap = cut
    total = torch.zeros(length)
    for span in tiles.spans(length, tile, overlap):
        assert (span.window >= 0).all()
        total[span.start : span.stop] += span.window
    torch.testing.assert_close(total, torch.ones(length))


@given(cuts())
def test_spans_cover_the_length_in_order_and_share_what_they_must(cut: tuple[int, int, int]) -> None:
    length, tile, overlap = cut
    found = tiles.spans(length, tile, overlap)
    assert found[0].start == 0 and found[-1].stop == length
    assert all(0 < span.stop - span.start <= tile for span in found)
    for before, after in itertools.pairwise(found):
        assert before.start < after.start < length
        assert before.stop - after.start >= min(overlap, after.stop - after.start)
    assert len(found) == 1 or length > tile


@given(cuts())
def test_patches_begin_on_the_grid_of_the_strides(cut: tuple[int, int, int]) -> None:
    length, tile, overlap = cut
    aligned = tile - overlap >= tiles.ALIGN
    assert not aligned or all(span.start % tiles.ALIGN == 0 for span in tiles.spans(length, tile, overlap))


@given(TILES, st.integers(3, 8))
def test_what_lacks_context_has_no_weight(tile: int, count: int) -> None:
    overlap = tile // 2
    inner = tiles.spans(count * tile, tile, overlap)[1:-1]
    for span in inner:
        assert span.window[: overlap // 4].max() <= 1 / overlap
        assert span.window[-(overlap // 4) :].max() <= 1 / overlap


@given(LENGTHS, st.integers(0, 64))
def test_one_patch_as_long_as_the_picture_has_weight_one(length: int, overlap: int) -> None:
    (span,) = tiles.spans(length, max(length, 128), overlap)
    assert (span.start, span.stop) == (0, length)
    assert bool((span.window == 1).all())


@given(st.integers(16, 300), st.integers(16, 300))
def test_windows_of_a_picture_sum_to_one_everywhere(height: int, width: int) -> None:
    total = torch.zeros(height, width)
    for rows, columns, window in tiles.patches(height, width, 96, 32):
        total[rows, columns] += window
    torch.testing.assert_close(total, torch.ones(height, width))


def picture(height: int, width: int) -> Tensor:
    """Seeded noise."""
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def plain(fields, image: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient as autograd takes it of the whole picture, and the one field at each pixel."""
    whole = image.clone().requires_grad_(True)
    (field,) = fields(whole)
    (slope,) = torch.autograd.grad(field.mean(), whole)
    return slope, F.interpolate(field.detach(), image.shape[-2:], mode="bilinear")


@pytest.fixture(scope="module")
def fields(tiny_net: Net):
    """Where the energy of the tiny net's second layer lies."""
    objective = layer_energy("second")
    ready = prepare(tiny_net, objective.layers, torch.device("cpu"), torch.float32)
    return lambda image: objective.fields(ready(image))


@pytest.mark.parametrize(("height", "width"), [(96, 128), (61, 97)])
def test_one_patch_as_large_as_the_picture_is_no_tiling(fields, height: int, width: int) -> None:
    image = picture(height, width)
    wanted, value = plain(fields, image)
    slope, found = tiles.gradient(fields, image, 128, 32)
    assert float((slope - wanted).abs().max()) <= 1e-5 * float(wanted.abs().max())
    torch.testing.assert_close(found, value)


def test_patches_give_the_gradient_of_the_whole_where_they_see_enough(fields) -> None:
    # A receptive field of 9 reaches 4 pixels, and what it reaches reaches back: 16 pixels without weight hold both.
    image = picture(224, 288)
    wanted, value = plain(fields, image)
    slope, found = tiles.gradient(fields, image, 128, 64)
    assert float((slope - wanted).abs().max()) <= 1e-4 * float(wanted.abs().max())
    torch.testing.assert_close(found, value, rtol=1e-3, atol=1e-3 * float(value.max()))


def test_a_wrong_window_would_be_seen(fields) -> None:
    image = picture(224, 288)
    wanted, _ = plain(fields, image)
    flat = [tiles.Span(span.start, span.stop, torch.ones_like(span.window)) for span in tiles.spans(288, 128, 64)]
    with patch.object(tiles, "spans", lambda length, tile, overlap: [s for s in flat if s.stop <= length]):
        slope, _ = tiles.gradient(fields, image, 128, 64)
    assert float((slope - wanted).abs().max()) > 0.5 * float(wanted.abs().max())


@given(st.integers(16, 200), st.integers(16, 200))
def test_of_a_score_without_context_patches_give_the_very_gradient_and_score(height: int, width: int) -> None:
    image = picture(height, width)
    slope, local = tiles.gradient(lambda part: (part.square().mean(dim=1, keepdim=True),), image, 64, 32)
    torch.testing.assert_close(slope, 2 * image / image.numel())
    torch.testing.assert_close(local, image.square().mean(dim=1, keepdim=True))
    flat = torch.full_like(image, 0.25)
    assert tiles.mean_score(lambda part: (part[:, :1], part[:, 1:2]), flat, 64, 32) == pytest.approx(0.5)


def test_the_local_score_alone_is_that_of_the_gradient(fields) -> None:
    image = picture(200, 168)
    _, local = tiles.gradient(fields, image, 96, 48)
    torch.testing.assert_close(tiles.local_score(fields, image, 96, 48), local)


def test_the_mean_score_of_one_patch_is_that_of_the_fields(fields) -> None:
    image = picture(96, 64)
    assert tiles.mean_score(fields, image, 128, 48) == pytest.approx(float(fields(image)[0].mean()), rel=1e-6)


def test_fields_of_one_place_and_of_many_add_up_at_each_pixel() -> None:
    """What has no places, such as a class, counts the same everywhere."""
    image = picture(64, 64)
    local = tiles.local_score(lambda part: (part[:, :1], torch.full((1, 1, 1, 1), 3.0)), image, 96, 48)
    torch.testing.assert_close(local, image[:, :1] + 3)


def test_the_picture_itself_is_left_alone(fields) -> None:
    image = picture(100, 100)
    before = image.clone()
    tiles.gradient(fields, image, 64, 32)
    assert torch.equal(image, before) and not image.requires_grad


@pytest.mark.parametrize(("tiling", "step"), [("contiguous", 64), ("summed", 40)])
def test_plain_patches_are_whole_and_leave_the_ends_over(tiling: tiles.Tiling, step: int) -> None:
    covered = torch.zeros(170, 150)
    for rows, columns, window in tiles.plain_patches(170, 150, 64, 24, tiling):
        assert window.shape == (64, 64) and bool((window == 1).all())
        assert rows.start % step == columns.start % step == 0
        covered[rows, columns] += window
    ends = [range(0, side - 63, step)[-1] + 64 for side in (170, 150)]
    assert bool((covered[: ends[0], : ends[1]] >= 1).all())
    assert not covered[ends[0] :].any() and not covered[:, ends[1] :].any()
    assert float(covered.max()) == (1 if tiling == "contiguous" else 4)


def test_where_plain_patches_meet_their_gradients_add_up() -> None:
    image = torch.full((1, 3, 104, 104), 0.5)

    def fields(part: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (part.square().mean(dim=1, keepdim=True),)

    slope, _ = tiles.gradient(fields, image, 64, 24, "summed")
    once, twice, four = slope[0, 0, 10, 10], slope[0, 0, 50, 10], slope[0, 0, 50, 50]
    assert float(twice / once) == pytest.approx(2, rel=1e-5)
    assert float(four / once) == pytest.approx(4, rel=1e-5)
    torch.testing.assert_close(once, 2 * image[0, 0, 0, 0] / image.numel())


def test_what_lies_beside_a_picture_is_cut_with_it() -> None:
    image, beside = picture(150, 170), picture(150, 170).flip(-1)

    def fields(part: torch.Tensor, other: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (-(part - other).square().mean(dim=1, keepdim=True),)

    slope, _ = tiles.gradient(fields, image, 64, 32, beside=beside)
    torch.testing.assert_close(slope, -2 * (image - beside) / image.numel(), rtol=1e-4, atol=1e-9)


def test_a_budget_without_a_limit_leaves_patches_as_the_settings_want_them() -> None:
    assert TileBudget().patch(1024, 64) == (1024, 64)
    assert TileBudget(2048).patch(1024, 700) == (1024, 700)
    assert TileBudget(96).patch(1024, 64) == (96, 48)


def test_a_budget_is_halved_down_to_the_smallest_patch() -> None:
    budget, short = TileBudget(), RuntimeError("CUDA out of memory")
    budget.halve(short, 200, "net")
    assert budget.patch(1024, 64) == (96, 48)
    with pytest.raises(SettingsError, match="net does not fit in memory even in patches of 96 pixels"):
        budget.halve(short, 96, "net")
    with pytest.raises(RuntimeError, match="other"):
        budget.halve(RuntimeError("other"), 200, "net")
