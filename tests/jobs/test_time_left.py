"""The time left, told from the frames so far."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from job_runs import COUNT
from little import quick

from dreamvid.jobs import run
from dreamvid.jobs.events import Event, never
from dreamvid.jobs.run import Options
from dreamvid.jobs.time_left import FramesLeft, FrameTimes, Tally

SECONDS = st.floats(0.01, 100)


def test_before_any_frame_it_is_not_known_and_after_the_first_about() -> None:
    times = FrameTimes([None, *[0.02] * 23])
    assert times.seconds_left is None
    times.add(4.0, None)
    assert times.seconds_left == pytest.approx(23 * 4 * (0.08 + 0.02))
    assert FrameTimes([]).seconds_left == 0


@given(SECONDS, SECONDS, st.integers(1, 5), st.integers(1, 50))
def test_it_is_right_from_the_second_frame_on_where_each_kind_takes_its_time(
    first: float, later: float, shots: int, frames: int
) -> None:
    """Every shot begins with a frame that is dreamed in full: however slow that is, the others are not."""
    order = [place == 0 for _ in range(shots) for place in range(frames + 1)]
    times = FrameTimes([None if begins else 0.3 for begins in order])
    for number, begins in enumerate(order, 1):
        times.add(first if begins else later, None if begins else 0.3)
        rest = order[number:]
        if number == 1:
            assert times.seconds_left is not None and times.seconds_left > first * rest.count(True)
        else:
            assert times.seconds_left == pytest.approx(rest.count(True) * first + rest.count(False) * later)


@given(SECONDS, st.floats(0.01, 1), st.lists(st.floats(0.01, 0.9), min_size=1, max_size=20), st.floats(0.01, 0.9))
def test_frames_in_which_more_is_new_take_longer_by_the_work_of_a_first_one(
    first: float, share: float, works: list[float], coming: float
) -> None:
    carried = first * max(works) * (0.3 + share)
    times = FrameTimes([None, *works, coming, None])
    times.add(first, None)
    for work in works:
        times.add(carried + first * work, work)
    assert times.seconds_left == pytest.approx(first + carried + first * coming)


def test_where_more_that_is_new_does_not_cost_what_was_expected_the_frames_say_so() -> None:
    times = FrameTimes([None, *[0.02, 0.2] * 20, 0.2])
    times.add(10.0, None)
    for work in [0.02, 0.2] * 20:
        times.add(1 + work, work)
    assert times.seconds_left == pytest.approx(1.2, rel=0.1)
    alike = FrameTimes([None, *[0.1] * 20, 0.2])
    alike.add(10.0, None)
    for _ in range(20):
        alike.add(0.5, 0.1)
    assert alike.seconds_left is not None and 0.5 < alike.seconds_left < 1


def test_one_frame_alone_leaves_nothing() -> None:
    times = FrameTimes([None])
    times.add(3.0, None)
    assert times.seconds_left == 0


def test_frames_that_are_rendered_at_once_share_the_time() -> None:
    told: list[Event] = []
    tally = Tally(FrameTimes([0.5] * 9), told.append, never, at_once=2)
    tally(4.0, 0.5)
    assert (told[-1].seconds_left, told[-1].at_once) == (16.0, 2)


def test_a_film_is_not_over_before_the_longest_of_its_parts() -> None:
    told: list[Event] = []
    long, short = (FramesLeft.of([0.5] * count) for count in (6, 3))
    tally = Tally(FrameTimes([0.5] * 9), told.append, never, 2, [long, short])
    for part in (long, short, short, short):
        part.add(0.5, -1)
        tally(4.0, 0.5)
    # Of the long one, 5 are left all the while.
    assert [event.seconds_left for event in told[1:]] == [20.0] * 4
    assert [event.at_once for event in told[1:]] == pytest.approx([8 / 5, 7 / 5, 6 / 5, 1])


@pytest.mark.usefixtures("small_net")
def test_a_render_tells_it_and_one_that_is_resumed_knows_it_at_once(clip: Path, tmp_path: Path) -> None:
    told: list[float | None] = []

    def listen(event: Event) -> None:
        if event.phase == "render" and event.seconds:
            told.append(event.seconds_left)
            if len(told) == 3:
                raise KeyboardInterrupt

    for _ in range(2):
        try:
            run.dream_video(str(clip), tmp_path / "film.mp4", quick(), Options(progress=listen))
        except KeyboardInterrupt:
            continue
    assert all(left is not None and left > 0 for left in told[:-1])
    assert (len(told), told[-1]) == (COUNT, 0)
