"""The camera: what it sees and how it says that moved are one."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import texture

from dreamvid.camera import Pose, motion, pose, view
from dreamvid.motion import sample
from dreamvid.settings import CameraSettings

HEIGHT, WIDTH = 72, 128
PICTURE = texture(HEIGHT, WIDTH, seed=5, grain=6)


def camera(zoom: float = 1.0, rotate: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)) -> CameraSettings:
    return CameraSettings(zoom=zoom, rotate=rotate, shift=shift)


def seen(how: CameraSettings, seconds: Fraction) -> np.ndarray:
    return view(PICTURE, pose(how, seconds, HEIGHT))


cameras = st.builds(
    camera,
    st.floats(0.6, 1.8),
    st.floats(-40, 40),
    st.tuples(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4)),
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(how=cameras, start=st.integers(0, 24), frames=st.integers(1, 6))
def test_motion_and_view_agree(how: CameraSettings, start: int, frames: int) -> None:
    """What was seen before, looked up where the motion points, is what is seen now."""
    before, now = Fraction(start, 24), Fraction(start + frames, 24)
    moved = motion(pose(how, now - before, HEIGHT), HEIGHT, WIDTH)
    expected = sample(seen(how, before).astype(np.float32), moved.field)
    error = np.abs(expected - seen(how, now)).mean(axis=2)
    assert np.median(error) < 3
    if moved.valid.any():
        # Beyond the picture's border it is mirrored, and a fold is sharper than any texture.
        assert np.quantile(error[moved.valid], 0.9) < 8


@settings(max_examples=60, deadline=None, derandomize=True)
@given(how=cameras, seconds=st.fractions(0, 20), more=st.fractions(0, 2))
def test_a_step_is_the_same_wherever_the_flight_has_come(
    how: CameraSettings, seconds: Fraction, more: Fraction
) -> None:
    first, second, step = (pose(how, time, 90) for time in (seconds, seconds + more, more))
    assert second.scale == pytest.approx(first.scale * step.scale, rel=1e-6)
    assert second.shift == pytest.approx(first.shift + first.scale * step.shift, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("second", [1, 2, 3])
def test_a_pose_depends_on_time_alone_and_not_on_the_frame_rate(second: int) -> None:
    how = camera(1.7, 33, (0.1, -0.2))
    assert pose(how, Fraction(second * 24, 24), 90) == pose(how, Fraction(second * 60, 60), 90)
    assert pose(how, Fraction(12, 24), 90) == pose(how, Fraction(30, 60), 90)


def test_at_the_start_the_picture_is_seen_to_the_byte() -> None:
    assert np.array_equal(seen(camera(1.5, 10, (0.1, 0.1)), Fraction(0)), PICTURE)


def test_a_camera_that_rests_sees_the_same_for_ever() -> None:
    assert np.array_equal(seen(camera(), Fraction(100)), PICTURE)


def test_zooming_in_by_two_shows_the_inner_half() -> None:
    assert pose(camera(2.0), Fraction(1), HEIGHT).scale == pytest.approx(0.5)
    inner = seen(camera(2.0), Fraction(1))[::2, ::2].astype(float)
    assert np.abs(inner - PICTURE[18:54, 32:96]).mean() < 5


def test_zooming_out_by_two_shows_the_picture_at_half_its_size() -> None:
    import cv2

    inner = seen(camera(0.5), Fraction(1))[18:54, 32:96].astype(float)
    half = cv2.resize(PICTURE, (64, 36), interpolation=cv2.INTER_AREA)
    assert np.abs(inner - half).mean() < 2


@pytest.mark.parametrize(("shift", "axis"), [((0.25, 0.0), 0), ((0.0, 0.25), 1)])
def test_the_camera_moves_down_and_right(shift: tuple[float, float], axis: int) -> None:
    """A camera that goes down by a quarter of the height sees what was a quarter below; the picture goes up."""
    way = HEIGHT // 4
    later = seen(camera(shift=shift), Fraction(1))
    here = [slice(None, -way) if side == axis else slice(None) for side in range(2)]
    there = [slice(way, None) if side == axis else slice(None) for side in range(2)]
    assert np.abs(later[tuple(here)].astype(int) - PICTURE[tuple(there)]).max() <= 1
    field = motion(pose(camera(shift=shift), Fraction(1), HEIGHT), HEIGHT, WIDTH).field
    assert np.allclose(field[..., axis], way, atol=1e-3)
    assert np.allclose(field[..., 1 - axis], 0, atol=1e-3)


def test_a_positive_turn_is_counter_clockwise() -> None:
    """What was at the right comes to the top after a quarter turn."""
    picture = np.full((65, 65, 3), 100, np.uint8)
    picture[27:38, 54:65] = 200
    turned = view(picture, pose(camera(rotate=90), Fraction(1), 65))
    assert turned[:11, 27:38].mean() > 190


def test_where_the_camera_comes_in_from_beyond_nothing_is_valid() -> None:
    valid = motion(pose(camera(0.5), Fraction(1, 2), HEIGHT), HEIGHT, WIDTH).valid
    assert valid[HEIGHT // 2, WIDTH // 2]
    assert not valid[0].any()
    assert not valid[:, -1].any()
    assert motion(pose(camera(2.0), Fraction(1, 2), HEIGHT), HEIGHT, WIDTH).valid.all()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    zoom=st.floats(0.06, 20),
    rotate=st.floats(-360, 360),
    shift=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    seconds=st.fractions(0, 3000),
)
def test_there_is_no_black_border_and_no_end_to_a_flight(
    zoom: float, rotate: float, shift: tuple[float, float], seconds: Fraction
) -> None:
    """A bright picture stays bright however far the camera goes: beyond its border it is mirrored."""
    bright = np.clip(texture(40, 56, seed=7), 120, 200)
    how = camera(zoom, rotate, shift)
    assert view(bright, pose(how, seconds, 40)).min() >= 100
    assert np.isfinite(motion(pose(how, min(seconds, Fraction(1)), 40), 40, 56).field).all()


def test_a_view_from_far_away_is_the_mean_of_the_picture() -> None:
    far = view(PICTURE, Pose(complex(10.0**9), 0j))
    assert np.abs(far.astype(float) - PICTURE.mean(axis=(0, 1))).max() < 2
