"""Videos whose end leads into their beginning: by themselves, or by a dissolve."""

from collections.abc import Generator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from little import drifting, film, quick, texture

from dreamvid.core.errors import SettingsError
from dreamvid.core.framing import frame_to
from dreamvid.core.types import Frame, Pixels
from dreamvid.pipeline import laps
from dreamvid.pipeline.plan import Plan
from dreamvid.pipeline.sources import of_video

RATE = Fraction(4)


def footage(pictures: Sequence[Pixels], first: int = 0) -> tuple[Plan, laps.Frames]:
    def frames(indices: Sequence[int]) -> Generator[Frame, None, None]:
        for index in indices:
            yield Frame(index, index / RATE, pictures[index])

    height, width = pictures[0].shape[:2]
    known = tuple(range(first, len(pictures)))
    plan = Plan(frame_to(height, width, Fraction(1), None, "crop"), RATE, known, tuple(range(len(known))))
    return plan, frames


def rolling(count: int = 24) -> list[Pixels]:
    """A texture that goes once around its width."""
    picture = texture(32, 4 * count)
    return [np.roll(picture, 4 * number, axis=1) for number in range(count)]


def shown(pictures: Sequence[Pixels], first: int = 0, rounds: int = 1) -> tuple[list[Pixels], bool]:
    plan, looks, _, dissolved = laps.closed(*footage(pictures, first), rounds)
    images = [frame.image for frame in looks(plan.frames)]
    return [images[position] for position in plan.shown], dissolved


def test_what_loops_by_itself_keeps_every_frame() -> None:
    pictures = rolling()
    film, dissolved = shown(pictures)
    assert not dissolved
    assert all(np.array_equal(one, other) for one, other in zip(film, pictures, strict=True))


def test_what_does_not_loop_dissolves_into_its_beginning_and_starts_where_it_did_not_end() -> None:
    pictures = drifting(24, cols=3)
    film, dissolved = shown(pictures)
    back = laps.landing_frames(RATE, 24)
    assert dissolved
    assert len(film) == 24 - back
    assert all(np.array_equal(one, other) for one, other in zip(film[back:], pictures[back:-back], strict=True))
    steps = [np.abs(film[n].astype(float) - film[n - 1]).mean() for n in range(len(film))]  # the first is the wrap
    assert steps[0] <= 1.05 * max(steps[1], steps[-1])


def test_the_wrap_goes_on_as_the_frames_were_dreamed() -> None:
    """Each frame of the film follows, in the order of dreaming, the one before it; the last but the landing's."""
    plan, _, landing, _ = laps.closed(*footage(rolling()), 1)
    dreamed = [plan.frames[position] for position in plan.shown]
    follows = [later - earlier for earlier, later in zip([dreamed[-1], *dreamed], dreamed, strict=False)]
    back = landing.stop - landing.start
    assert follows == [1] * back + [1 - landing.lap] + [1] * (landing.lap - back - 1)
    assert landing.share(landing.start - 1) == 0
    assert landing.share(landing.stop - 1) == 1


def test_a_range_loops_within_itself() -> None:
    film, dissolved = shown(drifting(30, cols=3), first=6)
    assert dissolved
    assert len(film) == 24 - laps.landing_frames(RATE, 24)


def test_time_goes_on_where_a_range_begins_again() -> None:
    plan, looks, _, _ = laps.closed(*footage(drifting(30, cols=3), 6), 1)
    times = [frame.time for frame in looks(plan.frames)]
    assert {later - earlier for earlier, later in pairwise(times)} == {1 / RATE}


def test_laps_go_round() -> None:
    once, _ = shown(rolling())
    thrice, _ = shown(rolling(), rounds=3)
    assert all(np.array_equal(one, other) for one, other in zip(once * 3, thrice, strict=True))


def test_one_frame_is_looked_up_as_many_are() -> None:
    plan, looks, _, _ = laps.closed(*footage(drifting(24, cols=3)), 1)
    every = {frame.index: frame.image for frame in looks(plan.frames)}
    for index in plan.frames:
        (frame,) = looks((index,))
        assert np.array_equal(frame.image, every[index])


def test_what_cannot_be_closed_is_refused() -> None:
    with pytest.raises(SettingsError, match="too short"):
        shown(rolling(5))
    plan, frames = footage(rolling())
    with pytest.raises(SettingsError, match="--fps"):
        laps.closed(Plan(plan.framing, RATE, plan.frames, (0, *plan.shown)), frames, 1)


def test_a_video_is_made_to_loop(tmp_path: Path) -> None:
    clip = film(tmp_path / "clip.mp4", drifting(24))
    found = of_video(str(clip), quick(input={"loop": True}))
    assert found.landing is not None
    assert len(found.plan.shown) == found.landing.lap == 24 - laps.landing_frames(Fraction(12), 24)
    assert [frame.index for frame in found.frames(found.plan.frames)] == list(found.plan.frames)
