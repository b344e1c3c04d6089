"""Motion: found where it is, admitted where it cannot be known."""

import cv2
import numpy as np
import pytest
from little import drifting, texture

from dreamvid.coherence.optical_flow import WORKING_SIDE, Motion, estimate, inside, left_behind, sample, warp
from dreamvid.core.types import Pixels

MIDDLE = (slice(16, -16), slice(16, -16))


def shifted(rows: int, cols: int) -> Motion:
    before, now = drifting(2, rows, cols, size=(96, 128))
    return estimate(before, now)


@pytest.mark.parametrize(("rows", "cols"), [(3, 5), (-2, 4), (0, 6), (4, 0), (1, -1)])
def test_a_shifted_texture_is_found_within_a_third_of_a_pixel(rows: int, cols: int) -> None:
    """A picture that went down and right was further up and left before."""
    motion = shifted(rows, cols)
    error = motion.field[MIDDLE] - np.float32([-rows, -cols])
    assert np.abs(error).max() < 0.3
    assert motion.valid[MIDDLE].all()


def test_a_shift_along_rows_alone_moves_rows_alone() -> None:
    field = shifted(4, 0).field[MIDDLE]
    assert np.abs(field[..., 0] + 4).max() < 0.3
    assert np.abs(field[..., 1]).max() < 0.3


def test_what_comes_in_over_the_border_is_not_valid() -> None:
    motion = shifted(0, 8)
    assert motion.valid[:, :6].mean() < 0.05
    assert motion.valid[16:-16, 16:-16].mean() > 0.97


def test_what_is_uncovered_is_not_valid_and_what_stays_is() -> None:
    background, disc = texture(96, 128, seed=1), texture(48, 48, seed=2)
    before, now = background.copy(), background.copy()
    before[24:72, 30:78] = disc
    now[24:72, 40:88] = disc
    motion = estimate(before, now)
    assert motion.valid[28:68, 31:39].mean() < 0.35  # hidden behind the disc before
    assert motion.valid[30:66, 46:82].mean() > 0.9
    assert np.abs(motion.field[30:66, 46:82] - np.float32([0, -10])).mean() < 0.3
    assert motion.valid[80:, 16:112].mean() > 0.95


def test_identical_frames_do_not_move() -> None:
    picture = texture()
    motion = estimate(picture, picture)
    assert np.abs(motion.field).max() < 0.05
    assert motion.valid.mean() > 0.99


def test_flat_frames_do_not_move() -> None:
    flat = np.full((48, 64, 3), 90, np.uint8)
    motion = estimate(flat, flat)
    assert not motion.field.any()
    assert motion.valid.all()


@pytest.mark.parametrize("size", [(16, 16), (16, 120), (120, 16), (63, 65)])
def test_frames_of_any_size_have_a_motion(size: tuple[int, int]) -> None:
    before, now = drifting(2, 0, 1, size=size)
    motion = estimate(before, now)
    assert motion.field.shape == (*size, 2)
    assert motion.field.dtype == np.float32
    assert motion.valid.shape == size
    assert np.isfinite(motion.field).all()


def test_the_same_frames_have_the_same_motion() -> None:
    before, now = drifting(2, 2, 3)
    first, second = estimate(before, now), estimate(before, now)
    assert np.array_equal(first.field, second.field)
    assert np.array_equal(first.valid, second.valid)


def test_a_field_is_inside_up_to_the_last_pixel_and_no_further() -> None:
    field = np.zeros((4, 5, 2), np.float32)
    field[0, 0] = -0.01, 0
    field[3, 4] = 0, 0.01
    field[1, 1] = 2, 3
    expected = np.ones((4, 5), bool)
    expected[0, 0] = expected[3, 4] = False
    assert np.array_equal(inside(field), expected)


@pytest.mark.parametrize(("scale", "left"), [(1.0, 0.0), (0.9, 0.19), (1.1, 0.0)])
@pytest.mark.parametrize("shift", [0.0, 7.0])
def test_a_zoom_in_leaves_its_border_behind_and_no_other_motion_does(scale: float, left: float, shift: float) -> None:
    """`scale`: how large what is seen now was in the frame before."""
    rows, columns = np.mgrid[-20:21, -30:31].astype(np.float32)
    field = np.stack([(scale - 1) * rows, (scale - 1) * columns + shift], axis=2)
    field[10:30, 20:40] += 5  # something that moves by itself
    assert left_behind(field) == pytest.approx(left, abs=1e-6)


def test_a_look_up_takes_rows_first_and_halves_between_pixels() -> None:
    picture = np.arange(20, dtype=np.float32).reshape(4, 5)
    below = np.zeros((4, 5, 2), np.float32)
    below[..., 0] = 1
    assert np.array_equal(sample(picture, below)[:3], picture[1:])
    half = np.zeros((4, 5, 2), np.float32)
    half[..., 1] = 0.5
    assert np.allclose(sample(picture, half)[:, :4], picture[:, :4] + 0.5, atol=0.02)


def test_a_still_layer_stays_to_the_bit() -> None:
    layer = np.random.default_rng(0).uniform(-1, 1, (48, 64, 3)).astype(np.float32)
    still = Motion(np.zeros((48, 64, 2), np.float32), np.ones((48, 64), bool))
    assert np.array_equal(warp(layer, still), layer)


def test_a_layer_moves_with_the_picture_and_goes_on_as_its_mirror_image_beyond_the_border() -> None:
    layer = (texture(seed=3, grain=3).astype(np.float32) - 127) / 255
    field = np.zeros((48, 64, 2), np.float32)
    field[..., 0], field[..., 1] = -2, -5  # the picture went down by 2 and right by 5
    moved = warp(layer, Motion(field, inside(field)))
    assert np.abs(moved[2:, 5:] - layer[:-2, :-5]).max() < 1e-3
    assert np.allclose(moved[0, 5:], layer[2, :-5], atol=1e-3)
    assert np.allclose(moved[2:, 0], layer[:-2, 5], atol=1e-3)


def large(frame: Pixels) -> Pixels:
    return cv2.resize(frame, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)


def test_the_motion_of_a_large_picture_is_found_in_a_smaller_one() -> None:
    before, now = (large(frame) for frame in drifting(2, rows=1, cols=2))
    assert min(now.shape[:2]) > 1.4 * WORKING_SIDE
    motion = estimate(before, now)
    assert motion.field.shape == (*now.shape[:2], 2)
    assert motion.valid.shape == now.shape[:2]
    inner = motion.field[40:-40, 40:-40].reshape(-1, 2)
    assert np.allclose(np.median(inner, axis=0), (-8, -16), atol=0.5)
    assert motion.valid[40:-40, 40:-40].mean() > 0.9
