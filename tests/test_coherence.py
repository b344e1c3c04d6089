"""What is carried from frame to frame: its octaves, its strength, where it rests."""

from itertools import pairwise

import numpy as np
import pytest
from little import HEIGHT, WIDTH, drifting, texture

from dreamvid.coherence import CEILING, GAIN, LOST, STEP, Carry, Strength, band_rms, bands, seed, settle
from dreamvid.media import Image, Pixels, to_float, to_pixels
from dreamvid.motion import Motion, estimate
from dreamvid.settings import CoherenceSettings

FLOW, BLEND = CoherenceSettings(mode="flow"), CoherenceSettings(mode="blend", blend=0.3)
SIZES = [(24, 32), (34, 46), (HEIGHT, WIDTH)]
STILL = Motion(np.zeros((HEIGHT, WIDTH, 2), np.float32), np.ones((HEIGHT, WIDTH), bool))


def dreamed(source: Pixels, strength: float = 0.1, seed: int = 9) -> Pixels:
    layer = (texture(*source.shape[:2], seed).astype(np.float32) - 127.5) / 50 * strength
    return to_pixels(np.clip(to_float(source), 0.25, 0.75) + layer)


def carried(source: Pixels, dream: Pixels, factor: float = 1.0) -> Carry:
    """A carry whose shot began with a layer `factor` times as strong as this one."""
    held = tuple(factor * rms for rms in band_rms(to_float(dream) - to_float(source), SIZES))
    return Carry(0, source, dream, Strength(held, (1.0, 1.0, 1.0)))


@pytest.fixture
def source() -> Pixels:
    return np.clip(texture(seed=1), 70, 180)


@pytest.fixture
def carry(source: Pixels) -> Carry:
    return carried(source, dreamed(source))


def rms(layer: Image) -> float:
    return float(np.sqrt(np.square(layer).mean()))


@pytest.mark.parametrize("sizes", [SIZES, SIZES[1:], SIZES[2:]])
def test_bands_sum_to_the_layer(sizes: list[tuple[int, int]]) -> None:
    layer = np.random.default_rng(0).uniform(-0.3, 0.3, (HEIGHT, WIDTH, 3)).astype(np.float32)
    parts = bands(layer, sizes)
    assert len(parts) == len(sizes)
    assert np.allclose(sum(parts), layer, atol=1e-6)


def test_a_coarse_layer_lies_in_the_coarse_band_and_a_fine_one_in_the_fine() -> None:
    rows, cols = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    coarse = np.repeat(np.sin(2 * np.pi * cols / WIDTH * 2)[..., None], 3, axis=2)
    fine = np.repeat(((rows + cols) % 2 * 2 - 1)[..., None], 3, axis=2)
    assert np.argmax(band_rms(coarse, SIZES)) == 0
    assert np.argmax(band_rms(fine, SIZES)) == 2


def test_a_still_layer_goes_on_as_it_is(carry: Carry, source: Pixels) -> None:
    layer = seed(carry, STILL, to_float(source), FLOW, SIZES)
    assert layer is not None
    assert np.allclose(layer, carry.layer, atol=1e-5)


def test_the_layer_moves_with_the_picture() -> None:
    before, now = (np.clip(frame, 70, 180) for frame in drifting(2, rows=0, cols=4))
    carry = carried(before, dreamed(before))
    layer = seed(carry, estimate(before, now), to_float(now), FLOW, SIZES)
    assert layer is not None
    moved, stayed = (np.abs(layer[8:-8, 12:-8] - carry.layer[8:-8, 12 - by : -8 - by]).mean() for by in (4, 0))
    assert moved < 0.4 * stayed


@pytest.mark.parametrize(("factor", "gain"), [(1.0, 1.0), (1.03, 1.03), (0.95, 0.95), (3.0, GAIN[1]), (0.1, GAIN[0])])
def test_the_strength_is_steered_towards_the_first_frames(source: Pixels, factor: float, gain: float) -> None:
    """A layer that fades is raised and one that grows is lowered, by a few per cent a frame at most."""
    carry = carried(source, dreamed(source), factor)
    layer = seed(carry, STILL, to_float(source), FLOW, SIZES)
    assert layer is not None
    assert rms(layer) == pytest.approx(gain * rms(carry.layer), rel=1e-3)


