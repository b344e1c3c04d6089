"""Cuts are found at their frame, and nowhere else."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from little import HEIGHT, WIDTH, drifting, texture

from dreamvid.coherence.cuts import find_cuts
from dreamvid.core.types import Frame, Pixels

RATE = Fraction(25)


def frames(pictures: list[Pixels], first: int = 0) -> Iterator[Frame]:
    return (Frame(first + number, number / RATE, picture) for number, picture in enumerate(pictures))


def scene(count: int, seed: int, tint: tuple[int, int, int]) -> list[Pixels]:
    """A drifting texture in a colour of its own."""
    return [
        np.clip(0.2 * picture + 0.8 * np.array(tint), 0, 255).astype(np.uint8) for picture in drifting(count, seed=seed)
    ]


RED, BLUE, GREEN = (220, 40, 30), (20, 50, 200), (40, 200, 60)


def test_a_hard_cut_is_found_at_its_frame() -> None:
    assert find_cuts(frames(scene(14, 1, RED) + scene(14, 2, BLUE)), RATE) == (14,)


def test_every_cut_is_found() -> None:
    film = scene(12, 1, RED) + scene(10, 2, BLUE) + scene(15, 3, GREEN)
    assert find_cuts(frames(film), RATE) == (12, 22)


def test_a_smooth_clip_has_no_cut() -> None:
    assert find_cuts(frames(drifting(30, rows=1, cols=2)), RATE) == ()


def test_one_frame_has_no_cut_and_neither_has_none() -> None:
    assert find_cuts(frames([texture()]), RATE) == ()
    assert find_cuts(frames([]), RATE) == ()


def test_a_flash_is_no_shot() -> None:
    film = scene(30, 1, RED)
    film[15] = np.full_like(film[15], 255)
    assert find_cuts(frames(film), RATE) == ()


@pytest.mark.parametrize("share", [0.5, 0.12])
def test_a_cut_is_found_in_the_dark(share: float) -> None:
    film = [(share * picture).astype(np.uint8) for picture in scene(14, 1, RED) + scene(14, 2, BLUE)]
    assert find_cuts(frames(film), RATE) == (14,)


def test_a_cut_into_the_dark_is_found_and_the_dark_goes_on() -> None:
    film = scene(14, 1, RED) + [picture // 6 for picture in scene(30, 1, RED)]
    assert find_cuts(frames(film), RATE) == (14,)


def test_black_frames_are_no_cuts_of_their_own() -> None:
    assert find_cuts(frames([np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 30), RATE) == ()


def test_cuts_are_counted_in_frames_of_the_source() -> None:
    assert find_cuts(frames(scene(14, 1, RED) + scene(14, 2, BLUE), first=100), RATE) == (114,)


def test_a_cut_is_as_plain_in_a_large_picture() -> None:
    large = [np.repeat(np.repeat(picture, 9, 0), 9, 1) for picture in scene(8, 1, RED) + scene(8, 2, BLUE)]
    assert find_cuts(frames(large), RATE) == (8,)


def test_a_fractional_frame_rate_will_do() -> None:
    assert find_cuts(frames(scene(14, 1, RED) + scene(14, 2, BLUE)), Fraction(30000, 1001)) == (14,)
