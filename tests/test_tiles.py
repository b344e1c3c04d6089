"""Patches that cover a picture, and windows that put their gradients together as if there were none."""

import itertools
from unittest.mock import patch

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dreamvid import tiles
from dreamvid.nets.net import Net
from dreamvid.nets.prepare import prepare
from dreamvid.objectives import layer_energy

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


def plain(score, image: Tensor) -> tuple[Tensor, float]:
    """The gradient as autograd takes it of the whole picture, and the score."""
    whole = image.clone().requires_grad_(True)
    value = score(whole)
    (slope,) = torch.autograd.grad(value, whole)
    return slope, float(value.detach())


@pytest.fixture(scope="module")
def score(tiny_net: Net):
    """The energy of the tiny net's second layer."""
    objective = layer_energy("second")
    ready = prepare(tiny_net, objective.layers, torch.device("cpu"), torch.float32)
    return lambda image: objective(ready(image))


@pytest.mark.parametrize(("height", "width"), [(96, 128), (61, 97)])
def test_one_patch_as_large_as_the_picture_is_no_tiling(score, height: int, width: int) -> None:
    image = picture(height, width)
    wanted, value = plain(score, image)
    slope, found = tiles.gradient(score, image, 128, 32)
    assert float((slope - wanted).abs().max()) <= 1e-5 * float(wanted.abs().max())
    assert found == pytest.approx(value, rel=1e-6)


def test_patches_give_the_gradient_of_the_whole_where_they_see_enough(score) -> None:
    # A receptive field of 9 reaches 4 pixels, and what it reaches reaches back: 16 pixels without weight hold both.
    image = picture(224, 288)
    wanted, value = plain(score, image)
    slope, found = tiles.gradient(score, image, 128, 64)
    assert float((slope - wanted).abs().max()) <= 1e-4 * float(wanted.abs().max())
    assert found == pytest.approx(value, rel=0.05)


def test_a_wrong_window_would_be_seen(score) -> None:
    image = picture(224, 288)
    wanted, _ = plain(score, image)
    flat = [tiles.Span(span.start, span.stop, torch.ones_like(span.window)) for span in tiles.spans(288, 128, 64)]
    with patch.object(tiles, "spans", lambda length, tile, overlap: [s for s in flat if s.stop <= length]):
        slope, _ = tiles.gradient(score, image, 128, 64)
    assert float((slope - wanted).abs().max()) > 0.5 * float(wanted.abs().max())


@given(st.integers(16, 200), st.integers(16, 200))
def test_of_a_score_without_context_patches_give_the_very_gradient_and_score(height: int, width: int) -> None:
    image = picture(height, width)
    slope, value = tiles.gradient(lambda part: part.square().mean(), image, 64, 32)
    torch.testing.assert_close(slope, 2 * image / image.numel())
    assert tiles.mean_score(lambda part: part.mean(), torch.full_like(image, 0.25), 64, 32) == pytest.approx(0.25)
    assert value == pytest.approx(float(image.square().mean()), rel=0.1)


def test_the_score_alone_is_the_score_of_the_gradient(score) -> None:
    image = picture(200, 168)
    _, value = tiles.gradient(score, image, 96, 48)
    assert tiles.mean_score(score, image, 96, 48) == pytest.approx(value, rel=1e-6)


def test_the_picture_itself_is_left_alone(score) -> None:
    image = picture(100, 100)
    before = image.clone()
    tiles.gradient(score, image, 64, 32)
    assert torch.equal(image, before) and not image.requires_grad
