"""Strength: told band by band and place by place, mixed, and held by steps that come to rest."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from little import HEIGHT, WIDTH

from dreamvid.coherence.energy import (
    BOOST,
    BROADER,
    CEILING,
    EVENING,
    OPPONENT,
    Strength,
    band_rms,
    bands,
    grown,
    opponent,
    tint,
)
from dreamvid.core.types import Image, Mask

SIZES = [(24, 32), (34, 46), (HEIGHT, WIDTH)]


@pytest.mark.parametrize("sizes", [SIZES, SIZES[1:], SIZES[2:]])
def test_bands_sum_to_the_layer(sizes: list[tuple[int, int]]) -> None:
    layer = np.random.default_rng(0).uniform(-0.3, 0.3, (HEIGHT, WIDTH, 3)).astype(np.float32)
    parts = list(bands(layer, sizes))
    assert [part.shape[:2] for part in parts[BROADER:]] == sizes
    assert len(parts) == BROADER + len(sizes)
    whole = parts[0]
    for part in parts[1:]:
        whole = grown(whole, part.shape[:2]) + part
    assert np.allclose(whole, layer, atol=1e-6)


def light(layer: Image) -> list[float]:
    """How strong the light of a layer is in each band."""
    return [rms[0] for rms in band_rms(opponent(layer), SIZES)]


def test_a_coarse_layer_lies_in_the_coarse_band_and_a_fine_one_in_the_fine() -> None:
    rows, cols = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    coarse = np.repeat(np.sin(2 * np.pi * cols / WIDTH * 2)[..., None], 3, axis=2)
    fine = np.repeat(((rows + cols) % 2 * 2 - 1)[..., None], 3, axis=2)
    assert np.argmax(light(coarse)) == 0
    assert np.argmax(light(fine)) == BROADER + 2


def test_opponent_colours_keep_a_length_and_go_back() -> None:
    layer = np.random.default_rng(0).uniform(-0.3, 0.3, (HEIGHT, WIDTH, 3)).astype(np.float32)
    turned = opponent(layer)
    assert np.allclose(np.square(turned).sum(axis=2), np.square(layer).sum(axis=2), atol=1e-6)
    assert np.allclose(turned @ OPPONENT, layer, atol=1e-6)
    grey = opponent(np.full((2, 2, 3), 0.1, np.float32))
    assert np.allclose(grey[..., 1:], 0, atol=1e-7)


def left_part(share: float) -> tuple[Mask, Image]:
    """A mask that shows a share of the width, and a layer that is there alone."""
    where = np.zeros((HEIGHT, WIDTH), np.float32)
    where[:, : max(1, round(share * WIDTH))] = 1
    return where, 0.2 * np.repeat(where[..., None], 3, axis=2)


def test_a_layer_is_measured_in_the_places_that_are_asked_for() -> None:
    where, layer = left_part(0.5)
    assert tint(layer, where) == pytest.approx((0.2, 0.2, 0.2))
    there, whole = (np.array(band_rms(layer, SIZES, mask)) for mask in (where, None))
    assert np.allclose(there, 2**0.5 * whole)
    assert np.sqrt(np.square(there).sum()) > np.sqrt(np.square(whole).sum())


def test_where_next_to_nothing_is_shown_a_layer_is_measured_everywhere() -> None:
    where, layer = left_part(0.005)
    assert tint(layer, 0.1 * where) == tint(layer)
    assert band_rms(layer, SIZES, 0.1 * where) == band_rms(layer, SIZES)


def eased(wanted: float, found: float) -> float:
    """The ease of a picture in which every neighbourhood wants and has the same."""
    strength = Strength(((0.1,),), (0.0,), (((wanted, wanted), (wanted, wanted)),))
    ease = strength.ease(0, torch.full((1, 1, 2, 2), found))
    assert ease.shape == (1, 1, 2, 2)
    assert float(ease.min()) == float(ease.max())
    return float(ease.max())


@pytest.mark.parametrize(
    ("share", "ease"), [(1.0, 1.0), ((1 + CEILING) / 2, 0.5), (CEILING, 0.0), (500.0, 0.0), (0.5, 3.0), (0.0, BOOST)]
)
def test_steps_ease_off_to_nothing_at_the_ceiling_and_are_long_where_much_is_missing(share: float, ease: float) -> None:
    assert eased(2.0, 2.0 * share) == pytest.approx(ease, abs=1e-5)


@given(st.floats(0.01, 100), st.floats(0, 200), st.floats(0, 200))
def test_what_is_stronger_is_never_dreamed_more(wanted: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert eased(wanted, high) <= eased(wanted, low) <= BOOST


@pytest.mark.parametrize("wanted", [0.0, -1.0])
def test_a_score_that_cannot_be_a_measure_leaves_the_steps_alone(wanted: float) -> None:
    assert eased(wanted, 5.0) == 1
    assert eased(wanted, -5.0) == 1


def test_each_neighbourhood_is_held_to_its_own_and_a_little_to_the_mean() -> None:
    strength = Strength(((0.1,),), (0.0,), (((1.0, 3.0),),))
    at_rest = [CEILING * ((1 - EVENING) * wanted + EVENING * 2.0) for wanted in (1.0, 3.0)]
    weak, strong = (strength.ease(0, torch.tensor([[[[at_rest[0] + by, at_rest[1] + by]]]])) for by in (-0.1, 0.0))
    assert not strong.any()
    assert weak.min() > 0


@given(st.floats(0, 1), st.floats(1e-6, 1e6), st.floats(-1e6, 1e6))
def test_strengths_are_mixed_number_by_number_to_four_digits(share: float, one: float, other: float) -> None:
    mixed = Strength(((one, 1.0),), (other,), (((other, 0.0),),)).towards(
        Strength(((1.0, one),), (0.0,), (((0.0, other),),)), share
    )
    assert mixed.bands[0][0] == pytest.approx((1 - share) * one + share, rel=1e-3, abs=1e-9)
    assert mixed.scores[0][0][0] == pytest.approx((1 - share) * other, rel=1e-3, abs=1e-9)
    assert mixed.tint[0] == mixed.scores[0][0][0]
    assert all(float(f"{value:.4g}") == value for value in (*mixed.bands[0], *mixed.tint, *mixed.scores[0][0]))


def test_no_share_leaves_a_strength_as_it_is_and_a_whole_one_makes_it_the_other() -> None:
    one, other = Strength(((0.1,),), (0.0,), (((1.0, 2.0),),)), Strength(((0.2,),), (0.1,), (((3.0, 4.0),),))
    assert one.towards(other, 0.0) == one
    assert one.towards(other, 1.0) == other


def test_a_strength_of_other_octaves_takes_the_place_of_the_first() -> None:
    one = Strength(((0.1,),), (0.0,), (((1.0, 2.0),),))
    other = Strength(((0.2,), (0.3,)), (0.1,), (((3.0, 4.0),), ((5.0, 6.0), (7.0, 8.0))))
    assert (one.shape, other.shape) == (((1, 2),), ((1, 2), (2, 2)))
    assert one.towards(other, 0.5) is other


def test_what_is_wanted_moves_with_the_picture() -> None:
    grid = tuple(tuple(float(10 * row + column) for column in range(16)) for row in range(12))
    strength = Strength(((1.0, 1.0, 1.0),), (0.0, 0.0, 0.0), (grid,))
    cell = HEIGHT / 12
    field = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    assert strength.moved(field) is strength
    field[..., 1] = -cell  # the picture has gone right by a neighbourhood: each was one to the left
    right = strength.moved(field)
    assert [row[1:] for row in right.scores[0]] == [row[:-1] for row in grid]
    assert (right.bands, right.tint) == (strength.bands, strength.tint)
