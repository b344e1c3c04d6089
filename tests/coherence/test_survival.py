"""What survives of a dream in a dissolve, a fade, a shadow and noise."""

from itertools import pairwise

import numpy as np
import pytest
from little import HEIGHT, WIDTH, drifting, texture

from dreamvid.coherence.optical_flow import Motion, estimate
from dreamvid.coherence.survival import outlived
from dreamvid.core.types import Pixels


def at_rest(height: int = HEIGHT, width: int = WIDTH) -> Motion:
    return Motion(np.zeros((height, width, 2), np.float32), np.ones((height, width), bool))


def survives(frames: list[Pixels]) -> float:
    """Share of a dream that is left at the end, in the mean over the picture."""
    kept = [outlived(one, at_rest(96, 128), two) for one, two in pairwise(frames)]
    return float(np.prod(kept, axis=0).mean())


def test_a_moving_picture_keeps_its_dream() -> None:
    before, now = drifting(2, rows=1, cols=2)
    kept = outlived(before, estimate(before, now), now)
    assert kept.shape == (HEIGHT, WIDTH)
    assert kept[8:-8, 8:-8].mean() > 0.95


def test_noise_of_a_camera_changes_nothing() -> None:
    frame = np.clip(texture(96, 128, seed=2), 20, 230)
    noise = np.random.default_rng(0).normal(0, 3, frame.shape)
    now = np.clip(np.rint(frame + noise), 0, 255).astype(np.uint8)
    assert outlived(frame, at_rest(96, 128), now).min() > 0.99


@pytest.mark.parametrize("frames", [1, 5, 20])
def test_a_dissolve_takes_the_dream_with_it_however_long_it_is(frames: int) -> None:
    """Each pixel changes by 100 levels in all."""
    dark, light = np.full((96, 128, 3), 60, np.uint8), np.full((96, 128, 3), 160, np.uint8)
    steps = [np.rint(dark + (light - dark) * (n / frames)).astype(np.uint8) for n in range(frames + 1)]
    kept = [outlived(one, at_rest(96, 128), two) for one, two in pairwise(steps)]
    assert np.prod(kept, axis=0).max() < 0.05


def test_a_change_in_one_corner_leaves_the_dream_in_the_others() -> None:
    frame = np.clip(texture(96, 128, seed=2), 60, 180)
    now = frame.copy()
    now[:40, :50] += 70
    kept = outlived(frame, at_rest(96, 128), now)
    assert kept[4:30, 4:40].max() < 0.1
    assert kept[60:, 80:].min() == 1


@pytest.mark.parametrize("end", [0.0, 255.0], ids=["to black", "to white"])
@pytest.mark.parametrize("way", [1, -1], ids=["out", "in"])
def test_a_fade_leaves_the_dream(end: float, way: int) -> None:
    """What a picture shows is still there in another light."""
    frame = np.clip(texture(96, 128, seed=2), 20, 230).astype(float)
    frames = [np.rint(end + share * (frame - end)).astype(np.uint8) for share in np.linspace(1, 0.1, 12)]
    assert survives(frames[::way]) > 0.9


def test_a_flicker_of_the_light_leaves_the_dream() -> None:
    frame = np.clip(texture(96, 128, seed=2), 20, 200)
    assert survives([frame + np.uint8(25 * (number % 2)) for number in range(6)]) > 0.9


@pytest.mark.parametrize("frames", [2, 8, 24])
def test_a_dissolve_between_pictures_of_one_light_takes_the_dream_with_it(frames: int) -> None:
    one, other = (np.clip(texture(96, 128, seed=seed, grain=12), 20, 230).astype(float) for seed in (2, 3))
    steps = [np.rint(one + share * (other - one)).astype(np.uint8) for share in np.linspace(0, 1, frames + 1)]
    assert survives(steps) < 0.3
