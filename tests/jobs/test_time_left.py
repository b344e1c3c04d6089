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
from dreamvid.jobs.time_left import FrameTimes, Tally

SECONDS = st.floats(0.01, 100)


@given(SECONDS, SECONDS, st.integers(1, 5), st.integers(1, 50))
def test_it_is_right_from_the_second_frame_on_where_each_kind_takes_its_time(
    first: float, later: float, shots: int, frames: int
) -> None:
    """Every shot begins with a frame that is dreamed in full: however slow that is, the others are not."""
    times = FrameTimes(shots, shots * frames)
    order = [place == 0 for _ in range(shots) for place in range(frames + 1)]
    for number, begins in enumerate(order, 1):
        times.add(first if begins else later, first=begins)
        rest = order[number:]
        if number == 1:
            assert times.seconds_left is None
        else:
            assert times.seconds_left == pytest.approx(rest.count(True) * first + rest.count(False) * later)


def test_one_frame_alone_leaves_nothing() -> None:
    times = FrameTimes(1, 0)
    times.add(3.0, first=True)
    assert times.seconds_left == 0


def test_frames_that_are_rendered_at_once_share_the_time() -> None:
    told: list[Event] = []
    tally = Tally(FrameTimes(0, 9), told.append, never, at_once=2)
    tally(4.0, first=False)
    assert (told[-1].seconds_left, told[-1].at_once) == (16.0, 2)


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
    assert told[0] is None
    assert all(left is not None and left > 0 for left in told[1:-1])
    assert (len(told), told[-1]) == (COUNT, 0)