def test_over_many_frames_the_strength_comes_back(source: Pixels) -> None:
    weak, first = dreamed(source, 0.05), dreamed(source, 0.1)
    strength = carried(source, first).strength
    for _ in range(20):
        layer = seed(Carry(0, source, weak, strength), STILL, to_float(source), FLOW, SIZES)
        assert layer is not None
        weak = to_pixels(to_float(source) + layer)
    assert rms(to_float(weak) - to_float(source)) == pytest.approx(rms(to_float(first) - to_float(source)), rel=0.1)


def test_holes_do_not_count_as_a_loss_of_strength(carry: Carry, source: Pixels) -> None:
    valid = np.ones((HEIGHT, WIDTH), bool)
    valid[:, : WIDTH // 3] = False
    layer = seed(carry, Motion(STILL.field, valid), to_float(source), FLOW, SIZES)
    assert layer is not None
    assert rms(layer[:, WIDTH // 2 :]) == pytest.approx(rms(carry.layer[:, WIDTH // 2 :]), rel=0.06)


def test_a_motion_that_is_lost_carries_nothing(carry: Carry, source: Pixels) -> None:
    valid = np.zeros((HEIGHT, WIDTH), bool)
    valid[: int(LOST * HEIGHT) - 1] = True
    assert seed(carry, Motion(STILL.field, valid), to_float(source), FLOW, SIZES) is None
    valid[: int(LOST * HEIGHT) + 1] = True
    assert seed(carry, Motion(STILL.field, valid), to_float(source), FLOW, SIZES) is not None


def test_no_dream_is_carried_as_none(source: Pixels) -> None:
    layer = seed(carried(source, source), STILL, to_float(source), FLOW, SIZES)
    assert layer is not None
    assert not layer.any()


def test_blend_mixes_a_share_of_the_last_dream_into_the_frame(carry: Carry) -> None:
    """start = (1 - blend) * source + blend * last dream, where it was."""
    now = to_float(texture(seed=4))
    layer = seed(carry, None, now, BLEND, SIZES)
    assert layer is not None
    assert np.allclose(now + layer, 0.7 * now + 0.3 * to_float(carry.dream), atol=1e-6)


def test_where_the_source_does_not_change_the_dream_rests_to_the_byte(carry: Carry, source: Pixels) -> None:
    now = source.copy()
    now[:, 40:] = 255 - now[:, 40:]
    other = to_float(dreamed(source, seed=11))
    settled = settle(other, carry, now)
    assert np.array_equal(to_pixels(settled)[:, :36], carry.dream[:, :36])
    assert np.array_equal(settled[:, 40:], other[:, 40:])


def test_a_picture_that_changes_everywhere_is_left_alone(carry: Carry, source: Pixels) -> None:
    other = to_float(dreamed(source, seed=11))
    assert np.array_equal(settle(other, carry, source + 1), other)


def test_a_single_pixel_at_rest_does_not_stick(carry: Carry, source: Pixels) -> None:
    now = source + 1
    now[20, 30] = source[20, 30]
    other = to_float(dreamed(source, seed=11))
    assert np.array_equal(settle(other, carry, now), other)


def test_settling_stays_between_the_two_dreams(carry: Carry, source: Pixels) -> None:
    now = source.copy()
    now[10:30, 10:40] += 3
    other, last = to_float(dreamed(source, seed=11)), to_float(carry.dream)
    settled = settle(other, carry, now)
    assert (settled >= np.minimum(other, last) - 1e-6).all()
    assert (settled <= np.maximum(other, last) + 1e-6).all()


def test_steps_ease_off_to_nothing_at_the_ceiling() -> None:
    strength = Strength((0.1,), (2.0,))
    assert strength.ease(0, 2.0) == pytest.approx(STEP)
    assert strength.ease(0, 2.0 * (1 + CEILING) / 2) == pytest.approx(STEP / 2)
    assert strength.ease(0, 2.0 * CEILING) == 0
    assert strength.ease(0, 1000.0) == 0
    eases = [strength.ease(0, score) for score in np.linspace(0, 4, 50)]
    assert all(later <= sooner for sooner, later in pairwise(eases))
    assert max(eases) <= 4 * STEP


def test_a_score_that_cannot_be_a_measure_leaves_the_steps_alone() -> None:
    assert Strength((0.1, 0.1), (0.0, -1.0)).ease(0, 5.0) == STEP
    assert Strength((0.1, 0.1), (0.0, -1.0)).ease(1, 5.0) == STEP
