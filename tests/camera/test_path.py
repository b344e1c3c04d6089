"""The camera: where it is at a time, and how it says that moved are one."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import texture

from dreamvid.camera.backdrop import Backdrop
from dreamvid.camera.path import Flight, Pose, folds, motion, points, rate_of
from dreamvid.coherence.optical_flow import sample
from dreamvid.config.settings import CameraSettings
from dreamvid.core.errors import SettingsError

HEIGHT, WIDTH = 72, 128
PICTURE = texture(HEIGHT, WIDTH, seed=5, grain=6)


def flight(zoom: float = 1.0, rotate: float = 0.0, shift: tuple[float, float] = (0.0, 0.0), **more: object) -> Flight:
    loop = bool(more.pop("loop", False))
    seconds = float(more.pop("seconds", 6.0))  # type: ignore[arg-type]
    return Flight(CameraSettings(zoom=zoom, rotate=rotate, shift=shift, **more), seconds, loop)  # type: ignore[arg-type]


def seen(how: Flight, seconds: Fraction) -> np.ndarray:
    view = Backdrop((PICTURE,), how).view(how.pose(seconds), HEIGHT, WIDTH)
    return np.rint(view * 255).astype(np.uint8)


flights = st.builds(
    flight,
    st.floats(0.6, 1.8),
    st.floats(-40, 40),
    st.tuples(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4)),
    seconds=st.just(2.0),  # not so far that the still comes again within itself
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(how=flights, start=st.integers(0, 24), frames=st.integers(1, 6))
def test_motion_and_view_agree(how: Flight, start: int, frames: int) -> None:
    """What was seen before, looked up where the motion points, is what is seen now."""
    before, now = Fraction(start, 24), Fraction(start + frames, 24)
    moved = motion(how.pose(before), how.pose(now), HEIGHT, WIDTH)
    expected = sample(seen(how, before).astype(np.float32), moved.field)
    error = np.abs(expected - seen(how, now)).mean(axis=2)
    assert np.median(error) < 3
    if moved.valid.any():
        # Beyond the picture's border it is mirrored, and a fold is sharper than any texture.
        assert np.quantile(error[moved.valid], 0.9) < 8


@settings(max_examples=60, deadline=None, derandomize=True)
@given(how=flights, seconds=st.fractions(0, 20), more=st.fractions(0, 2))
def test_a_step_is_the_same_wherever_the_flight_has_come(how: Flight, seconds: Fraction, more: Fraction) -> None:
    here = motion(how.pose(Fraction(0)), how.pose(more), 9, 16).field
    there = motion(how.pose(seconds), how.pose(seconds + more), 9, 16).field
    assert np.allclose(here, there, atol=1e-2)


@pytest.mark.parametrize("second", [1, 2, 3])
def test_a_pose_depends_on_time_alone_and_not_on_the_frame_rate(second: int) -> None:
    how = flight(1.7, 33, (0.1, -0.2))
    assert how.pose(Fraction(second * 24, 24)) == how.pose(Fraction(second * 60, 60))
    assert how.pose(Fraction(12, 24)) == how.pose(Fraction(30, 60))


def test_at_the_start_the_picture_is_seen_to_the_byte() -> None:
    assert np.array_equal(seen(flight(1.5, 10, (0.1, 0.1)), Fraction(0)), PICTURE)


def test_a_camera_that_rests_sees_the_same_for_ever() -> None:
    assert np.array_equal(seen(flight(), Fraction(100)), PICTURE)


def test_zooming_in_by_two_shows_the_inner_half() -> None:
    assert flight(2.0).pose(Fraction(1)).scale == pytest.approx(0.5)
    inner = seen(flight(2.0, seconds=2), Fraction(1))[::2, ::2].astype(float)
    assert np.abs(inner - PICTURE[18:54, 32:96]).mean() < 5


def test_zooming_out_by_two_shows_the_picture_at_half_its_size() -> None:
    import cv2

    inner = seen(flight(0.5, seconds=2), Fraction(1))[18:54, 32:96].astype(float)
    half = cv2.resize(PICTURE, (64, 36), interpolation=cv2.INTER_AREA)
    assert np.abs(inner - half).mean() < 2


@pytest.mark.parametrize(("shift", "axis"), [((0.25, 0.0), 0), ((0.0, 0.25), 1)])
def test_the_camera_moves_down_and_right(shift: tuple[float, float], axis: int) -> None:
    """A camera that goes down by a quarter of the height sees what was a quarter below; the picture goes up."""
    way, how = HEIGHT // 4, flight(shift=shift)
    later = seen(how, Fraction(1))
    here = [slice(None, -way) if side == axis else slice(None) for side in range(2)]
    there = [slice(way, None) if side == axis else slice(None) for side in range(2)]
    assert np.abs(later[tuple(here)].astype(int) - PICTURE[tuple(there)]).max() <= 1
    field = motion(how.pose(Fraction(0)), how.pose(Fraction(1)), HEIGHT, WIDTH).field
    assert np.allclose(field[..., axis], way, atol=1e-3)
    assert np.allclose(field[..., 1 - axis], 0, atol=1e-3)


def test_a_positive_turn_is_counter_clockwise() -> None:
    """What was at the right comes to the top after a quarter turn."""
    picture = np.full((65, 65, 3), 100, np.uint8)
    picture[27:38, 54:65] = 200
    how = flight(rotate=90)
    turned = Backdrop((picture,), how).view(how.pose(1), 65, 65) * 255
    assert turned[:11, 27:38].mean() > 190


def test_where_the_camera_comes_in_from_beyond_nothing_is_valid() -> None:
    def valid(how: Flight) -> np.ndarray:
        return motion(how.pose(Fraction(0)), how.pose(Fraction(1, 2)), HEIGHT, WIDTH).valid

    out = valid(flight(0.5))
    assert out[HEIGHT // 2, WIDTH // 2]
    assert not out[0].any()
    assert not out[:, -1].any()
    assert valid(flight(2.0)).all()


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
    how = flight(zoom, rotate, shift)
    assert Backdrop((bright,), how).view(how.pose(seconds), 40, 56).min() >= 100 / 255
    field = motion(how.pose(Fraction(0)), how.pose(min(seconds, Fraction(1))), 40, 56).field
    assert np.isfinite(field).all()


def test_a_view_from_far_away_is_the_mean_of_the_picture() -> None:
    far = Backdrop((PICTURE,), flight(0.5, seconds=2)).view(Pose(20 + 0j, 0j, 0j), HEIGHT, WIDTH) * 255
    assert np.abs(far - PICTURE.mean(axis=(0, 1))).max() < 2


def test_the_centre_of_a_zoom_stays_where_it_is() -> None:
    how = flight(2.0, 30, centre=(0.25, -0.5))
    here = how.pose(Fraction(7, 5)).of(np.array([complex(-0.5, 0.25)]))
    assert here[0] == pytest.approx(complex(-0.5, 0.25))


@pytest.mark.parametrize("ease", ["in", "out", "in-out"])
def test_an_eased_flight_begins_and_ends_where_the_plain_one_does(ease: str) -> None:
    plain, eased = flight(1.5), flight(1.5, ease=ease)
    for time in (0, 6):
        assert eased.pose(time).way == pytest.approx(plain.pose(time).way)
    assert (eased.pose(3).way == pytest.approx(plain.pose(3).way)) is (ease == "in-out")
    slow = abs(eased.pose(0.5).way) < abs(plain.pose(0.5).way)
    assert slow is (ease != "out")


@pytest.mark.parametrize(("rotate", "seconds", "sectors"), [(60, 6, 1), (20, 6, 3), (-45, 2, 4), (0, 6, 1), (90, 6, 2)])
def test_a_turning_loop_divides_the_world_into_sectors(rotate: float, seconds: float, sectors: int) -> None:
    assert folds(flight(rotate=rotate, seconds=seconds, loop=True)) == sectors
    assert folds(flight(1.2, rotate=rotate, seconds=seconds, loop=True)) == 1  # a spiral closes at any rate


def test_a_turn_that_does_not_close_is_told_the_nearest_that_do() -> None:
    with pytest.raises(SettingsError, match=r"does not close the loop: give .* or ") as error:
        folds(flight(rotate=10.3, seconds=6.0, loop=True))
    for rate in str(error.value).rpartition("give ")[2].split(" or "):
        assert folds(flight(rotate=float(rate), seconds=6.0, loop=True)) > 1
        assert float(rate) == pytest.approx(10.3, rel=0.1)


def test_points_are_in_heights_from_the_middle() -> None:
    found = points(4, 8)
    assert found[0, 0] == complex(-3.5, -1.5) / 4
    assert abs(found.sum()) < 1e-12


# Settings that move


def moved(rates: Callable[[float], tuple[complex, complex]], **more: object) -> Flight:
    return replace(flight(**more), velocity_at=rates)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "how", [flight(1.5, 20), flight(0.7), flight(shift=(0.1, 0.2)), flight(1.3, centre=(0.2, 0.1))]
)
def test_a_rate_that_moves_and_yet_stays_the_same_is_the_same_flight(how: Flight) -> None:
    rate, speed = rate_of(how.camera.zoom, how.camera.rotate), complex(*how.camera.shift[::-1])
    other = replace(how, velocity_at=lambda time: (rate, speed))
    for time in (0, 0.7, 6):
        one, two = how.pose(time), other.pose(time)
        assert two.way == pytest.approx(one.way, abs=1e-9)
        assert two.offset == pytest.approx(one.offset, abs=1e-9)
    assert (other.rotates, other.centre) == (how.rotates, pytest.approx(how.centre))
    assert other.whole == pytest.approx(how.whole)
    assert other.nearest == pytest.approx(how.nearest)


def test_breathing_comes_back_to_where_it_was() -> None:
    breath = moved(lambda time: (rate_of(1.2 ** np.sin(2 * np.pi * time / 6), 0), 0j), loop=True)
    assert breath.whole == 0
    assert breath.pose(6).way == pytest.approx(breath.pose(0).way, abs=1e-6)
    assert breath.nearest[0] < -0.3


def test_beyond_its_end_a_loop_goes_on() -> None:
    spiral = moved(lambda time: (rate_of(1.2 + 0.1 * np.sin(2 * np.pi * time / 6), 10), 0j), loop=True)
    assert spiral.pose(7).way == pytest.approx(spiral.whole + spiral.pose(1).way)
