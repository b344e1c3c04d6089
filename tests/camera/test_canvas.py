"""Layers with the symmetry of the camera's way: one contract for all of them."""

import math
from itertools import pairwise

import cv2
import numpy as np
import pytest
from test_backdrop import LOOPS
from test_path import flight

from dreamvid.camera.canvas import PLACES, Polar, empty, grown
from dreamvid.camera.path import Flight, motion
from dreamvid.coherence.optical_flow import warp
from dreamvid.core.errors import SettingsError
from dreamvid.core.types import Image

HEIGHT, WIDTH = 72, 128
FLIGHTS = LOOPS | {
    "journey in": flight(1.5),
    "journey out": flight(0.7, 10),
    "journey aside": flight(shift=(0.1, 0.2)),
    "rest": flight(),
}


def soft(seed: int = 0, grain: float = 2.0, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Image:
    noise = np.random.default_rng(seed).standard_normal((*size, 3)).astype(np.float32)
    made: Image = cv2.GaussianBlur(noise, (0, 0), grain)
    return made / made.std()


def correlation(first: Image, second: Image) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


@pytest.fixture(params=FLIGHTS)
def how(request: pytest.FixtureRequest) -> Flight:
    return FLIGHTS[request.param]


def test_what_is_taken_is_seen_again(how: Flight) -> None:
    canvas, at = empty(how, HEIGHT, WIDTH), how.pose(how.seconds * 0.4)
    assert not canvas.view(at).any()
    canvas.take(at, soft())
    again = canvas.view(at)
    # Where a loop shows its own inside, or a sector, again, what was taken there is seen here as well.
    assert correlation(again, soft()) > (0.55 if how.loop and how.rotates else 0.97)


def test_what_is_taken_moves_as_the_camera_says(how: Flight) -> None:
    canvas = empty(how, HEIGHT, WIDTH)
    before, now = how.pose(how.seconds * 0.4), how.pose(how.seconds * 0.4 + 0.2)
    canvas.take(before, soft(grain=3))
    moved = motion(before, now, HEIGHT, WIDTH)
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[12:-12, 12:-12] = True
    expected, seen = warp(canvas.view(before), moved), canvas.view(now)
    where = moved.valid & inside
    assert correlation(expected[where], seen[where]) > 0.95


def test_a_loops_end_is_its_beginning(how: Flight) -> None:
    if not how.loop:
        return
    canvas = empty(how, HEIGHT, WIDTH)
    for number in range(6):
        canvas.take(how.pose(how.seconds * number / 6), soft(number))
    first, last = (canvas.view(how.pose(time)) for time in (0.0, how.seconds))
    assert np.abs(first - last).max() < 0.02 * np.abs(first).max()


def test_every_pixel_of_every_frame_has_been_dreamed(how: Flight) -> None:
    """No hole, no border: what is added everywhere is everywhere."""
    canvas = empty(how, HEIGHT, WIDTH)
    for number in range(40):
        canvas.take(how.pose(how.seconds * number / 39), np.ones((HEIGHT, WIDTH, 3), np.float32))
    for time in np.linspace(0, how.seconds, 7):
        # The corners of a slanted pan are seen in one frame alone.
        assert canvas.view(how.pose(float(time)))[6:-6, 6:-6].min() > 0.5


def test_a_canvas_grows_with_its_layer(how: Flight) -> None:
    small, at = empty(how, HEIGHT // 2, WIDTH // 2), how.pose(how.seconds * 0.3)
    small.take(at, soft(grain=2, size=(HEIGHT // 2, WIDTH // 2)))
    large = grown(small, empty(how, HEIGHT, WIDTH))
    shrunk = cv2.resize(large.view(at), (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    assert correlation(shrunk, small.view(at)) > 0.95


def test_no_ring_shows_where_one_level_takes_over_from_the_next() -> None:
    """White noise: the strength of what is seen changes with the distance from the centre, but in no step."""
    how = LOOPS["zoom in"]
    canvas = empty(how, 144, 256)
    canvas.layer += soft(grain=0.5, size=canvas.layer.shape[:2])
    seen = canvas.view(how.pose(1.0))
    distance = np.hypot(*np.meshgrid(np.arange(144) - 71.5, np.arange(256) - 127.5, indexing="ij"))
    rings = [seen[(distance >= radius) & (distance < radius + 4)].std() for radius in range(20, 68, 4)]
    ratios = [max(pair) / min(pair) for pair in pairwise(rings)]
    assert max(ratios) < 1.3


def test_more_room_means_more_steps() -> None:
    depths = [empty(flight(zoom, loop=True), HEIGHT, WIDTH).depths for zoom in (1.05, 1.5, 2.5)]
    assert depths == sorted(depths)
    assert depths[0] < depths[-1]
    assert empty(flight(), HEIGHT, WIDTH).depths == PLACES
    pan = empty(flight(shift=(0.0, 1.0), loop=True), HEIGHT, WIDTH)
    assert pan.depths == pytest.approx(PLACES * 6 / (WIDTH / HEIGHT), rel=0.05)


def test_a_layer_has_as_many_columns_as_the_frame_has_pixels_around_its_corner() -> None:
    canvas = empty(LOOPS["zoom in"], HEIGHT, WIDTH)
    assert isinstance(canvas, Polar)
    around = 2 * math.pi * math.hypot(HEIGHT, WIDTH) / 2
    assert canvas.layer.shape[1] == pytest.approx(around, rel=0.05)


def test_a_canvas_that_does_not_fit_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"--seconds.*camera\.mode=frames"):
        empty(flight(3.0, seconds=3000.0), 720, 1280)
