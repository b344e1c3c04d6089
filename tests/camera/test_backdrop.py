"""Stills as a world: what closes closes, what is alone is untouched, and nothing goes on for nothing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import texture
from test_path import flight

from dreamvid.camera.backdrop import ENOUGH, Backdrop, check, ending, extent, farthest
from dreamvid.camera.path import Flight, points
from dreamvid.core.errors import SettingsError

HEIGHT, WIDTH = 54, 96
STILLS = tuple(texture(HEIGHT, WIDTH, seed=seed, grain=4) for seed in range(3))
LOOPS = {
    "zoom in": flight(1.5, loop=True),
    "zoom out": flight(0.7, loop=True),
    "spiral": flight(1.3, 25, loop=True),
    "rotate": flight(1.0, 20, loop=True),
    "whole turn": flight(1.0, 60, loop=True),
    "pan": flight(shift=(0.0, 0.5), loop=True),
    "slanted pan": flight(shift=(-0.4, 0.4), loop=True),
    "zoom and shift": flight(1.4, 0, (0.0, 0.08), loop=True),
}
SEVERAL = [name for name, how in LOOPS.items() if how.whole.real or not how.whole.imag]


def step(scene: Backdrop, before: float, now: float) -> float:
    views = [scene.view(scene.flight.pose(time), HEIGHT, WIDTH) for time in (before, now)]
    return float(np.abs(views[1] - views[0]).mean()) * 255


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_closes(name: str) -> None:
    """The step from the last frame to the first is like those before and after it, and the lap's end is its start."""
    how = LOOPS[name]
    scene, frame = Backdrop(STILLS[:1], how), 1 / 24
    ends = [scene.view(how.pose(time), HEIGHT, WIDTH) for time in (0.0, how.seconds)]
    assert np.abs(ends[0] - ends[1]).mean() * 255 < 0.2
    last = scene.view(how.pose(how.seconds - frame), HEIGHT, WIDTH)
    wrap = float(np.abs(ends[0] - last).mean()) * 255
    others = step(scene, how.seconds - 2 * frame, how.seconds - frame), step(scene, 0, frame)
    assert wrap <= 1.05 * max(others)


@pytest.mark.parametrize("name", LOOPS)
def test_no_step_within_a_lap_stands_out(name: str) -> None:
    scene = Backdrop(STILLS[:1], LOOPS[name])
    steps = [step(scene, number / 12, (number + 1) / 12) for number in range(72)]
    assert max(steps) < 2 * float(np.median(steps))


@pytest.mark.parametrize("name", SEVERAL)
def test_each_of_several_stills_has_its_time(name: str) -> None:
    how = LOOPS[name]
    if not how.rotates:
        how = flight(shift=tuple(3 * part for part in how.camera.shift), loop=True)
    scene = Backdrop(STILLS, how)
    for number in range(len(STILLS)):
        seen = scene.view(how.pose(how.seconds * number / 3), HEIGHT, WIDTH) * 255
        where = np.ones((HEIGHT, WIDTH), bool)
        if how.whole.real:  # further in the next one comes already
            far = np.abs(points(HEIGHT, WIDTH) - how.centre) / farthest(how.centre, WIDTH / HEIGHT)
            where = -np.log(far) < 0.4 * abs(how.whole.real) / 3
        likeness = [np.abs(seen - other)[where].mean() for other in STILLS]
        assert int(np.argmin(likeness)) == number
        assert likeness[number] < 12


def test_a_still_alone_that_does_not_loop_is_untouched_at_the_start() -> None:
    for how in (flight(1.5, 10), flight(shift=(0.1, 0.1))):
        assert np.array_equal(np.rint(Backdrop(STILLS[:1], how).view(how.pose(0), HEIGHT, WIDTH) * 255), STILLS[0])


def test_an_intro_begins_with_the_still_alone_and_ends_in_the_world() -> None:
    how = LOOPS["zoom in"]
    scene, at = Backdrop(STILLS[:1], how), how.pose(0)
    alone, half, whole = (scene.view(at, HEIGHT, WIDTH, share) for share in (0.0, 0.5, 1.0))
    assert np.array_equal(np.rint(alone * 255), STILLS[0])
    assert np.allclose(half, (alone + whole) / 2, atol=1e-6)
    assert not np.array_equal(alone, whole)


def test_zooming_in_and_back_out_gives_the_still_again() -> None:
    """Every frame is sampled from the still itself: nothing adds up."""
    how = flight(1.5)
    back = Backdrop(STILLS[:1], how).view(how.pose(0.0), HEIGHT, WIDTH)
    assert np.abs(np.rint(back * 255) - STILLS[0]).mean() == 0


