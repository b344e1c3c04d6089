"""What is carried from frame to frame: its octaves, its strength, what outlives a change, where it rests."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from little import HEIGHT, WIDTH, texture

from dreamvid.coherence.carry import (
    ABOVE,
    CALM,
    GAIN,
    LONGEST_CALIBRATION_AGE,
    SHORTEST_CALIBRATION_AGE,
    STILL,
    Carry,
    CarryState,
    Followed,
    Past,
    blended,
    damp_static,
    follow,
    match_band_energy,
    mix_fresh,
    still,
    uncovered,
)
from dreamvid.coherence.energy import Strength, band_rms, opponent, tint
from dreamvid.coherence.optical_flow import Motion
from dreamvid.config.settings import CoherenceSettings
from dreamvid.core.types import Frame, Image, Mask, Pixels, to_float, to_pixels

SIZES = [(24, 32), (34, 46), (HEIGHT, WIDTH)]
EVERYWHERE = np.ones((HEIGHT, WIDTH), np.float32)
NOWHERE = np.zeros((HEIGHT, WIDTH), np.float32)


def at_rest(height: int = HEIGHT, width: int = WIDTH) -> Motion:
    return Motion(np.zeros((height, width, 2), np.float32), np.ones((height, width), bool))


def dreamed(source: Pixels, strength: float = 0.1, seed: int = 9) -> Pixels:
    layer = (texture(source.shape[0], source.shape[1], seed).astype(np.float32) - 127.5) / 50 * strength
    return to_pixels(np.clip(to_float(source), 0.25, 0.75) + layer)


def held(layer: Image, factor: float = 1.0, where: Mask | None = None) -> Strength:
    """The strength of fresh dreams that holds a layer at `factor` times its own."""
    rms = np.array(band_rms(opponent(layer), SIZES, where)) * factor / ABOVE
    return Strength(tuple(map(tuple, rms.tolist())), tint(opponent(layer), where), ())


@pytest.fixture
def source() -> Pixels:
    return np.clip(texture(seed=1), 70, 180)


@pytest.fixture
def past(source: Pixels) -> Past:
    return Past(0, source, dreamed(source))


def rms(layer: Image) -> float:
    return float(np.sqrt(np.square(layer).mean()))


def test_a_dream_of_the_right_strength_stays_as_it_is(source: Pixels, past: Past) -> None:
    assert np.allclose(match_band_energy(past.whole, to_float(source), held(past.layer), SIZES), past.whole, atol=1e-5)


@pytest.mark.parametrize(("factor", "gain"), [(1.0, 1.0), (1.03, 1.03), (0.95, 0.95), (3.0, GAIN[1]), (0.1, GAIN[0])])
def test_the_strength_is_steered_towards_that_of_fresh_dreams(
    source: Pixels, past: Past, factor: float, gain: float
) -> None:
    """A layer that fades is raised and one that grows is lowered, by a few per cent a frame at most."""
    dream = match_band_energy(past.whole, to_float(source), held(past.layer, factor), SIZES)
    layer, before = dream - to_float(source), past.layer
    mean = before.mean(axis=(0, 1))  # which is held by itself
    assert rms(layer - layer.mean(axis=(0, 1))) == pytest.approx(gain * rms(before - mean), rel=1e-3)


def test_over_many_frames_the_strength_comes_back(source: Pixels) -> None:
    weak, wanted = dreamed(source, 0.05), Past(0, source, dreamed(source, 0.1)).layer
    for _ in range(20):
        weak = to_pixels(match_band_energy(to_float(weak), to_float(source), held(wanted), SIZES))
    assert rms(to_float(weak) - to_float(source)) == pytest.approx(rms(wanted), rel=0.1)


def test_the_mean_colour_of_a_layer_comes_back(source: Pixels, past: Past) -> None:
    """In a long film it would drift by some levels, for nothing else holds it."""
    drifted, wanted = to_float(source) + past.layer + np.array([0.05, 0, -0.03], np.float32), held(past.layer)
    for _ in range(40):
        drifted = match_band_energy(drifted, to_float(source), wanted, SIZES)
    found = (drifted - to_float(source)).mean(axis=(0, 1))
    assert found == pytest.approx(past.layer.mean(axis=(0, 1)), abs=0.002)


def test_light_and_colour_are_held_each_by_itself(source: Pixels, past: Past) -> None:
    """A layer that has turned grey gets its colours back, and no more light than it had."""
    grey = np.repeat(past.layer.mean(axis=2, keepdims=True), 3, axis=2)
    faded = to_float(source) + grey + (past.layer - grey) / 2
    for _ in range(30):
        faded = match_band_energy(faded, to_float(source), held(past.layer), SIZES)
    found = faded - to_float(source)
    assert rms(found.mean(axis=2)) == pytest.approx(rms(past.layer.mean(axis=2)), rel=0.02)
    assert rms(opponent(found)[..., 1:]) == pytest.approx(rms(opponent(past.layer)[..., 1:]), rel=0.05)


def test_vast_shapes_do_not_take_the_place_of_small_ones() -> None:
    """In a zoom the one turns into the other, within the band of the one octave of 64 x 96."""
    size, column = (64, 96), np.arange(96, dtype=np.float32)[None, :, None]
    small, vast = (
        np.broadcast_to(0.1 * np.sin(2 * np.pi * column * waves / 96), (*size, 3)).astype(np.float32)
        for waves in (32, 1)
    )
    grey, wanted = np.full_like(small, 0.5), Strength(band_rms(opponent(small), [size]), (0.0, 0.0, 0.0), ())
    dream = grey + (vast + small) / 2
    for _ in range(30):
        dream = match_band_energy(dream, grey, wanted, [size])
    assert float(((dream - grey) * small).mean() / np.square(small).mean()) == pytest.approx(ABOVE, abs=0.02)
    assert abs(float(((dream - grey) * vast).mean() / np.square(vast).mean())) < 0.05


def test_the_strength_is_told_from_the_places_that_go_on(source: Pixels, past: Past) -> None:
    """What was uncovered and is weak still does not make the rest stronger."""
    half = EVERYWHERE.copy()
    half[:, : WIDTH // 2] = 0
    dream = to_float(source) + past.layer * half[..., None]
    alone = match_band_energy(dream, to_float(source), held(past.layer * half[..., None], where=half), SIZES, half)
    assert np.allclose(alone, dream, atol=1e-5)
    assert rms(match_band_energy(dream, to_float(source), held(past.layer), SIZES) - dream) > 1e-3


def followed(layer: Image, kept: Mask, new: Mask) -> Followed:
    return Followed(layer, kept, new, EVERYWHERE, 1.0, 1.0, np.zeros((*kept.shape, 2), np.float32))


def test_what_is_not_kept_is_not_seeded(past: Past) -> None:
    kept = EVERYWHERE.copy()
    kept[:20] = 0
    kept[20:] = 0.5
    seed = followed(past.layer, kept, NOWHERE).seed
    assert not seed[:20].any()
    assert np.allclose(seed[20:], 0.5 * past.layer[20:], atol=1e-5)


def test_what_lasts_is_kept_and_not_new_and_shown(past: Past) -> None:
    new, mask = NOWHERE.copy(), EVERYWHERE.copy()
    new[:20], mask[:, :30] = 1, 0
    lasting = followed(past.layer, EVERYWHERE, new).lasting(mask)
    assert not lasting[:20].any() and not lasting[:, :30].any()
    assert (lasting[20:, 30:] == 1).all()
    assert (followed(past.layer, EVERYWHERE, NOWHERE).lasting(None) == 1).all()


def test_no_dream_is_carried_as_none(source: Pixels, past: Past) -> None:
    nothing = to_float(source)
    for strength in (held(0 * past.layer), replace(held(past.layer), tint=(0.0, 0.0, 0.0))):
        assert np.array_equal(match_band_energy(nothing, nothing, strength, SIZES), nothing)


def test_blend_mixes_a_share_of_the_last_dream_into_the_frame(past: Past) -> None:
    """start = (1 - blend) * source + blend * last dream, where it was."""
    now = to_float(texture(seed=4))
    layer = blended(past, now, CoherenceSettings(mode="blend", blend=0.3))
    assert np.allclose(now + layer, 0.7 * now + 0.3 * to_float(past.dream), atol=1e-6)


def hidden(rows: slice, cols: slice) -> Motion:
    motion = at_rest(120, 160)
    motion.valid[rows, cols] = False
    return motion


def test_a_place_uncovered_is_new_and_what_is_far_from_it_is_not() -> None:
    new = uncovered(hidden(slice(40, 70), slice(0, 30)))
    assert new[42:68, 2:28].min() > 0.99
    assert not new[:, 60:].any()
    assert not new[90:].any()
    assert 0 <= new.min() <= new.max() <= 1


def test_a_narrow_strip_at_the_border_is_new() -> None:
    """What a pan brings in."""
    assert uncovered(hidden(slice(None), slice(0, 3)))[:, :2].min() > 0.9


def test_specks_in_which_the_flow_fails_are_not_new() -> None:
    motion = at_rest(120, 160)
    motion.valid[np.random.default_rng(0).random((120, 160)) < 0.05] = False
    assert not uncovered(motion).any()
    assert not uncovered(at_rest()).any()


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_strength_ages_with_every_frame_and_faster_the_more_is_new(share: float, other: float) -> None:
    less, more = sorted((share, other))
    slow, fast = (
        followed(EVERYWHERE, EVERYWHERE, new * EVERYWHERE).next_calibration_age(0.25, 0.0) for new in (less, more)
    )
    left = replace(followed(EVERYWHERE, EVERYWHERE, NOWHERE), gone=more).next_calibration_age(0.25, 0.0)
    assert left == pytest.approx(fast, abs=1e-5)
    assert 0.25 + 1 / LONGEST_CALIBRATION_AGE - 1e-6 <= slow <= fast <= 0.25 + 1 / SHORTEST_CALIBRATION_AGE + 1e-6


def moving(columns: float) -> Motion:
    motion = at_rest()
    motion.field[..., 1] = columns
    return motion


@pytest.mark.parametrize(("columns", "expected"), [(0.0, 1.0), (STILL[0], 1.0), (STILL[1], 0.0), (3.0, 0.0)])
def test_a_picture_is_still_below_a_fraction_of_a_pixel(columns: float, expected: float) -> None:
    assert still(moving(columns)) == pytest.approx(expected, abs=1e-3)


def test_what_cannot_be_followed_is_not_still() -> None:
    motion = at_rest()
    motion.valid[:] = False
    assert not still(motion).any()


def settled(dream: Image, past: Past, now: Pixels, quiet: Mask = NOWHERE) -> Image:
    return damp_static(dream, to_float(now), quiet, past, now)


def test_where_the_source_does_not_change_the_dream_rests_to_the_byte(past: Past, source: Pixels) -> None:
    now = source.copy()
    now[:, 40:] = 255 - now[:, 40:]
    other = to_float(dreamed(source, seed=11))
    result = settled(other, past, now)
    assert np.array_equal(to_pixels(result)[:, :36], past.dream[:, :36])
    assert np.array_equal(result[:, 40:], other[:, 40:])


def test_a_picture_that_changes_everywhere_is_left_alone(past: Past, source: Pixels) -> None:
    other = to_float(dreamed(source, seed=11))
    assert np.array_equal(settled(other, past, source + 1), other)


def test_a_single_pixel_at_rest_does_not_stick(past: Past, source: Pixels) -> None:
    now = source + 1
    now[20, 30] = source[20, 30]
    other = to_float(dreamed(source, seed=11))
    assert np.array_equal(settled(other, past, now), other)


def test_settling_stays_between_the_two_dreams(past: Past, source: Pixels) -> None:
    now = source.copy()
    now[10:30, 10:40] += 3
    other, last = to_float(dreamed(source, seed=11)), to_float(past.dream)
    result = settled(other, past, now)
    assert (result >= np.minimum(other, last) - 1e-6).all()
    assert (result <= np.maximum(other, last) + 1e-6).all()


def test_where_the_picture_is_still_a_part_of_the_step_is_taken_back(past: Past, source: Pixels) -> None:
    start, other = to_float(source), to_float(dreamed(source, seed=11))
    result = damp_static(other, start, EVERYWHERE, past, source + 1)
    assert np.allclose(result - start, (1 - CALM) * (other - start), atol=1e-6)


def test_a_dream_that_is_restless_goes_on_even_where_the_picture_is_the_very_same() -> None:
    start, dream = np.full((48, 64, 3), 0.4, np.float32), np.full((48, 64, 3), 0.6, np.float32)
    picture = np.full((48, 64, 3), 90, np.uint8)
    past, moving_on = Past(0, picture, np.full_like(picture, 102)), np.zeros((48, 64), np.float32)
    at_rest_too = damp_static(dream, start, moving_on, past, picture)
    assert np.allclose(at_rest_too, 102 / 255, atol=1e-6)
    assert np.allclose(damp_static(dream, start, moving_on, past, picture, restless=True), dream)


def test_settings_that_move_make_a_strength_older() -> None:
    at_rest = followed(EVERYWHERE, EVERYWHERE, NOWHERE)
    assert at_rest.next_calibration_age(0.25, 0.5) == pytest.approx(at_rest.next_calibration_age(0.25, 0.0) + 0.5)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_share_of_what_is_carried_is_renewed(share: float) -> None:
    layer, kept = np.full((4, 4, 3), 0.2, np.float32), np.full((4, 4), 0.5, np.float32)
    carried = Followed(layer, kept, kept, kept, 1.0, 1.0, np.zeros((*kept.shape, 2), np.float32))
    found = mix_fresh(carried, np.full_like(layer, -0.2), share)
    assert np.allclose(found.layer, 0.2 - 0.4 * share)
    assert np.allclose(found.kept, 0.5 + 0.5 * share)
    assert found.layer.dtype == found.kept.dtype == np.float32
    assert (found is carried) == (share == 0)


def test_in_a_loop_no_dream_ends_at_once() -> None:
    before, now = (np.full((HEIGHT, WIDTH, 3), level, np.uint8) for level in (100, 104))
    carry = Carry((Past(0, before, before),), CarryState(Strength((), (), ()), 0.0, 0.21))
    frame = Frame(1, Fraction(1), now)
    assert follow(carry, frame, (1,), lambda past, now: at_rest()) is None
    found = follow(carry, frame, (1,), lambda past, now: at_rest(), dies=False)
    assert found is not None and found.survival < 0.2