def test_a_journey_far_into_a_still_begins_with_it_untouched_and_comes_to_it_again() -> None:
    how = flight(1.5, seconds=20)
    scene = Backdrop(STILLS[:1], how)
    again = ENOUGH / math.log(1.5)
    begun, between, there = (
        np.rint(scene.view(how.pose(time), HEIGHT, WIDTH) * 255) for time in (0, again / 2, 3 * again)
    )
    assert np.array_equal(begun, STILLS[0])
    unlike = np.abs(between - STILLS[0]).mean()
    far = np.abs(points(HEIGHT, WIDTH)) / farthest(0j, WIDTH / HEIGHT)
    assert np.abs(there - STILLS[0])[-np.log(far) < 0.4 * ENOUGH].mean() < 0.1 * unlike


def test_a_journey_far_out_of_a_still_never_shows_it_twice_beside_itself() -> None:
    """Outside a still that has become small lies a larger one, not its mirror images."""
    how, alone = flight(0.5, seconds=10), flight(0.5, seconds=2)
    nested, mirrored = (
        Backdrop(STILLS[:1], each).view(how.pose(ENOUGH / math.log(2)), HEIGHT, WIDTH) for each in (how, alone)
    )
    assert np.abs(nested * 255 - STILLS[0])[:4].mean() < 2
    assert np.abs(mirrored * 255 - STILLS[0])[:4].mean() > 20


def test_a_long_lap_goes_into_its_still_several_times() -> None:
    """By 64 times, in three steps of 4."""
    scene = Backdrop(STILLS[:1], flight(2.0, loop=True))
    one, third = (scene.view(scene.flight.pose(time), HEIGHT, WIDTH) for time in (0.5, 2.5))
    assert np.abs(one - third).max() * 255 < 3


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.complex_numbers(max_magnitude=0.4),
    st.floats(0.5, 2.5),
    st.floats(-math.pi, math.pi),
)
def test_a_still_ends_a_little_outside_its_border(centre: complex, aspect: float, angle: float) -> None:
    if abs(centre.real) > 0.45 * aspect:
        return
    way = complex(math.cos(angle), math.sin(angle))
    ends = math.log(farthest(centre, aspect)) + float(ending(np.float32([angle]), centre, aspect)[0])
    sides = (aspect / 2 * np.sign(way.real) - centre.real, way.real), (0.5 * np.sign(way.imag) - centre.imag, way.imag)
    border = min(room / part for room, part in sides if abs(part) > 1e-9)
    assert border * 0.98 < math.exp(ends) < border * 2 ** (1 / 8) * 1.02


def test_a_still_with_more_to_show_than_the_frame_is_looked_into() -> None:
    """At rest it is the still as it would be shrunk; nearer, it has detail that the small one has not."""
    import cv2

    fine = texture(4 * HEIGHT, 4 * WIDTH, seed=9, grain=2)
    small = cv2.resize(fine, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    how = flight(2.0, seconds=2)
    sharp, soft = (Backdrop((still,), how) for still in (fine, small))
    assert np.array_equal(np.rint(sharp.view(how.pose(0), HEIGHT, WIDTH) * 255), small)
    inner = sharp.view(how.pose(2), HEIGHT, WIDTH) * 255
    tall, wide = fine.shape[0] * 3 // 8, fine.shape[1] * 3 // 8
    assert np.abs(inner - fine[tall : tall + HEIGHT, wide : wide + WIDTH]).mean() < 1
    assert np.diff(inner, axis=1).std() > 1.4 * np.diff(soft.view(how.pose(2), HEIGHT, WIDTH) * 255, axis=1).std()


@pytest.mark.parametrize(
    ("how", "stills", "said"),
    [
        (flight(shift=(0.0, 0.1), loop=True), 1, "same place twice in one frame"),
        (flight(rotate=10.3, loop=True), 1, "does not close"),
        (flight(rotate=60), 2, "one still"),
        (flight(1.01, loop=True), 1, "all the time: give --seconds"),
        (flight(), 2, "one still"),
    ],
)
def test_what_cannot_be_flown_is_told_what_can(how: Flight, stills: int, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        check(how, stills, WIDTH / HEIGHT)


def test_the_pan_that_is_proposed_closes() -> None:
    with pytest.raises(SettingsError) as error:
        check(flight(shift=(0.05, 0.1), loop=True), 1, 16 / 9)
    rows, columns = str(error.value).partition("camera.shift=[")[2].partition("]")[0].split(",")
    check(flight(shift=(float(rows) * 1.001, float(columns) * 1.001), loop=True), 1, 16 / 9)


def test_lengths_of_a_frame() -> None:
    assert extent(1 + 0j, 2.0) == pytest.approx(2)
    assert extent(3j, 2.0) == pytest.approx(1)
    assert farthest(0j, 2.0) == pytest.approx(abs(complex(1, 0.5)))
    assert farthest(complex(1, 0), 2.0) == pytest.approx(abs(complex(2, 0.5)))
